"""Retrieval between two senses of the same things, beside what needs no training.

Q = pairs, D = dimension of the joint space, H, W = rows and columns of a picture.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from msgspec.structs import replace

from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, Row, Table
from operators.evaluation.retrieval import centred, curve, pair_ranks, recalls
from operators.evaluation.untrained import picture_network
from operators.sets.item import Item
from pipeline.messages import Array, Clip

SHARES = (1.0, 99.0)
"""Percentiles that become black and white, as thermal cameras do it."""

NEAREST_M = 0.3
"""White, in a picture of depth."""

LONGEST_CURVE = 50


def pair_retrieval(
    embedder: Embedder, items: Sequence[Item], one: str, other: str, network: Embedder | None = None
) -> Outcome:
    """Return how well ``one`` sense finds the ``other`` of the same thing among all, and the other way round.

    ``r1 r5 r10`` are by cosine, ``back_…`` from the other to the one. ``centred_…`` are without what each sense's
    vectors have in common. Thermal and depth images are also shown in grey to what was trained on pictures alone, and
    centred: ``baseline_…`` is by the features of ``network``, without one those of EfficientNet-lite0, and ``grey_…``
    by the model's own tower for pictures. ``chance_r1`` is one over the number of pairs, and ``r1_over_baseline`` how
    many times what the baseline finds, or guessing where that finds more.
    """
    pairs = [item for item in items if one in item.senses and other in item.senses]
    if len(pairs) < 2:
        raise ValueError(f"retrieval needs two pairs of {one} and {other} at least, and there are {len(pairs)}")
    one_QD, other_QD = _vectors(embedder, pairs, one, other)
    found = {
        "": pair_ranks(one_QD, other_QD),
        "back_": pair_ranks(other_QD, one_QD),
        "centred_": pair_ranks(centred(one_QD), centred(other_QD)),
    }
    if "vision" in (one, other) and {one, other} & {"thermal", "depth"}:
        sensed = other if one == "vision" else one
        found["baseline_"] = _in_grey(network or picture_network(embedder), pairs, sensed, one)
        found["grey_"] = _in_grey(embedder, pairs, sensed, one)
    figures = {name: value for prefix, ranks in found.items() for name, value in recalls(ranks, prefix).items()}
    chance = 1 / len(one_QD)
    if "baseline_r1" in figures:
        figures["r1_over_baseline"] = figures["r1"] / max(figures["baseline_r1"], chance)
    names = {
        "": f"{one} → {other}",
        "back_": f"{other} → {one}",
        "centred_": "centred",
        "baseline_": "baseline: in grey, by ImageNet's features",
        "grey_": "in grey, by the tower for pictures",
    }
    rows: list[Row] = [(names[prefix], *recalls(ranks).values()) for prefix, ranks in found.items()]
    return Outcome(
        figures=figures | {"chance_r1": chance, "n": float(len(one_QD))},
        tables=[Table(f"{one} and {other}", ("from → to", "R@1", "R@5", "R@10"), rows)],
        curves={names[prefix]: curve(ranks, min(LONGEST_CURVE, len(ranks))) for prefix, ranks in found.items()},
    )


def _in_grey(embedder: Embedder, pairs: Sequence[Item], sensed: str, one: str) -> Array:
    """Return the ranks (Q,) from ``one`` to the other of vision and ``sensed``, both as pictures, and centred."""
    seen = [as_picture(item, sensed) for item in pairs]
    pictures_QD, grey_QD = map(centred, _vectors(embedder, pairs, "vision", "vision", seen))
    return pair_ranks(pictures_QD, grey_QD) if one == "vision" else pair_ranks(grey_QD, pictures_QD)


def _vectors(
    embedder: Embedder, pairs: Sequence[Item], one: str, other: str, others: Sequence[Item] = ()
) -> tuple[Array, Array]:
    """Return (Q, D) of both senses of the pairs of which both can be read; ``others`` are where the second is from."""
    of_one = embedder.embed(pairs, one)
    of_other = embedder.embed(others or pairs, other, f"{other} in grey" if others else "")
    first = {item.name: vector for item, vector in zip(of_one.items, of_one.means, strict=True)}
    second = {item.name: vector for item, vector in zip(of_other.items, of_other.means, strict=True)}
    both = [item.name for item in pairs if item.name in first and item.name in second]
    if len(both) < 2:
        raise ValueError(f"of {len(pairs)} pairs of {one} and {other} only {len(both)} can be read in both")
    return np.stack([first[name] for name in both]), np.stack([second[name] for name in both])


def as_picture(item: Item, modality: str) -> Item:
    """Return the same thing as a camera's tower would see its thermal or depth images: in grey."""
    return replace(item, senses={"vision": partial(_grey_clips, item, modality)})


def _grey_clips(item: Item, modality: str) -> list[Clip]:
    return [
        replace(
            clip,
            modality="vision",
            samples=tuple(replace(sample, data=grey(sample.data, modality)) for sample in clip.samples),
        )
        for clip in item.senses[modality]()
    ]


def grey(image: Array, modality: str) -> Array:
    """Return (H, W) or (H, W, 3) uint8: bytes as they are, warmth stretched to full contrast, nearness for depth.

    >>> grey(np.array([[0, 300, 600]], np.uint16), "depth")
    array([[  0, 255, 127]], dtype=uint8)
    """
    if image.dtype == np.uint8:
        return image
    values = image.astype(np.float64)
    if modality == "depth":
        metres = values / 1000 if image.dtype.kind == "u" else values
        with np.errstate(divide="ignore", invalid="ignore"):
            nearness = np.where(metres > 0, np.minimum(NEAREST_M / metres, 1), 0)
        return (255 * nearness).astype(np.uint8)
    alive = np.isfinite(values) & ((values > 0) | (image.dtype.kind == "f"))
    if not alive.any():
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(values[alive], SHARES)
    share = np.clip((np.where(alive, values, low) - low) / max(high - low, 1e-9), 0, 1)
    brightness: Array = (255 * share).astype(np.uint8)
    return brightness
