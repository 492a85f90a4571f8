"""What one topic noticed in the last minutes, on a grid of time and in chunks.

N = pieces of a curve, C = its channels, B = bins, of a chunk with its margins where nothing else is said, M = chunks,
F = frequencies, S = shifts by whole chunks, round and round.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import fft

from operators.median import median
from operators.salience import Pieces, joined
from pipeline.messages import NS, Array

BIN = NS // 100
"""Grid of time: 10 ms, finer than a camera's period; a lag is found to a fraction of it."""

CHUNK, MARGIN = 600, 100
"""Bins of a chunk, 6 s, and of the margin on either side of it: 1 s, the furthest that streams are shifted."""

TREND = 100
"""Bins on either side whose mean is taken away, ± 1 s: what changes slowly says little about time. On the wheels and
gyroscope of a Husky robot, which turns slowly, half of that finds no certain lag; on the simulated rig all is alike."""

CLIP = 3.0
"""Robust standard deviations at which a curve is cut: one loud moment must not outvote the rest."""

STILL = 1e-6
"""Deviations below are what rounding leaves of a curve that does not move, in any unit."""


class Spectra(NamedTuple):
    """Curves of M chunks as ``operators.lag`` compares them: the mean square of each channel (C,), the spectra of the
    chunks (M, C, F), and those of what they are to each shift (S, C, F)."""

    power: Array
    by_chunk: Array
    by_shift: Array


class Curve:
    """Takes pieces as they come and keeps them as chunks, the last ``num_chunks`` in time."""

    def __init__(self, num_chunks: int) -> None:
        self.num_chunks = num_chunks
        self._pieces: deque[Pieces] = deque()
        self._chunks: dict[int, Array] = {}
        self._spectra: tuple[tuple[int, ...], bool, Spectra] | None = None  # that were asked for last, of these chunks

    @property
    def numbers(self) -> set[int]:
        """Which chunks there are: those covered for the most part."""
        return set(self._chunks)

    def add(self, pieces: Pieces) -> None:
        """Take what was noticed since the last call."""
        if len(pieces.starts):
            self._pieces.append(pieces)

    def cut(self, number: int) -> None:
        """Make chunk ``number``, which begins at bin ``number`` × ``CHUNK``; forget what no later one needs."""
        first = number * CHUNK - MARGIN - TREND
        self._chunks = {kept: chunk for kept, chunk in self._chunks.items() if kept > number - self.num_chunks}
        if self._pieces:
            raw_CB = on_grid(joined(self._pieces), first, CHUNK + 2 * (MARGIN + TREND))
            if np.isfinite(raw_CB[0]).mean() > 0.5:
                self._chunks[number] = without_trend(raw_CB).astype(np.float32)
        while self._pieces and self._pieces[0].ends[-1] < (first + CHUNK) * BIN:
            self._pieces.popleft()

    def standard(self, numbers: Sequence[int]) -> Array:
        """Return (M, C, B) float32: each channel over its robust standard deviation, cut; 0 where nothing is known."""
        chunks_MCB = np.stack([self._chunks[number] for number in numbers])
        away_CMB = np.abs(chunks_MCB).swapaxes(0, 1)
        spread_C1 = np.array([[median(away_MB[~np.isnan(away_MB)])] for away_MB in away_CMB], np.float32)
        cut_MCB: Array = (chunks_MCB / (1.4826 * spread_C1 + STILL)).clip(-CLIP, CLIP)
        cut_MCB[np.isnan(cut_MCB)] = 0
        return cut_MCB

    def spectra(self, numbers: Sequence[int], leads: bool) -> Spectra:
        """Return those of the ``standard`` curves, and keep the last ones."""
        if self._spectra is None or self._spectra[:2] != (tuple(numbers), leads):
            self._spectra = tuple(numbers), leads, spectra(self.standard(numbers), leads)
        return self._spectra[2]


def spectra(curves_MCB: Array, leads: bool) -> Spectra:
    """Return the spectra of curves; where they lead, and others are shifted against them, without the margins."""
    core = slice(MARGIN, -MARGIN) if leads else slice(None)
    core_MCB = np.zeros_like(curves_MCB)
    core_MCB[:, :, core] = curves_MCB[:, :, core]
    by_chunk = fft.rfft(core_MCB)
    power_C = np.vecdot(core_MCB, core_MCB).mean(0) / (CHUNK if leads else CHUNK + 2 * MARGIN)
    return Spectra(power_C, by_chunk, fft.fft(by_chunk, axis=0))


def on_grid(pieces: Pieces, first: int, size: int) -> Array:
    """Return (C, size): the mean in each bin from ``first`` on; NaN where less than half of a bin is covered.

    >>> on_grid(Pieces(np.array([0]), np.array([25_000_000]), np.array([[7.0]])), 0, 4)
    array([[ 7.,  7.,  7., nan]])
    """
    end_N = np.maximum.accumulate(pieces.ends)
    start_N = np.maximum(pieces.starts, np.append(pieces.starts[0], end_N[:-1]))  # sounds overlap if stamps jitter
    length_N = np.maximum(end_N - start_N, 0)
    times = np.stack([start_N, end_N], axis=1).ravel() - first * BIN
    edges = np.arange(size + 1) * BIN
    covered_B, *sums_CB = (
        np.diff(np.interp(edges, times, _running(amount_N)))
        for amount_N in (length_N, *(pieces.values * length_N[:, np.newaxis]).T)
    )
    means_CB: Array = np.stack(sums_CB) / np.where(covered_B < BIN / 2, np.nan, covered_B)
    return means_CB


def without_trend(raw_CB: Array) -> Array:
    """Return ``raw_CB`` less its mean over ``TREND`` bins on either side, and without those at its ends."""
    known_CB = np.isfinite(raw_CB)
    count_CB = _moving_sum(known_CB.astype(float))
    trend_CB = _moving_sum(np.where(known_CB, raw_CB, 0.0)) / np.maximum(count_CB, 1)
    return raw_CB[:, TREND:-TREND] - trend_CB


def _running(amount_N: Array) -> Array:
    """Return (2N,): what has come together at the start and at the end of each piece."""
    total_N = np.cumsum(amount_N)
    return np.stack([total_N - amount_N, total_N], axis=1).ravel()


def _moving_sum(value_CB: Array) -> Array:
    total = np.cumsum(np.concatenate([np.zeros((len(value_CB), 1)), value_CB], axis=1), axis=1)
    width = 2 * TREND + 1
    moving: Array = total[:, width:] - total[:, :-width]
    return moving
