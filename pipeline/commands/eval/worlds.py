"""Simulated worlds that nobody learned from, as what the senses of a model make of them.

W = windows, L = labels, D = dimension of the joint space.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from msgspec import Struct

from operators.evaluation.embedder import Embedder
from operators.sets.item import Item
from pipeline.config import Config
from pipeline.messages import NS, Array, Clip, Window
from pipeline.sync import Synchronizer
from sensors.simulator import Happening, Variant, rig, timetable
from sensors.simulator.rig import START

SHARE = 0.5
"""A window is of a label if they share so much of the shorter of both; if they share less, it is not asked."""


class Seen(Struct, frozen=True, eq=False):
    """Windows of some worlds.

    ``vectors`` are (W, D) by sense, NaN where it had no say; ``truth`` (W, L) is 1, 0, or NaN where it is not asked.
    """

    vectors: Mapping[str, Array]
    truth: Array
    labels: Sequence[str]
    windows: Sequence[Window]


def look(
    embedder: Embedder, config: Config, seed: int, seconds: float, senses: Sequence[str], names: Sequence[str]
) -> Seen:
    """Return what the senses make of one world."""
    variant: Variant = "drone" if seed % 2 else "rover"
    windows = list(_windows(embedder, config, seed, variant, seconds))
    truth = timetable("patrol", seed, variant, seconds)
    items = [
        Item(
            name=f"world {seed} {number}",
            senses={clip.modality: partial(_alone, window, topic) for topic, clip in window.clips.items()},
        )
        for number, window in enumerate(windows)
    ]
    vectors = {}
    for sense in senses:
        embedded = embedder.embed(items, sense, f"world {seed}: {sense}")
        of = {item.name: vector for item, vector in zip(embedded.items, embedded.means, strict=True)}
        nothing = np.full(embedder.space.encoder(sense).dim, np.nan, np.float32)
        vectors[sense] = np.stack([of.get(item.name, nothing) for item in items])
    bare = [Window(start=window.start, end=window.end, clips={}, coverage=window.coverage) for window in windows]
    truth_WL = np.array([[marked(window, truth, name) for name in names] for window in windows])
    return Seen(vectors, truth_WL, names, bare)


def _windows(embedder: Embedder, config: Config, seed: int, variant: Variant, seconds: float) -> Iterator[Window]:
    """Yield the whole windows of the simulated rig, and tell how far the world is."""
    synchronizer = Synchronizer(config.window, config.channels)
    first = START + round(config.window.length_s * NS)
    for sample in rig(seed, "patrol", variant, seconds):
        for window in synchronizer.push(sample):
            if window.end >= first:
                embedder.tell(f"world {seed}", round((window.end - START) / NS), round(seconds))
                yield window


def _alone(window: Window, topic: str) -> list[Clip]:
    return [window.clips[topic]]


def marked(window: Window, truth: Sequence[Happening], name: str, start: int = START) -> float:
    """Return 1 where ``name`` happens in the window, 0 where it does not, NaN where it hardly does.

    The times of ``truth`` count from ``start``.
    """
    share = 0.0
    for happening in truth:
        if happening.label == name and happening.kind == "event":
            shared = min(window.end, start + happening.end) - max(window.start, start + happening.start)
            share = max(share, shared / min(window.end - window.start, happening.end - happening.start))
    return 1.0 if share >= SHARE else 0.0 if share == 0 else float("nan")


def joined(worlds: Sequence[Seen]) -> Seen:
    """Return the windows of several worlds as those of one."""
    return Seen(
        vectors={sense: np.concatenate([world.vectors[sense] for world in worlds]) for sense in worlds[0].vectors},
        truth=np.concatenate([world.truth for world in worlds]),
        labels=worlds[0].labels,
        windows=[window for world in worlds for window in world.windows],
    )
