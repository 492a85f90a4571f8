"""``rigbind bench encoders``: how fast the towers are, beside a plain build of each and this machine's products."""

import resource
import statistics
from collections.abc import Callable, Mapping
from copy import deepcopy
from time import perf_counter
from typing import Annotated

import numpy as np
import torch
import typer
from msgspec import Struct
from rich.progress import track
from rich.table import Table

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner, device_of
from operators.encoders.presets import Parts, built, preset
from operators.encoders.tokens import WordTokens
from operators.encoders.tower import CONTEXT, FORMS, VOCABULARY, Architecture, Tower
from pipeline.commands.bench.plain import plain_tower
from pipeline.commands.bench.report import Aim, JsonOption, publish
from pipeline.commands.console import make_console, refusing
from pipeline.messages import Array, Execution

BUDGET_S = 10.0
ROUNDS = (3, 20)
"""Rounds of every batch: as many as fit the budget, within these."""

SIDE, GPU_SIDE = 2048, 8192
"""Of the square matrices whose product shows what the machine can do."""

Seconds = Mapping[str, float]
Contenders = Mapping[str, Callable[[], object]]


class Case(Struct, frozen=True):
    """One modality at one batch size: median seconds of each contender, operations in one input and in one product."""

    modality: str
    batch: int
    seconds: Seconds
    flop: float
    matmul_flop: float

    def flops(self, name: str) -> float:
        """Operations a second of ``float32``, ``bfloat16`` or ``plain``."""
        return self.batch * self.flop / self.seconds[name]

    def share(self, name: str) -> float:
        """Of the rate at which this machine multiplies matrices of those numbers."""
        return self.flops(name) * self.seconds[f"{name} matmul"] / self.matmul_flop

    def speedup(self, name: str) -> float:
        return self.seconds["plain"] / self.seconds[name]


def encoders(
    model: Annotated[str, typer.Option(help="A preset; without weights their values are random.")] = "tiny",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1.")] = "auto",
    modality: Annotated[list[str], typer.Option(help="Only this one; may be repeated.")] = [],  # noqa: B006
    batch: Annotated[str, typer.Option(help="Inputs at a time, as a list with commas.")] = "1,4",
    compile: Annotated[bool, typer.Option(help="Ours by torch.compile.")] = False,
    json: JsonOption = None,
) -> None:
    """Time every tower in float32 and bfloat16 and a plain build of it, in turn; random inputs."""
    figures: dict[str, float] = {}
    cases: list[Case] = []
    with refusing():
        where, batches = device_of(device), _batches(batch)
        for name, (architecture, weights) in _towers(model, modality).items():
            measured, cosines = _measure(_loaded(name, architecture, weights), where, batches, compile)
            cases += measured
            figures |= _figures(name, measured) | cosines
    figures["peak_mb"] = _peak_bytes(where) / 1e6
    make_console().print(_table(cases))
    publish("bench encoders", figures, _aims(figures, where), json, model=model)


def _batches(text: str) -> list[int]:
    """Return the numbers in ``text``, rising. Raise ValueError for what is no list of them."""
    numbers = [int(word) if word.strip().isdecimal() else 0 for word in text.split(",")]
    if min(numbers) < 1:
        raise ValueError(f"--batch {text!r} is no list of numbers from 1, such as 1,4")
    return sorted(set(numbers))


def _towers(model: str, modalities: list[str]) -> dict[str, tuple[Architecture, str]]:
    """Return sizes and weights by modality. Raise ValueError for a preset or a modality that cannot be measured."""
    parts = _parts(model)
    if unknown := [modality for modality in modalities if modality not in parts]:
        raise ValueError(f"preset {model!r} has no encoder for {', '.join(unknown)}; it has {', '.join(parts)}")
    chosen = {modality: built(parts[modality]) for modality in modalities or parts}
    if foreign := [modality for modality, encoder in chosen.items() if not hasattr(encoder, "tower")]:
        raise ValueError(f"preset {model!r}: {', '.join(foreign)} has no tower of ours to compare with a plain one")
    return {modality: (encoder.tower, encoder.weights) for modality, encoder in chosen.items()}


def _loaded(modality: str, architecture: Architecture, weights: str) -> Tower:
    tower = load_tower(modality, architecture, weights)
    if not weights and isinstance(tower.tokens, WordTokens):
        # What all placeholder sentences share outweighs the rest by far, and would hide what rounding does.
        tower.tokens.positions.data -= tower.tokens.positions.data.mean(1, keepdim=True)
    return tower


def _parts(model: str) -> Parts:
    """Return the encoders of a preset; one that needs weights and is given none has random values."""
    try:
        return preset(model)
    except ValueError:
        if ":" in model:
            raise
        return preset(f"{model}:")


def _side(device: torch.device) -> int:
    return SIDE if device.type == "cpu" else GPU_SIDE


def _measure(
    tower: Tower, device: torch.device, batches: list[int], compile: bool
) -> tuple[list[Case], dict[str, float]]:
    """Return a case per batch size, and how near the vectors of 16 bits come to those of 32."""
    name, sizes = tower.modality, (flop(tower), 2.0 * _side(device) ** 3)
    plain = plain_tower(tower).to(device)
    half = _runner(deepcopy(tower), device, "float16")(inputs(name, 1))
    brain = _runner(deepcopy(tower), device, "bfloat16", compile)
    full = _runner(tower, device, "float32", compile)
    few = inputs(name, max(batches))
    cosines = {
        f"{name}_bf16_cosine": _cosine(brain(few), full(few)),
        f"{name}_fp16_cosine": _cosine(half, full(few[:1])),
    }
    return [
        Case(name, number, _race(_contenders(plain, full, brain, few[:number]), f"{name} × {number}"), *sizes)
        for number in batches
    ], cosines


