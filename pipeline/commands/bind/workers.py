"""A binding learned by several processes at once, each with its part of every batch."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import numpy as np

from operators.binding.pairs import Pairs
from operators.binding.recipe import Recipe
from operators.binding.trainer import Progress, Trainer
from pipeline.build import build
from pipeline.config import Part
from pipeline.train import spread

TOLD_S = 0.5
"""How often the first process's progress is looked at."""

Parts = tuple[Pairs, Pairs]
"""What is learned from, and what is held out."""


def learn_together(
    part: Part,
    modality: str,
    recipe: Recipe,
    pairs: Parts,
    folder: Path,
    workers: int,
    tell: Callable[[Progress], None],
) -> None:
    """Learn until the end; what was learned is then in ``folder/checkpoint.pt``, where a trainer finds it.

    On several machines all must see ``folder``. Raise EngineError if a process fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, each in zip(PARTS, pairs, strict=True):
        np.savez(folder / name, names=np.array(each.names), inputs=each.inputs, anchors=each.anchors)
    told = folder / "progress.jsonl"
    told.write_bytes(b"")
    failures: list[BaseException] = []
    loop = partial(_learn, part, modality, recipe, folder.resolve())
    thread = Thread(target=_caught, args=(partial(spread, loop, workers, folder), failures))
    thread.start()
    with told.open("rb") as file:
        while thread.is_alive():
            thread.join(TOLD_S)
            _pass_on(file.readlines(), tell)
    if failures:
        raise failures[0]


PARTS = ("learned.npz", "held.npz")


def _learn(part: Part, modality: str, recipe: Recipe, folder: Path) -> None:
    """What each process does."""
    learned, held = (_read(folder / name) for name in PARTS)
    encoder: Any = build(part, f"model.encoders.{modality}")
    trainer = Trainer(encoder.network(), modality, recipe, learned, held, folder)
    with (folder / "progress.jsonl").open("ab", buffering=0) as file:
        for progress in trainer.run():
            if trainer.is_first:
                file.write(json.dumps(msgspec.to_builtins(progress)).encode() + b"\n")  # a loss may be no number


def _read(path: Path) -> Pairs:
    with np.load(path) as rows:
        return Pairs(rows["names"].tolist(), rows["inputs"], rows["anchors"], [])


def _pass_on(lines: list[bytes], tell: Callable[[Progress], None]) -> None:
    for line in lines:
        tell(msgspec.convert(json.loads(line), Progress))


def _caught(call: Callable[[], None], failures: list[BaseException]) -> None:
    try:
        call()
    except Exception as error:
        failures.append(error)
