"""The median of many numbers, at a fraction of the time."""

import numpy as np

from pipeline.messages import Array


def median(values: Array) -> Array:
    """Return (…) of (…, N): medians along the last axis, as ``np.median`` has them.

    That parts the values at two places, or three, and takes up to seven times as long.

    >>> median(np.array([[4.0, 1.0, 3.0, 2.0], [4.0, 2.0, 3.0, 5.0]])), median(np.array([4.0, 1.0, 3.0]))
    (array([2.5, 3.5]), np.float64(3.0))
    """
    half = values.shape[-1] // 2
    parted = np.partition(values, half)
    above: Array = parted.take(half, -1)
    return above if values.shape[-1] % 2 else (parted[..., :half].max(-1) + above) / 2
