"""How an IMU moved over time: the length of its acceleration and of its angular velocity."""

from collections.abc import Sequence

import numpy as np

from pipeline.messages import NS, Array, Sample

PERIOD = NS // 10
"""Nanoseconds from which the smallest and the largest are kept."""


class Motion:
    """Takes the readings of one topic in order."""

    def __init__(self) -> None:
        self.spans: dict[int, Array] = {}  # by number of the period: (2, 2) min and max of |a|, and of |w|

    def add(self, samples: Sequence[Sample]) -> None:
        """Take readings: (6,), or (3,) which turn by NaN."""
        numbers_n = np.array([sample.stamp // PERIOD for sample in samples])
        lengths_n2 = np.array([_lengths(sample.data) for sample in samples])
        for number in np.unique(numbers_n).tolist():
            here_n2 = lengths_n2[numbers_n == number]
            span = np.stack([np.fmin.reduce(here_n2), np.fmax.reduce(here_n2)], axis=1)
            before = self.spans.get(number, span)
            self.spans[number] = np.stack(
                [np.fmin(before[:, 0], span[:, 0]), np.fmax(before[:, 1], span[:, 1])], axis=1
            )

    def curve(self, which: int, start: int, end: int, width: int) -> list[tuple[float, float, float]]:
        """Return (place in 0..1, smallest, largest) of |a| (0) or |w| (1), at most one for each of ``width``."""
        columns: dict[int, tuple[float, float]] = {}
        for number, span in sorted(self.spans.items()):
            low, high = span[which].tolist()
            column = (number * PERIOD + PERIOD // 2 - start) * width // max(1, end - start)
            if 0 <= column < width and np.isfinite(low):
                before = columns.get(column, (low, high))
                columns[column] = min(low, before[0]), max(high, before[1])
        return [((column + 0.5) / width, low, high) for column, (low, high) in columns.items()]


def _lengths(reading: Array) -> tuple[float, float]:
    turn = float(np.linalg.norm(reading[3:6])) if reading.size >= 6 else float("nan")
    return float(np.linalg.norm(reading[:3])), turn
