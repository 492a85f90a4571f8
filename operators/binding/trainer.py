"""The loop that binds: from where it was left, step by step, to a network that has learned.

N = pairs, B = pairs in a batch, D = dimension of the joint space.
"""

import os
from collections.abc import Iterator
from math import ceil, cos, pi
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, distributed, nn
from torch.nn import functional

from operators.binding.augment import augmented
from operators.binding.learning import chosen, merged
from operators.binding.loss import SAME, info_nce
from operators.binding.pairs import Pairs
from operators.binding.recipe import Recipe
from operators.encoders.execution import DTYPES
from operators.evaluation.retrieval import ranks, recall
from pipeline.messages import Array

PATIENCE = 5
"""Steps in a row without a finite loss or gradient, after which going on is of no use."""

KEEP_S = 60.0
"""Long epochs are kept in between as well."""

CHUNK = 64
"""Inputs at a time where nothing is learned."""


class Progress(Struct, frozen=True):
    """How far it is after a step; ``recall`` is that of ``Trainer``, once an epoch."""

    step: int
    steps: int
    epoch: int
    loss: float
    rate: float
    recall: float | None = None
    skipped: int = 0


class Trainer:
    """Teaches ``network`` to give each input its anchor's vector.

    After every epoch, and every minute, all is kept in ``folder/checkpoint.pt``; a trainer of the same recipe and
    pairs goes on there, and ends with the same weights, bit for bit on one machine's CPU, as one that was never
    stopped: order and chance of every step follow from the seed and its number. A step whose loss or gradient is not
    finite is left out, and ``troubles`` names its pairs.

    Where torch.distributed is initialised, every process takes its part of each batch. Raise ValueError for a folder
    that holds a run of another recipe, of other pairs or of another network.
    """

    def __init__(self, network: nn.Module, modality: str, recipe: Recipe, learned: Pairs, held: Pairs, folder: Path):
        self.recipe = recipe
        self.history: list[Progress] = []
        self.troubles: list[str] = []
        self._modality, self._learned, self._held = modality, learned, held
        self._path = folder / "checkpoint.pt"
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device)
        self._batch = min(recipe.batch, len(learned))
        self._each = max(1, len(learned) // self._batch)
        self._parameters = chosen(self._network, recipe)
        self._seen = recipe.mode == "head" and hasattr(network, "see") and not _varies(modality, recipe)
        self._inputs, self._tested = (self._ready(pairs.inputs) for pairs in (learned, held))
        self._optimizer = torch.optim.AdamW(
            self._parameters, recipe.rate, betas=recipe.betas, weight_decay=recipe.decay
        )
        self._step = self._bad = 0
        self._kept = monotonic()
        self._resume()

    @property
    def steps(self) -> int:
        """How many there are in all."""
        return self._each * self.recipe.epochs

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that keeps and tells."""
        return _rank() == 0

    def run(self) -> Iterator[Progress]:
        """Learn, and tell of every step. Raise ValueError after five in a row that are no numbers."""
        self._network.train()
        while self._step < self.steps:
            loss = self._learn()
            self._step += 1
            is_end = self._step % self._each == 0
            progress = Progress(
                step=self._step,
                steps=self.steps,
                epoch=ceil(self._step / self._each),
                loss=loss,
                rate=self._rate(self._step - 1),
                recall=self.recall() if is_end else None,
                skipped=len(self.troubles),
            )
            self.history.append(progress)
            if is_end or monotonic() - self._kept > KEEP_S:
                self._keep()
            yield progress

    def recall(self) -> float:
        """Return R@1 of what is held out: how often the nearest of all anchors is an input's own, or one like it."""
        anchors_ND = self._held.anchors
        return recall(ranks(self.vectors() @ anchors_ND.T, anchors_ND @ anchors_ND.T > SAME), 1)

    @torch.no_grad()
    def vectors(self) -> Array:
        """Return (N, D) float32: what the network says of what is held out."""
        was_training = self._network.training
        self._network.eval()
        rows = [self._said(self._tested[n : n + CHUNK]).float().cpu() for n in range(0, len(self._tested), CHUNK)]
        self._network.train(was_training)
        return torch.cat(rows).numpy()

    def finished(self) -> nn.Module:
        """Return the network as it is now, in one piece, to be kept by its encoder."""
        return merged(self._network).eval().cpu()

    def _learn(self) -> float:
        """Take one step; return its loss, perhaps not a number."""
        rows = self._rows()
        torch.manual_seed(_number(self.recipe.seed, self._step, _rank()))
        x = self._inputs[rows].to(self._device)
        x = x if self._seen else augmented(x.float(), self._modality, self.recipe)
        anchors = torch.from_numpy(self._learned.anchors[rows]).to(self._device)
        self._optimizer.zero_grad()
        loss = info_nce(self._said(x).float(), anchors, self.recipe.temperature)
        loss.backward()  # type: ignore[no-untyped-call]
        _average(self._parameters)
        norm = nn.utils.clip_grad_norm_(self._parameters, self.recipe.clip)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate(self._step)
        if torch.isfinite(loss) and torch.isfinite(norm):
            self._optimizer.step()
            self._bad = 0
        else:
            self._stumble(rows)
        return float(loss.detach())

    def _said(self, x: Tensor) -> Tensor:
        dtype = DTYPES[self.recipe.dtype]
        with torch.autocast(self._device.type, dtype, enabled=dtype != torch.float32):
            network: Any = self._network
            y = network.read(x.to(self._device)) if self._seen else network(x.to(self._device).float())
        return functional.normalize(y.float(), dim=-1)

    @torch.no_grad()
    def _ready(self, inputs: Array) -> Tensor:
        """Return what a step begins with: inputs, or what the part that does not learn makes of them, once for all."""
        rows = torch.from_numpy(inputs)
        if not self._seen:
            return rows
        network: Any = self._network.eval()
        return torch.cat(
            [network.see(rows[n : n + CHUNK].float().to(self._device)).cpu() for n in range(0, len(rows), CHUNK)]
        )

    def _rows(self) -> Array:
        """Return which pairs this process learns from in this step."""
        epoch, place = divmod(self._step, self._each)
        order = np.random.default_rng(_number(self.recipe.seed, epoch)).permutation(len(self._learned))
        rows = order[place * self._batch : (place + 1) * self._batch]
        share = len(rows) // _world()
        return rows[_rank() * share : (_rank() + 1) * share] if _world() > 1 else rows

    def _rate(self, step: int) -> float:
        """Rises in a line, then falls as a cosine to 0."""
        warmup = min(self.recipe.warmup * self._each, self.steps / 2)
        if step < warmup:
            return self.recipe.rate * (step + 1) / (warmup + 1)
        return self.recipe.rate * (1 + cos(pi * (step - warmup) / max(self.steps - warmup, 1))) / 2

    def _stumble(self, rows: Array) -> None:
        self._bad += 1
        names = ", ".join(self._learned.names[row] for row in rows[:3])
        self.troubles.append(f"step {self._step + 1}: its loss or gradient is not finite; among its pairs are {names}")
        if self._bad >= PATIENCE:
            raise ValueError(
                f"{PATIENCE} steps in a row had no finite loss, the last at step {self._step + 1}: lower recipe.rate"
                f" (now {self.recipe.rate:g}) or recipe.clip (now {self.recipe.clip:g}), or compute in float32"
            )

    def _keep(self) -> None:
        """Write all that is needed to go on, at once or not at all."""
        if not self.is_first:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            torch.save(self._state(), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._kept = monotonic()

    def _state(self) -> dict[str, Any]:
        return {
            "of": self._of(),
            "step": self._step,
            "bad": self._bad,
            "parameters": [parameter.detach() for parameter in self._parameters],
            "optimizer": self._optimizer.state_dict(),
            "history": msgspec.to_builtins(self.history),
            "troubles": self.troubles,
        }

    def _of(self) -> dict[str, str]:
        """What a run is of: another recipe or other pairs are another run."""
        shapes = str([tuple(parameter.shape) for parameter in self._parameters])
        return {
            "recipe": msgspec.json.encode(self.recipe).decode(),
            "pairs": self._learned.digest,
            "network": f"{type(self._network).__name__} {shapes}",
        }

    def _resume(self) -> None:
        if not self._path.is_file():
            return
        state = torch.load(self._path, map_location=self._device, weights_only=True)
        if unlike := [name for name, value in self._of().items() if state["of"].get(name) != value]:
            raise ValueError(
                f"{self._path}: holds a run of another {' and another '.join(unlike)}; take another folder, or remove"
                " it to begin anew"
            )
        self._step, self._bad, self.troubles = state["step"], state["bad"], state["troubles"]
        self.history = msgspec.convert(state["history"], list[Progress])
        self._optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            for parameter, kept in zip(self._parameters, state["parameters"], strict=True):
                parameter.copy_(kept)


def _varies(modality: str, recipe: Recipe) -> bool:
    """Say whether a step changes its inputs, so that they must be seen anew each time."""
    return bool({"audio": recipe.mask, "imu": recipe.shake}.get(modality, recipe.erase))


def _number(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _world() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def _average(parameters: list[nn.Parameter]) -> None:
    """Make each gradient the mean of those of all processes."""
    if _world() > 1:
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= _world()
