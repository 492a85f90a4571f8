"""What is wrong with a camera's, a thermal or a depth picture. H, W = height and width of what is looked at."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from pipeline.messages import Array

MOST = 60
"""Of a picture, at most so many rows and twice as many columns are looked at, evenly over it."""

APART = 0.25
"""A pixel that differs from all four neighbours by more than this share of the picture's whole scale is dead, if it
does so in every picture of the clip."""

Pictures = Sequence[Array]


def picture_faults(modality: str, looked: Pictures, before: Array | None) -> Mapping[str, float]:
    """Return what is wrong with ``thinned`` pictures, by fault; ``before`` is the one before them, if it is known.

    ``frozen``: the share of pictures that are, pixel by pixel, as the one before; ``flat``: from 0 for a picture that
    uses all of its scale to 1 for one of a single value, by the logarithm of its deviation; ``dark``: from 0 to 1;
    ``dead pixels``, and ``blind``, pixels without any value: shares of what is looked at.
    """
    last_HW = looked[-1].astype(np.float32)
    seen_HW = np.isfinite(last_HW) & ((last_HW > 0) | (modality == "vision"))
    faults = {"blind": float(1 - seen_HW.mean())}
    line = looked if before is None else [before, *looked]
    if len(line) > 1:
        faults["frozen"] = frozen(line)
    if not seen_HW.any():
        return faults | {"flat": 1.0}
    known = last_HW[seen_HW]
    if modality == "vision":
        scale, faults["dark"] = 255.0, 1 - float(known.mean()) / 255
    else:
        scale = float(known.max() - known.min()) or 1.0
    if modality != "depth":  # an edge in depth is as sharp as a dead pixel
        faults["dead pixels"] = dead([each.astype(np.float32) for each in (looked[0], looked[-1])], scale * APART)
    return faults | {"flat": flat(known, modality)}


def flat(known: Array, modality: str) -> float:
    """Return 0 to 1: how little values differ, by the logarithm of their deviation between a thousandth and 1 of a
    picture's scale, or of their mean."""
    scale = 255.0 if modality == "vision" else max(abs(float(known.mean())), 1e-6)
    return float(np.clip(-np.log10(float(known.std()) / scale + 1e-12) / 3, 0, 1))


def frozen(looked: Pictures) -> float:
    """Return the share of pictures that are as the one before them."""
    same = [one.shape == other.shape and _equal(one, other) for one, other in pairwise(looked)]
    return float(np.mean(same))


def dead(looked: Pictures, apart: float) -> float:
    """Return the share of pixels that are ``apart`` from their four neighbours in all pictures, in the same sense."""
    marks = [_outlier(picture_HW, apart) for picture_HW in looked if min(picture_HW.shape) > 2]
    if not marks or any(mark.shape != marks[0].shape for mark in marks):
        return 0.0
    return float(((np.min(marks, axis=0) > 0) | (np.max(marks, axis=0) < 0)).mean())


def thinned(picture: Array) -> Array:
    """Return (H, W) of the green of a picture, in blocks of 3 x 3 spread over it: neighbours stay neighbours."""
    one_HW = picture[..., 1] if picture.ndim == 3 else picture
    return one_HW[_spread(one_HW.shape[0], MOST)[:, np.newaxis], _spread(one_HW.shape[1], 2 * MOST)]


@lru_cache(64)
def _spread(length: int, most: int) -> Array:
    """Return indices in threes that follow each other, evenly over ``length``; all if they are few."""
    if length <= most:
        return np.arange(length)
    starts = np.linspace(0, length - 3, most // 3).astype(int)
    return (starts[:, np.newaxis] + np.arange(3)).ravel()


def _outlier(picture_HW: Array, apart: float) -> Array:
    """Return 1 for pixels above all four neighbours, -1 below, else 0."""
    inner = picture_HW[1:-1, 1:-1]
    sides = [picture_HW[:-2, 1:-1], picture_HW[2:, 1:-1], picture_HW[1:-1, :-2], picture_HW[1:-1, 2:]]
    above = inner - np.maximum.reduce(sides) > apart
    below = np.minimum.reduce(sides) - inner > apart
    marks: Array = above.astype(np.int8) - below
    return marks


def _equal(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