def _runner(tower: Tower, device: torch.device, dtype: str, compile: bool = False) -> Runner:
    mean, std = (127.5, 64.0) if tower.modality == "vision" else (0.0, 1.0)
    return Runner(tower, Execution(device=str(device), dtype=dtype, compile=compile), mean, std)  # type: ignore[arg-type]


def _contenders(plain: Tower, full: Runner, brain: Runner, batch: Array) -> Contenders:
    """Return all that is to be timed: arrays in, arrays out; and one product for each kind of number."""
    device, side = full.device, _side(full.device)

    @torch.inference_mode()
    def plainly() -> Array:
        x = torch.from_numpy(batch).to(device)
        y: Array = plain(x if plain.modality == "text" else x.float()).cpu().numpy()
        return y

    def product(dtype: torch.dtype) -> Callable[[], float]:
        a = torch.randn(side, side, dtype=dtype, device=device)
        return lambda: (a @ a)[0, 0].item()

    return {
        "plain": plainly,
        "float32": lambda: full(batch),
        "bfloat16": lambda: brain(batch),
        "float32 matmul": product(torch.float32),
        "bfloat16 matmul": product(torch.bfloat16),
    }


def _race(contenders: Contenders, name: str) -> Seconds:
    """Return the median seconds of each, run in turn so that a noisy neighbour slows all of them."""
    round_s = sum(_time(run) for run in contenders.values())
    rounds = min(max(round(BUDGET_S / round_s), ROUNDS[0]), ROUNDS[1])
    times = [
        {key: _time(run) for key, run in contenders.items()}
        for _ in track(range(rounds), f"{name:12}", console=make_console())
    ]
    return {key: statistics.median(one[key] for one in times) for key in contenders}


def _time(run: Callable[[], object]) -> float:
    started = perf_counter()
    run()
    return perf_counter() - started


def inputs(modality: str, number: int) -> Array:
    """Return random inputs of ImageBind's size, in the numbers that encoders prepare."""
    rng, size = np.random.default_rng(0), FORMS[modality].size
    if size is None:
        return rng.integers(0, VOCABULARY, (number, CONTEXT), np.int64)
    if modality == "vision":
        return rng.integers(0, 255, (number, *size), np.uint8)
    return rng.normal(size=(number, *size)).astype(np.float16)


def flop(tower: Tower) -> float:
    """Return the floating-point operations in one input of the tower's own size: matrix products, two each.

    >>> round(flop(Tower("depth", Architecture(1024, 384, 12, 8, (16, 16)))) / 1e9, 1)
    9.1
    """
    sizes = tower.architecture
    stem = 0 if isinstance(tower.tokens, WordTokens) else tower.tokens.stem.weight.numel()
    L = tower.tokens.positions.shape[1]
    S = L + FORMS[tower.modality].bias_kv
    block = 12 * L * sizes.width**2 + 2 * L * S * sizes.width
    return 2.0 * ((L - 1) * stem + sizes.depth * block + sizes.width * sizes.dim)


def _cosine(some: Array, others: Array) -> float:
    return float(np.sum(some * others, axis=1).min())


def _figures(name: str, cases: list[Case]) -> dict[str, float]:
    """Return latency at the smallest batch, and what throughput is about at the largest."""
    first, last = cases[0], cases[-1]
    return {
        f"{name}_ms": 1e3 * first.seconds["float32"],
        f"{name}_bf16_ms": 1e3 * first.seconds["bfloat16"],
        f"{name}_bf16_per_s": last.batch / last.seconds["bfloat16"],
        f"{name}_bf16_gflops": last.flops("bfloat16") / 1e9,
        f"{name}_fp32_speedup": last.speedup("float32"),
        f"{name}_bf16_speedup": last.speedup("bfloat16"),
        f"{name}_share_of_matmul": last.share("bfloat16"),
    }


def _aims(figures: Mapping[str, float], device: torch.device) -> dict[str, Aim]:
    """Return what each figure should reach: on a GPU more than on a CPU, and most of it with large batches."""
    aims: dict[str, Aim] = {"bf16_cosine": (">=", 0.999), "fp16_cosine": (">=", 0.999)}
    if device.type == "cpu":
        aims |= {"fp32_speedup": (">=", 1.1), "bf16_speedup": (">=", 3.0)}
    else:
        aims |= {"bf16_speedup": (">=", 5.0), "share_of_matmul": (">=", 0.6)}
    return {name: aim for name in figures for ending, aim in aims.items() if name.endswith(ending)}


def _peak_bytes(device: torch.device) -> int:
    """Return the most memory this run held at once: of the GPU, or of the process; the plain towers included."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _table(cases: list[Case]) -> Table:
    heads = ("", "ms", "inputs/s", "GFLOP/s", "of matmul", "over plain")
    table = Table(
        "modality", "batch", "plain ms", *(f"{kind} {head}".strip() for kind in ("fp32", "bf16") for head in heads[1:])
    )
    for case in cases:
        row = [case.modality, str(case.batch), f"{1e3 * case.seconds['plain']:.1f}"]
        for name in ("float32", "bfloat16"):
            seconds = case.seconds[name]
            row += [f"{1e3 * seconds:.1f}", f"{case.batch / seconds:.1f}", f"{case.flops(name) / 1e9:.0f}"]
            row += [f"{case.share(name):.0%}", f"{case.speedup(name):.2f} ×"]
        table.add_row(*row)
    return table
