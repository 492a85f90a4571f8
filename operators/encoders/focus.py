"""Where something moves on its own: a speck in the sky, looked at closely.

T = frames of a clip, H, W = rows and columns of a small copy in which is searched.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from msgspec.structs import replace

from operators.encoders.picture import central_sample
from pipeline.messages import Array, Clip

WIDTH = 320
"""Pixels in which is searched; a thing has to cover some two of them to be seen."""

FRAMES = 9
"""Of a clip, evenly spread; the middle one is looked at."""

BORDER = 5
"""Pixels at the edge that other frames may not have seen."""

STEADY = 31
"""Side of the square in which all that changes, leaves and waves and noise, sets how much is unusual."""

SHARE = 0.2
"""What changes by this share of the strongest change belongs to the thing."""

PLACES, LIKELY = 8, 0.5
"""Places that are tried, and the least share of the strongest change at which something may have moved on its own."""

AROUND = 63
"""Side of the square whose median is what is behind a thing; more than half of it must be seen."""

EDGE = 0.5
"""A thing reaches to where half of its contrast is left, as a width at half maximum."""

LARGEST = 0.5
"""Of the frame's shorter side: what hangs together with more than this is no thing in the sky, but stands on ground."""

MARGIN, LEAST = 0.9, 5.0
"""Half the side of the crop, in sizes of the thing, and pixels beside."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the frame; it may reach beyond it."""


def focused(clip: Clip) -> Clip:
    """Return ``clip`` with one sample, the part of its middle frame where something moves on its own.

    Frames are (H, W, 3) uint8 or (H, W) of any number. The camera may pan: frames are first laid over each other. A
    clip of fewer than three frames, or in which all moves as one, is returned as it is.
    """
    frames = [sample.data for sample in clip.samples]
    if len(frames) < 3 or len({frame.shape for frame in frames}) > 1:
        return clip
    places = np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)
    middle = len(places) // 2
    box = mover([frames[place] for place in places], middle)
    if box is None:
        return clip
    seen = clip.samples[places[middle]]
    return replace(clip, samples=(replace(seen, stamp=central_sample(clip).stamp, data=_cut(seen.data, box)),))


def mover(frames: Sequence[Array], middle: int) -> Box | None:
    """Return the square around the whole of what is in frame ``middle`` alone, at its place; None if nothing is.

    What a frame before and a frame after both lack there has moved. A difference counts beyond the range of the
    nearest pixels, since frames never lie exactly over each other. Of what has moved most a thing that stands free is
    meant: a pole before a farther ground moves too when the camera pans, and hangs together with the ground.
    """
    scale = min(1.0, WIDTH / frames[0].shape[1])
    small = [_grey(frame, scale) for frame in frames]
    here = small[middle]
    corners = cv2.goodFeaturesToTrack(here.astype(np.uint8), maxCorners=120, qualityLevel=0.005, minDistance=6)
    missing = np.stack([_missing(other, here, corners) for n, other in enumerate(small) if n != middle])
    alone = np.minimum(np.median(missing[:middle], 0), np.median(missing[middle:], 0))
    unusual = cv2.GaussianBlur(alone, (0, 0), 0.8) / (1 + 2 * cv2.blur(missing.mean(0), (STEADY, STEADY)))
    unusual[:BORDER] = unusual[-BORDER:] = unusual[:, :BORDER] = unusual[:, -BORDER:] = 0
    return _around(_thing(unusual, here), scale) if unusual.max() > 0 else None


def _grey(frame: Array, scale: float) -> Array:
    """Return a small copy, (H, W) float32 in [0, 255]."""
    if frame.ndim == 3:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    else:
        grey = frame.astype(np.float32)
        if frame.dtype != np.uint8:
            low, high = np.nanpercentile(grey, [1, 99])
            grey = np.nan_to_num(np.clip((grey - low) / max(float(high - low), 1e-6), 0, 1)) * 255
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _missing(other: Array, here: Array, corners: Array | None) -> Array:
    """Return (H, W) float32, by how much ``here`` is out of the range of ``other`` laid over it; 0 beyond its edge."""
    laid, seen = _laid_over(other, here, corners)
    kernel = np.ones((3, 3), np.uint8)
    above, below = here - cv2.dilate(laid, kernel), cv2.erode(laid, kernel) - here
    return np.where(seen, np.maximum(np.maximum(above, below), 0), 0).astype(np.float32)


def _laid_over(other: Array, here: Array, corners: Array | None) -> tuple[Array, Array]:
    """Return ``other`` as the camera of ``here`` would have seen it, and where it did."""
    everywhere = np.ones(here.shape, bool)
    if corners is None:
        return other, everywhere
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        here.astype(np.uint8), other.astype(np.uint8), corners, np.empty_like(corners), winSize=(15, 15), maxLevel=3
    )
    kept = status[:, 0] == 1
    if kept.sum() < 8:
        return other, everywhere
    turn, _ = cv2.estimateAffine2D(corners[kept], found[kept], ransacReprojThreshold=1.0)
    if turn is None or abs(np.linalg.det(turn[:, :2]) - 1) > 0.2:  # no camera zooms so in two seconds
        return other, everywhere
    size, flags = here.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, turn, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.warpAffine(np.ones_like(other), turn, size, flags=flags)
    return laid, seen > 0.99


def _thing(unusual: Array, here: Array) -> Box:
    """Return the box of a thing that stands free, where ``here`` (H, W) is most ``unusual``; else of what is there."""
    contrast = np.abs(here - cv2.medianBlur(here.astype(np.uint8), AROUND))
    left, moving = unusual.copy(), []
    for _ in range(PLACES):
        peak = np.unravel_index(left.argmax(), left.shape)
        if left[peak] <= LIKELY * unusual.max():
            break
        part = _connected(left > SHARE * left[peak], peak)
        thing = _connected(part | (contrast > EDGE * contrast[part].max()), peak)
        if _is_free(_bounds(thing), here.shape):
            return _bounds(thing)
        moving.append(_bounds(part))
        left[thing] = 0
    return moving[0]


def _connected(mask: Array, place: tuple[np.intp, ...]) -> Array:
    """Return (H, W) bool: what of ``mask`` hangs together with ``place``."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    return np.asarray(parts == parts[place])


def _bounds(mask: Array) -> Box:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _is_free(box: Box, shape: tuple[int, ...]) -> bool:
    left, top, right, bottom = box
    is_inside = min(left, top) > 0 and right < shape[1] and bottom < shape[0]
    return is_inside and max(right - left, bottom - top) < LARGEST * min(shape)


def _around(box: Box, scale: float) -> Box:
    """Return the square around ``box`` of a copy of this ``scale``, with a margin, in pixels of the frame."""
    left, top, right, bottom = box
    half = MARGIN * max(right - left, bottom - top) + LEAST
    x, y = (left + right) / 2, (top + bottom) / 2
    return (
        round((x - half) / scale),
        round((y - half) / scale),
        round((x + half) / scale),
        round((y + half) / scale),
    )


def _cut(frame: Array, box: Box) -> Array:
    """Return the pixels of ``box``; beyond the edge of ``frame`` its edge goes on."""
    rows = np.clip(np.arange(box[1], box[3]), 0, frame.shape[0] - 1)
    columns = np.clip(np.arange(box[0], box[2]), 0, frame.shape[1] - 1)
    return frame[rows][:, columns]
