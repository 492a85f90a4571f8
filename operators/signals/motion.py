"""What an IMU's clip feels like, and which of its axes lie. T = readings, A = axes, F = frequencies."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from scipy import fft

from pipeline.messages import Array, Sample

FEWEST = 16
"""Readings in a clip of which anything can be said."""

BANDS = 5
"""Octaves below half of the rate at which readings come; what lies below them is the last band."""

PARTS = (1, 4)
"""Where an axis stands and how much it stirs is asked of the whole clip, and of the last of so many parts of it."""

LOUDNESS = 1e-6
"""Mean square below which an axis is as good as still: (mm/s²)², (mrad/s)²."""


def read_motion(samples: Sequence[Sample]) -> tuple[Array, list[int]]:
    """Return (T, A) float64, and how many are of each sample: none of one that has not as many axes as the last."""
    axes = samples[-1].data.size
    is_whole = [int(sample.data.size == axes) for sample in samples]
    rows = [sample.data for sample, whole in zip(samples, is_whole, strict=True) if whole]
    return np.concatenate(rows).reshape(-1, axes).astype(float, copy=False), is_whole


def motion_features(readings_TA: Array) -> Array | None:
    """Return (K,): log power in octaves, levels and log powers of the whole and its end; None of too short a clip."""
    is_known_TA = np.isfinite(readings_TA)
    known_TA = readings_TA if is_known_TA.all() else readings_TA[is_known_TA.all(1)]
    length = len(known_TA)
    if length < FEWEST:
        return None
    known_AT = np.ascontiguousarray(known_TA.T)
    found = [np.log(octaves(known_AT).ravel() + LOUDNESS)]
    for parts in PARTS:
        last_AT = known_AT[:, -(length // parts) :]
        mean_A = last_AT.mean(1)
        away_AT = last_AT - mean_A[:, np.newaxis]
        found += [mean_A, np.log(np.vecdot(away_AT, away_AT) / away_AT.shape[1] + LOUDNESS)]
    return np.concatenate(found)


def octaves(readings_AT: Array) -> Array:
    """Return (BANDS + 1, A): the mean square of the readings without their mean, by octave, highest first.

    >>> time = np.arange(64)
    >>> octaves(np.cos(np.pi * 0.6 * time)[np.newaxis]).round(1).ravel().tolist()
    [0.5, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    length = readings_AT.shape[1]
    power_AF = squared(fft.rfft((readings_AT - readings_AT.mean(1, keepdims=True)) * taper(length)))
    return _shares(length) @ power_AF.T


@lru_cache(16)
def _shares(length: int) -> Array:
    """Return (BANDS + 1, F): what each frequency of a tapered clip adds to the mean square of each octave."""
    taper_T, frequencies = taper(length), length // 2 + 1
    share_BF = np.zeros((BANDS + 1, frequencies))
    for number, share_F in enumerate(share_BF):
        end = frequencies >> number
        share_F[end >> 1 if number < BANDS else 0 : end] = 2 / (length * float(taper_T @ taper_T))
    return share_BF


def squared(spectrum: Array) -> Array:
    """Return the square of the absolute value of complex numbers, without a root between."""
    power: Array = spectrum.real**2 + spectrum.imag**2
    return power


@lru_cache(16)
def taper(length: int) -> Array:
    """Return (T,) float32: Hann's window, which is only to be read."""
    window_T = np.hanning(length).astype(np.float32)
    window_T.flags.writeable = False
    return window_T


def motion_faults(readings_TA: Array) -> Mapping[str, float]:
    """Return shares of the clip, by fault; none of too short a clip.

    ``stuck``: the longest time without any change; ``dead axis``: the longest time for which one axis does not change
    while another does; ``saturated``: readings of an axis that stay at the clip's highest or lowest, again and again;
    ``missing``: readings that are not numbers.
    """
    length = len(readings_TA)
    if length < FEWEST:
        return {}
    readings_AT = np.ascontiguousarray(readings_TA.T)
    same_AT = readings_AT[:, 1:] == readings_AT[:, :-1]
    all_same_T = same_AT.all(0)
    held_AT = same_AT & ~all_same_T
    dead, saturated = 0.0, 0.0
    for axis in np.flatnonzero(held_AT.any(1)):
        run = longest(held_AT[axis]) / (length - 1)
        readings_T = readings_AT[axis, 1:]
        is_limit_T = (readings_T == readings_T.max()) | (readings_T == readings_T.min())
        dead, saturated = max(dead, run), max(saturated, float((held_AT[axis] & is_limit_T).mean()) - run)
    return {
        "stuck": longest(all_same_T) / (length - 1),
        "dead axis": dead,
        "saturated": max(0.0, saturated),
        "missing": 1 - np.count_nonzero(np.isfinite(readings_TA)) / readings_TA.size,
    }


def longest(is_T: Array) -> int:
    """Return the length of the longest run of True.

    >>> longest(np.array([True, False, True, True]))
    2
    """
    between_T = np.zeros(len(is_T) + 2, bool)
    between_T[1:-1] = is_T
    edges = np.flatnonzero(between_T[1:] != between_T[:-1])  # of runs: where one begins, where it ends, and so on
    return int((edges[1::2] - edges[::2]).max(initial=0))
