"""What is wrong with a camera's, a thermal or a depth picture. H, W = height and width of what is looked at."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from itertools import pairwise
from math import log10, prod

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
    ``noise``: from 0 to 1 for nothing else, as of a covered lens, by the logarithm of what neighbours have in common;
    ``dead pixels``, and ``blind``, pixels without any value: shares of what is looked at.
    """
    last_HW = looked[-1].astype(np.float32)
    known = _known(last_HW, modality)
    faults = {"blind": 1 - known.size / last_HW.size}
    line = looked if before is None else [before, *looked]
    if len(line) > 1:
        faults["frozen"] = frozen(line)
    if not known.size:
        return faults | {"flat": 1.0}
    mean = float(known.mean())
    if modality == "vision":
        scale, faults["dark"], faults["noise"] = 255.0, 1 - mean / 255, noise(last_HW)
    else:
        scale = float(known.max() - known.min()) or 1.0
    if modality != "depth":  # an edge in depth is as sharp as a dead pixel
        faults["dead pixels"] = dead([looked[0], looked[-1]][-len(looked) :], scale * APART)
    away = known - mean
    deviation = float(np.dot(away, away) / away.size) ** 0.5
    return faults | {"flat": flat(deviation / (255.0 if modality == "vision" else max(abs(mean), 1e-6)))}


def flat(deviation: float) -> float:
    """Return 0 to 1: how little values differ, by the logarithm of their ``deviation`` between a thousandth and 1 of a
    picture's scale, or of their mean."""
    return _below_one(deviation)


def noise(picture_HW: Array) -> float:
    """Return 0 to 1: how little neighbours have in common, by the logarithm of their correlation between a thousandth
    and 1; of scenes it is seldom below a half, of a covered lens it is what chance leaves.

    >>> noise(np.random.default_rng(0).normal(size=(60, 120))) > 0.5, noise(np.tile(np.arange(60.0), (60, 1)))
    (True, 0.0...)
    """
    last = picture_HW.shape[1] // 3 * 3
    away = (picture_HW[:, 1:last:3] - picture_HW[:, :last:3]).ravel()  # the first two columns of three: see _spread
    centred = (picture_HW - picture_HW.mean()).ravel()
    spread = 2 * float(centred @ centred) / centred.size
    alike = 1 - float(away @ away) / away.size / spread if away.size and spread else 1.0
    return _below_one(alike)


def frozen(looked: Pictures) -> float:
    """Return the share of pictures that are as the one before them."""
    same = [one.shape == other.shape and _equal(one, other) for one, other in pairwise(looked)]
    return sum(same) / len(same)


def dead(looked: Pictures, apart: float) -> float:
    """Return the share of pixels that are ``apart`` from their four neighbours in all pictures, in the same sense."""
    if any(picture_HW.shape != looked[0].shape or min(picture_HW.shape) < 3 for picture_HW in looked):
        return 0.0
    width, row_PK = looked[0].shape[1], np.array(looked).reshape(len(looked), -1)  # one long row each: in one go
    inner, *around = (row_PK[:, width + to : row_PK.shape[1] - width + to] for to in (0, -width, width, -1, 1))
    highest, lowest = reduce(np.maximum, around), reduce(np.minimum, around)
    inner, highest, lowest = (each.astype(np.float32, copy=False) for each in (inner, highest, lowest))
    is_dead_K = (inner - highest > apart).all(0) | (lowest - inner > apart).all(0)
    is_dead_HW = is_dead_K.reshape(-1, width)[:, 1:-1]
    return np.count_nonzero(is_dead_HW) / is_dead_HW.size


def thinned(picture: Array) -> Array:
    """Return (H, W) of the green of a picture, in blocks of 3 x 3 spread over it: neighbours stay neighbours."""
    return picture.ravel()[_places(picture.shape)]


@lru_cache(64)
def _places(shape: tuple[int, ...]) -> Array:
    """Return (H, W): where in a picture of that shape they are."""
    pixels = np.arange(prod(shape)).reshape(shape)
    one_HW = pixels[..., 1] if len(shape) == 3 else pixels
    places_HW: Array = one_HW[np.ix_(_spread(one_HW.shape[0], MOST), _spread(one_HW.shape[1], 2 * MOST))]
    return places_HW


def _spread(length: int, most: int) -> Array:
    """Return indices in threes that follow each other, evenly over ``length``; all if they are few."""
    if length <= most:
        return np.arange(length)
    starts = np.linspace(0, length - 3, most // 3).astype(int)
    return (starts[:, np.newaxis] + np.arange(3)).ravel()


def _known(picture_HW: Array, modality: str) -> Array:
    """Return the values of the pixels that have one, in a row."""
    known_HW = np.isfinite(picture_HW)
    if modality != "vision":
        known_HW &= picture_HW > 0
    return picture_HW.ravel() if known_HW.all() else picture_HW[known_HW]


def _equal(one: Array, other: Array) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _below_one(share: float) -> float:
    """Return 0 for 1 and more, 1 for a thousandth and less."""
    return min(max(-log10(max(share, 1e-12)) / 3, 0.0), 1.0)
