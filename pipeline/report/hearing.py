"""Sound as a picture: how loud it is at each pitch over time. K = bands, T = columns, n = samples of a column."""

import numpy as np

from pipeline.messages import NS, Array, Sample

COLUMN = NS // 20
"""Nanoseconds of sound in one column."""

BANDS = 64
LOWEST_HZ = 60.0
FLOOR_DB = -90.0
"""Of full scale; what is quieter looks like silence."""


class Spectrogram:
    """Takes the chunks of one topic in order; a column with a hole in it stays empty."""

    def __init__(self, sample_rate_hz: float) -> None:
        self._rate_hz = sample_rate_hz
        self._size = max(16, round(sample_rate_hz * COLUMN / NS))
        self._held: Array = np.zeros(0, np.float32)
        self._start = 0  # stamp of the first value that is held
        self.columns: dict[int, Array] = {}  # (K,) dB, by the number of its 50 ms since the epoch
        hertz = np.fft.rfftfreq(self._size, 1 / max(sample_rate_hz, 1.0))
        edges = np.geomspace(LOWEST_HZ, max(sample_rate_hz / 2, 2 * LOWEST_HZ), BANDS + 1)
        self._band = np.clip(np.searchsorted(edges, hertz, side="right") - 1, 0, BANDS - 1)
        self._hann = np.hanning(self._size)

    def add(self, sample: Sample) -> None:
        """Take a chunk: (n,) or (n, C)."""
        scale = 32768 if sample.data.dtype.kind == "i" else 1
        values = sample.data.astype(np.float32) / scale
        mono = values if values.ndim == 1 else values.mean(axis=1)
        end = self._start + round(self._held.size * NS / self._rate_hz)
        if abs(sample.stamp - end) > COLUMN // 2:
            self._held, self._start = self._held[:0], sample.stamp
        self._held = np.concatenate([self._held, mono])
        while self._held.size >= self._size:
            self.columns[self._start // COLUMN] = self._decibels(self._held[: self._size])
            self._held = self._held[self._size :]
            self._start += round(self._size * NS / self._rate_hz)

    def picture(self, start: int, end: int, width: int) -> Array:
        """Return (K, width) in [0, 1], high pitches first; NaN where nothing was heard."""
        seen_KT = np.full((BANDS, width), np.nan)
        for number, column_K in self.columns.items():
            first = (number * COLUMN - start) * width // max(1, end - start)
            last = ((number + 1) * COLUMN - start) * width // max(1, end - start)
            place = slice(max(0, first), max(0, first + 1, last))
            level_K = np.clip(1 - column_K / FLOOR_DB, 0, 1)[::-1, np.newaxis]
            seen_KT[:, place] = np.fmax(seen_KT[:, place], level_K)
        return seen_KT

    def _decibels(self, values_n: Array) -> Array:
        """Return (K,) dB of full scale: the loudest line in each band, and in one without a line, its neighbour's."""
        amplitude = np.abs(np.fft.rfft(values_n * self._hann)) * 2 / self._hann.sum()
        peak_K = np.full(BANDS, np.nan)
        np.fmax.at(peak_K, self._band, amplitude)
        known = np.flatnonzero(np.isfinite(peak_K))
        filled_K = np.interp(np.arange(BANDS), known, peak_K[known])
        decibels_K: Array = np.maximum(20 * np.log10(np.maximum(filled_K, 1e-9)), FLOOR_DB)
        return decibels_K
