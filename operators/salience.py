"""What a stream noticed and when: curves in which two senses of one event look alike.

N = pieces of a curve, C = its channels, A = axes of a reading, H, W = rows and columns of a picture, K = its pixels.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, groupby
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
    start_N, end_N, before_NA, after_NA = _readings(tuple(samples))
    change_N3 = after_NA[:, :3] - before_NA[:, :3]
    return Pieces(start_N, end_N, np.log(np.sqrt(np.vecdot(change_N3, change_N3)) + NOISE_MPS2)[:, np.newaxis])


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
    start_N, end_N, before_NA, after_NA = _readings(tuple(samples))
    if after_NA.shape[1] == 6:
        return Pieces(start_N, end_N, (before_NA + after_NA)[:, 3:] / 2)
    return Pieces(start_N, end_N, (after_NA - before_NA) / ((end_N - start_N) / NS)[:, np.newaxis])


class Flow:
    """How fast the picture moves as a whole, right and down: two channels, pixels a second.

    One step of the method of Lucas and Kanade (1981) over all pixels. It falls short of large motion, but not of
    its direction, nor of its time. What the last picture was made into is kept: the next step begins with it.
    """

    def __init__(self) -> None:
        self._last: tuple[Sample | None, Array] = None, np.zeros((0, 0, 0), np.float32)

    def __call__(self, samples: Sequence[Sample], calibration: Calibration) -> Pieces:
        """Return the curve of ``samples``, the first of which was the last one before."""
        alike, first_N, start_N, end_N = _steps(samples)
        if not len(first_N):
            return Pieces(start_N, end_N, np.zeros((0, 2)))
        small_PHW = self._seen(alike)
        moved_N2 = _shifts(small_PHW[:-1], small_PHW[1:])[first_N]
        return Pieces(start_N, end_N, moved_N2 / ((end_N - start_N) / NS)[:, np.newaxis])

    def _seen(self, alike: Sequence[Sample]) -> Array:
        """Return ``alike``, which are two or more, small, (P, H, W)."""
        last, before_1HW = self._last
        is_known = alike[0] is last
        small_PHW = _small([sample.data for sample in alike[is_known:]])
        self._last = alike[-1], small_PHW[-1:].copy()
        return np.concatenate([before_1HW, small_PHW]) if is_known else small_PHW


SENSES: Mapping[str, Mapping[Sense, Notice]] = {
    "imu": {"motion": turns, "shock": jolts},
    "audio": {"shock": knocks},
    "vision": {"motion": Flow()},
    "depth": {"motion": Flow()},
    "thermal": {"motion": Flow()},
}
"""What each modality notices, of one stream a copy. Two streams that share a sense can be compared."""


def joined(parts: Sequence[Pieces]) -> Pieces:
    """Return one curve of ``parts`` that follow each other."""
    return Pieces(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _steps(samples: Sequence[Sample]) -> tuple[list[Sample], Array, Array, Array]:
    """Return samples of one shape, and of the steps between them in which something can be seen to change (N,) each:
    place of the sample before, start and end."""
    shape = samples[-1].data.shape
    alike = [sample for sample in samples if sample.data.shape == shape]
    stamps = np.array([sample.stamp for sample in alike], np.int64)
    gap_N = stamps[1:] - stamps[:-1]
    (first_N,) = ((gap_N > 0) & (gap_N <= LONGEST)).nonzero()
    return alike, first_N, stamps[first_N], stamps[first_N + 1]


@lru_cache(maxsize=1)  # of one clip two senses ask, one after the other
def _readings(samples: tuple[Sample, ...]) -> tuple[Array, Array, Array, Array]:
    """Return start and end of the steps between readings, and the readings (N, A) before and after each."""
    alike, first_N, start_N, end_N = _steps(samples)
    all_A = np.concatenate([sample.data for sample in alike]).reshape(-1, samples[-1].data.size)
    all_A = all_A.astype(float, copy=False).clip(-LIMIT, LIMIT)
    return start_N, end_N, all_A[first_N], all_A[first_N + 1]


def _loudness(chunks: Sequence[Sample], rate_hz: float) -> Pieces:
    """Return the loudness of the first channel of K chunks of one size T, in blocks of about ``BLOCK_S``."""
    waves = [chunk.data if chunk.data.ndim == 1 else chunk.data[:, 0] for chunk in chunks]
    wave_KT = np.concatenate(waves).reshape(len(waves), -1)
    wave_KT = wave_KT / 2**15 if wave_KT.dtype.kind == "i" else np.clip(wave_KT.astype(float), -LIMIT, LIMIT)
    edge_E, after_E = _blocks(wave_KT.shape[1], rate_hz)
    change_KT = np.zeros_like(wave_KT)
    np.subtract(wave_KT[:, 1:], wave_KT[:, :-1], out=change_KT[:, 1:])
    power_KB = np.add.reduceat(change_KT**2, edge_E[:-1], axis=1) / (edge_E[1:] - edge_E[:-1])
    edges_KE = np.array([chunk.stamp for chunk in chunks], np.int64)[:, np.newaxis] + after_E
    return Pieces(edges_KE[:, :-1].ravel(), edges_KE[:, 1:].ravel(), np.log(power_KB + NOISE_POWER).reshape(-1, 1))


@lru_cache(16)
def _blocks(size: int, rate_hz: float) -> tuple[Array, Array]:
    """Return (E,) twice: where blocks of a chunk begin, with its end, as samples and as nanoseconds after its stamp."""
    edge_E = np.append(np.arange(0, size, max(1, round(BLOCK_S * rate_hz))), size)
    return edge_E, np.round(edge_E * (NS / rate_hz)).astype(np.int64)


def _small(pictures: Sequence[Array]) -> Array:
    """Return (P, H, W) float32 of pictures of one shape, half of ``PIXELS`` along the longer side; each with mean 0 and
    deviation 1, or all 0."""
    stride = max(1, round(max(pictures[0].shape[:2]) / PIXELS))
    thin = np.array([(each if each.ndim == 2 else each[:, :, 1])[::stride, ::stride] for each in pictures])
    if thin.dtype.kind == "f":
        thin = np.clip(np.nan_to_num(thin), -LIMIT, LIMIT)
    height, width = (side // 2 * 2 for side in thin.shape[1:])
    if min(height, width) < 6:
        return np.zeros((len(thin), 3, 3), np.float32)  # too small to have a slope
    exact = np.uint16 if thin.dtype == np.uint8 else np.float32  # and no wider: four bytes fit in two
    rows = np.add(thin[:, 0:height:2], thin[:, 1:height:2], dtype=exact)
    halved: Array = (rows[:, :, 0:width:2] + rows[:, :, 1:width:2]).astype(np.float32, copy=False)
    flat_PK = halved.reshape(len(halved), -1)
    flat_PK -= flat_PK.mean(1, keepdims=True)
    deviation_P1 = np.sqrt(_products(flat_PK, flat_PK) / flat_PK.shape[1]).astype(np.float32)[:, np.newaxis]
    flat_PK *= 1 / np.where(deviation_P1 > 0, deviation_P1, 1)
    return flat_PK.reshape(halved.shape)


def _shifts(before_NHW: Array, after_NHW: Array) -> Array:
    """Return (N, 2): by how many pixels each picture moved, right and down, by least squares."""
    number, height, width = before_NHW.shape
    both_NHW, change_NK = before_NHW + after_NHW, (after_NHW - before_NHW).reshape(number, -1)
    right_NK, down_NK = _steps_across(both_NHW, 1), _steps_across(both_NHW, width)  # four times those of their mean
    stiff = 16e-3 * (height - 2) * (width - 2)
    xx_N, yy_N = _products(right_NK, right_NK) + stiff, _products(down_NK, down_NK) + stiff
    xy_N, x_N, y_N = (_products(*pair) for pair in combinations((right_NK, down_NK, change_NK), 2))
    quarter_N = (xx_N * yy_N - xy_N**2) / 4
    moved_2N: Array = np.array([xy_N * y_N - yy_N * x_N, xy_N * x_N - xx_N * y_N]) / quarter_N
    return moved_2N.T


def _steps_across(picture_NHW: Array, apart: int) -> Array:
    """Return (N, K): the difference between the pixels ``apart`` after and before each, 0 along the edges.

    All pixels are one long row, which takes half as long as row by row.
    """
    step_NHW = np.empty_like(picture_NHW)
    np.subtract(picture_NHW.ravel()[2 * apart :], picture_NHW.ravel()[: -2 * apart], out=step_NHW.ravel()[apart:-apart])
    step_NHW[:, 0] = step_NHW[:, -1] = step_NHW[:, :, 0] = step_NHW[:, :, -1] = 0
    return step_NHW.reshape(len(step_NHW), -1)


def _products(one_NK: Array, other_NK: Array) -> Array:
    """Return (N,) float64: the inner product of each row with the other."""
    inner: Array = np.vecdot(one_NK, other_NK).astype(float)
    return inner
