"""What clips of one topic hold as one array: windows overlap, and what the one before had is not read again."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.messages import Array, Sample

Read = Callable[[Sequence[Sample]], tuple[Array, list[int]]]
"""From samples to their rows (T, …), and how many of them each sample gave."""


class Tape:
    """``rows`` are those of the clip that was played last; the last ``num_new`` were in none before.

    What two clips have in common is told by the samples' identity, and read once as long as rows are of one shape.
    """

    def __init__(self, read: Read) -> None:
        self.rows: Array = np.zeros(0)
        self.num_new = 0
        self._read = read
        self._samples: tuple[Sample, ...] = ()
        self._lengths: list[int] = []  # rows of each sample

    def play(self, samples: tuple[Sample, ...]) -> Array:
        """Return the rows of ``samples``, which are never none."""
        num_gone = self._num_gone(samples)
        kept, lengths = self.rows[sum(self._lengths[:num_gone]) :], self._lengths[num_gone:]
        new = samples[len(lengths) :]
        rows, more = self._read(new) if new else (kept[:0], [])
        if (rows.shape[1:], rows.dtype) != (kept.shape[1:], kept.dtype):
            rows, more = self._read(samples) if lengths else (rows, more)
            kept, lengths = rows[:0], []
        self.rows, self.num_new = np.concatenate([kept, rows]), len(rows)
        self._samples, self._lengths = samples, lengths + more
        return self.rows

    def _num_gone(self, samples: tuple[Sample, ...]) -> int:
        """Return how many samples of the clip before are gone: all, unless these go on with the rest of them."""
        before = self._samples
        first = before.index(samples[0]) if samples[0] in before else len(before)
        return first if before[first:] == samples[: len(before) - first] else len(before)
