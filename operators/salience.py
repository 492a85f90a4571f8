"""What a stream noticed and when: curves in which two senses of one event look alike.

N = pieces of a curve, C = its channels, A = axes of a reading, H, W = rows and columns of a picture.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

import numpy as np

from pipeline.messages import NS, Array, Calibration, Sample

Sense = Literal["shock", "motion"]

BLOCK_S = 0.01
"""Length of the blocks that loudness is taken over, the usual hop of a spectrogram."""

LONGEST = NS
"""What lies between two samples further apart than this, nobody noticed."""

PIXELS = 160
"""Pictures are thinned to about so many pixels on their longer side, then halved: they move all the same."""

NOISE_MPS2, NOISE_POWER = 1e-2, 1e-9
"""Changes and powers below are noise: that of a MEMS chip, and of 16 bits."""

LIMIT = 1e6
"""Values are cut here, so that those of a broken sensor do not overflow when squared."""


class Pieces(NamedTuple):
    """A curve: ``values`` (N, C) hold in ``[starts, ends)``, (N,) nanoseconds; in order, with or without gaps."""

    starts: Array
    ends: Array
    values: Array


Notice = Callable[[Sequence[Sample], Calibration], Pieces]
"""From samples in order, of which the first was taken before, to the curve from there on."""


def jolts(samples: Sequence[Sample], calibration: Calibration) -> Pieces:
    """Return how much acceleration changes from reading to reading: one channel, logarithm of m/s²."""
    start_N, end_N, before_NA, after_NA = _steps(samples)
    change_N = np.linalg.norm((after_NA - before_NA)[:, :3], axis=1)
    return Pieces(start_N, end_N, np.log(change_N + NOISE_MPS2)[:, np.newaxis])


def knocks(samples: Sequence[Sample], calibration: Calibration) -> Pieces:
    """Return how loud the high notes are: one channel, logarithm of power relative to full scale.

    Wind and hum are low; differences of neighbouring values let them pass. Raise ValueError without a sample rate.
    """
    if calibration.sample_rate_hz <= 0:
        raise ValueError(f"{samples[-1].topic}: audio needs a calibration.sample_rate_hz above 0")
    alike = groupby(samples[1:], key=lambda sample: (sample.data.shape, sample.data.dtype))
    return joined([_loudness(list(chunks), calibration.sample_rate_hz) for _, chunks in alike])


def turns(samples: Sequence[Sample], calibration: Calibration) -> Pieces:
    """Return the rates of rotation: three channels, in the gyroscope's unit.

    Without a gyroscope, how fast the acceleration's direction changes: gravity turns with the sensor.
    """
    start_N, end_N, before_NA, after_NA = _steps(samples)
    if after_NA.shape[1] == 6:
        return Pieces(start_N, end_N, (before_NA + after_NA)[:, 3:] / 2)
    return Pieces(start_N, end_N, (after_NA - before_NA) / ((end_N - start_N) / NS)[:, np.newaxis])


def flow(samples: Sequence[Sample], calibration: Calibration) -> Pieces:
    """Return how fast the picture moves as a whole, right and down: two channels, pixels a second.

    One step of the method of Lucas and Kanade (1981) over all pixels. It falls short of large motion, but not of
    its direction, nor of its time.
    """
    steps = _pairs(samples)
    seen = {sample.stamp: sample.data for pair in steps for sample in pair}
    pictures = {stamp: _small(picture) for stamp, picture in seen.items()}
    start_N, end_N = _span(steps)
    moved_NC = np.array([_shift(pictures[a.stamp], pictures[b.stamp]) for a, b in steps]).reshape(-1, 2)
    return Pieces(start_N, end_N, moved_NC / ((end_N - start_N) / NS)[:, np.newaxis])


SENSES: Mapping[str, Mapping[Sense, Notice]] = {
    "imu": {"motion": turns, "shock": jolts},
    "audio": {"shock": knocks},
    "vision": {"motion": flow},
    "depth": {"motion": flow},
    "thermal": {"motion": flow},
}
"""What each modality notices. Two streams that share a sense can be compared."""


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Return one curve of ``parts`` that follow each other."""
    return Pieces(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _pairs(samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Return neighbours between which something can be seen to change."""
    shape = samples[-1].data.shape
    alike = [sample for sample in samples if sample.data.shape == shape]
    return [(a, b) for a, b in pairwise(alike) if 0 < b.stamp - a.stamp <= LONGEST]


def _span(steps: Sequence[tuple[Sample, Sample]]) -> tuple[Array, Array]:
    span_N2 = np.array([(a.stamp, b.stamp) for a, b in steps], np.int64).reshape(-1, 2)
    return span_N2[:, 0], span_N2[:, 1]


def _steps(samples: Sequence[Sample]) -> tuple[Array, Array, Array, Array]:
    """Return start and end of the steps between readings, and the readings (N, A) before and after each."""
    steps = _pairs(samples)
    axes = samples[-1].data.size
    before_NA, after_NA = (np.array([step[i].data for step in steps], float).reshape(-1, axes) for i in (0, 1))
    return *_span(steps), np.clip(before_NA, -LIMIT, LIMIT), np.clip(after_NA, -LIMIT, LIMIT)


def _loudness(chunks: Sequence[Sample], rate_hz: float) -> Pieces:
    """Return the loudness of the first channel of K chunks of one size T, in blocks of about ``BLOCK_S``."""
    wave_KT = np.stack([chunk.data if chunk.data.ndim == 1 else chunk.data[:, 0] for chunk in chunks])
    wave_KT = wave_KT / 2**15 if wave_KT.dtype.kind == "i" else np.clip(wave_KT.astype(float), -LIMIT, LIMIT)
    size = wave_KT.shape[1]
    first = np.arange(0, size, max(1, round(BLOCK_S * rate_hz)))
    change_KT = np.diff(wave_KT, axis=1, prepend=wave_KT[:, :1])
    power_KB = np.add.reduceat(change_KT**2, first, axis=1) / np.diff(first, append=size)
    stamps_K1 = np.array([chunk.stamp for chunk in chunks], np.int64)[:, np.newaxis]
    edges_KE = stamps_K1 + np.round(np.append(first, size) * (NS / rate_hz)).astype(np.int64)
    return Pieces(edges_KE[:, :-1].ravel(), edges_KE[:, 1:].ravel(), np.log(power_KB + NOISE_POWER).reshape(-1, 1))


def _small(picture: Array) -> Array:
    """Return (H, W) float32 with mean 0 and deviation 1, or all 0; half of ``PIXELS`` along its longer side."""
    grey = picture if picture.ndim == 2 else picture[:, :, 1]
    stride = max(1, round(max(grey.shape) / PIXELS))
    thin = grey[::stride, ::stride]
    if thin.dtype.kind == "f":
        thin = np.clip(np.nan_to_num(thin), -LIMIT, LIMIT)
    thin = thin.astype(np.float32)
    height, width = (side // 2 * 2 for side in thin.shape)
    if min(height, width) < 6:
        return np.zeros((3, 3), np.float32)  # too small to have a slope
    rows = thin[0:height:2] + thin[1:height:2]
    halved: Array = rows[:, 0:width:2] + rows[:, 1:width:2]
    halved -= halved.mean()
    deviation = float(np.sqrt(np.vdot(halved, halved) / halved.size))
    return halved / deviation if deviation else halved


def _shift(before: Array, after: Array) -> Array:
    """Return by how many pixels the picture moved, right and down, by least squares."""
    mean, change = (before + after) / 2, (after - before)[1:-1, 1:-1].ravel()
    slope = np.stack([mean[1:-1, 2:] - mean[1:-1, :-2], mean[2:, 1:-1] - mean[:-2, 1:-1]]).reshape(2, -1) / 2
    stiffness = slope @ slope.T + 1e-3 * len(change) * np.eye(2)
    shift: Array = np.linalg.solve(stiffness, -slope @ change)
    return shift
