"""Boxes in pictures as pictures of their own: with what is around them, and places where nothing is."""

from collections.abc import Sequence

import numpy as np

from pipeline.messages import Array

Box = tuple[float, float, float, float]
"""Left, top, width, height, in pixels."""

TRIALS = 50
"""Places that are tried for a box of background."""


def square(box: Box, context: float) -> Box:
    """Return the square around the middle of ``box`` whose side is ``context`` times its longer one.

    >>> square((10, 10, 4, 8), 2)
    (4.0, 6.0, 16, 16)
    """
    left, top, width, height = box
    side = context * max(width, height)
    return left + width / 2 - side / 2, top + height / 2 - side / 2, side, side


def cut(picture: Array, box: Box) -> Array:
    """Return the pixels of ``box``, at least one; beyond the edge of ``picture`` its edge goes on."""
    left, top = round(box[0]), round(box[1])
    right, bottom = max(round(box[0] + box[2]), left + 1), max(round(box[1] + box[3]), top + 1)
    rows = np.clip(np.arange(top, bottom), 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(left, right), 0, picture.shape[1] - 1)
    return picture[rows][:, columns]


def elsewhere(
    size: tuple[float, float], boxes: Sequence[Box], shape: tuple[int, int], context: float, rng: np.random.Generator
) -> Box | None:
    """Return a box of ``size`` (width, height) in a picture of ``shape`` (rows, columns), at random.

    Nothing of ``boxes`` is in it, nor in its ``context``. None if no such place was found.
    """
    width, height = size
    if width > shape[1] or height > shape[0]:
        return None
    for _ in range(TRIALS):
        box = (rng.uniform(0, shape[1] - width), rng.uniform(0, shape[0] - height), width, height)
        if not any(_meet(square(box, context), other) for other in boxes):
            return box
    return None


def _meet(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))
