"""Films as ImageBind's own code shows them to its vision tower: three views of every clip.

The live line has no need of them; they make numbers comparable that others measured.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np

from pipeline.messages import Array


def views(frames: Sequence[Array], side: int = 224) -> Array:
    """Return (3, 3, 2, side, side) float32 in [0, 255], by view, colour, frame, row and column.

    A view is what ``VisionEncoder.embed`` takes; the vectors of all views of a film are averaged. Of ``frames``,
    (H, W, 3) uint8 of one size, the first and the last count. Their short side becomes ``side``, interpolated without
    antialiasing, unlike that of still pictures, and the views are left, middle and right of what is wide, top, middle
    and bottom of what is tall (ImageBind's source). Raise ValueError for no frames or others.
    """
    if not frames:
        raise ValueError("a clip without frames has no views")
    for frame in frames:
        if frame.ndim != 3 or frame.shape != (*frames[0].shape[:2], 3) or frame.size == 0 or frame.dtype != np.uint8:
            raise ValueError(f"frames are (H, W, 3) uint8 of one size, this one is {frame.shape} {frame.dtype}")
    clip = np.stack([frames[0], frames[-1]]).astype(np.float32).transpose(3, 0, 1, 2)
    rows, columns = clip.shape[2:]
    short, long = (3, 2) if rows > columns else (2, 3)
    length = side * clip.shape[long] // clip.shape[short]
    clip = _interpolated(clip, short, side, 0, side)
    starts = (0, ceil((length - side) / 2), length - side)
    return np.stack([_interpolated(clip, long, length, start, side) for start in starts])


def _interpolated(clip: Array, axis: int, length: int, start: int, number: int) -> Array:
    """Return the ``number`` rows from ``start`` on that ``axis`` would have, were it ``length`` long."""
    last = clip.shape[axis] - 1
    places = np.clip((np.arange(start, start + number) + 0.5) * (last + 1) / length - 0.5, 0, last)
    lower = places.astype(int)
    share = (places - lower).astype(np.float32).reshape(-1, *[1] * (clip.ndim - axis - 1))
    below, above = clip.take(lower, axis), clip.take(np.minimum(lower + 1, last), axis)
    mixed: Array = below + share * (above - below)
    return mixed
