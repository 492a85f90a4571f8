"""Things as pairs: what a sense's network is shown, and what the anchor says of it.

N = pairs, D = dimension of the joint space.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import numpy as np
from msgspec import Struct

from operators.evaluation.embedder import Embedder
from operators.sets.item import Item
from operators.space import mix
from pipeline.messages import Array


class Pairs(Struct, frozen=True, eq=False):
    """``inputs`` (N, ...) as the encoder prepares them, ``anchors`` (N, D) float32 with unit rows.

    ``refused`` says what could not be read, and why.
    """

    names: list[str]
    inputs: Array
    anchors: Array
    refused: list[str]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def digest(self) -> str:
        """SHA-256 that other pairs don't share."""
        whole = sha256("\n".join(self.names).encode())
        for rows in (self.inputs, self.anchors):
            whole.update(np.ascontiguousarray(rows).tobytes())
        return whole.hexdigest()


def gathered(items: Iterable[Item], modality: str, encoder: Any, embedder: Embedder, anchor: str = "vision") -> Pairs:
    """Return a pair for every clip that ``encoder`` can prepare of every item whose anchor can be read.

    ``anchor`` is the sense that speaks for a thing, or ``text``: the unit mean of its captions, or its label. The
    embedder keeps anchors on disk where it has a cache. Raise ValueError where no item has both, or fewer than four
    pairs can be read.
    """
    having = [item for item in items if modality in item.senses and _anchored(item, anchor)]
    if not having:
        told = "caption or label" if anchor == "text" else f"{anchor} beside it"
        raise ValueError(f"no {modality} has a {told}: there is nothing to bind it to")
    earlier = len(embedder.unread)
    anchors = _sentences(having, embedder) if anchor == "text" else _senses(having, embedder, anchor)
    refused = embedder.unread[earlier:]
    names, inputs, rows = [], [], []
    for number, item in enumerate(having, 1):
        if item.name in anchors:
            try:
                prepared = [encoder.prepare(clip) for clip in item.senses[modality]()]
            except (OSError, ValueError) as error:
                refused.append(f"{item.name}: {error}")
            else:
                names += [item.name] * len(prepared)
                inputs += prepared
                rows += [anchors[item.name]] * len(prepared)
        embedder.tell(modality, number, len(having))
    if len(names) < LEAST:
        cause = f"; {len(refused)} could not be read, the last one: {refused[-1]}" if refused else ""
        raise ValueError(f"{len(names)} pairs of {anchor} and {modality} are too few to learn from{cause}")
    return Pairs(names, np.stack(inputs), np.stack(rows).astype(np.float32), refused)


LEAST = 4
"""Pairs of which a batch can be made that means anything."""


def _anchored(item: Item, anchor: str) -> bool:
    return bool(item.captions or item.label) if anchor == "text" else anchor in item.senses


def _senses(items: list[Item], embedder: Embedder, anchor: str) -> dict[str, Array]:
    embedded = embedder.embed(items, anchor, f"anchors: {anchor}")
    return {item.name: mean_D for item, mean_D in zip(embedded.items, embedded.means, strict=True)}


def _sentences(items: list[Item], embedder: Embedder) -> dict[str, Array]:
    told = {item.name: item.captions or (item.label,) for item in items}
    each = list(dict.fromkeys(sentence for sentences in told.values() for sentence in sentences))
    vectors = dict(zip(each, embedder.sentences(each), strict=True))
    return {name: mix(np.stack([vectors[sentence] for sentence in sentences])) for name, sentences in told.items()}
