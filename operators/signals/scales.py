"""Numbers as they stand at several time scales. C = numbers in a reading, L = lengths."""

from collections.abc import Sequence

import numpy as np

from pipeline.messages import Array


class Scales:
    """Turns a stream of readings into features: where each number stands by an exponential mean over each of
    ``lengths``, in readings.

    At first that is the mean of all so far, and ``is_warm`` says when it is no longer. The longer means are what
    simple exponential smoothing predicts; where features are made uncorrelated, as by ``Usual``, a number's residuals
    are told from its level, and a number is predicted by the others.
    """

    def __init__(self, lengths: Sequence[int] = (1, 4, 16)) -> None:
        if not lengths or min(lengths) < 1:
            raise ValueError(f"lengths {list(lengths)} must be whole numbers of readings, 1 or more")
        self.lengths = tuple(lengths)
        self._lengths_L1 = np.array(self.lengths, float)[:, np.newaxis]
        self._longest = max(self.lengths)
        self.begin()

    def begin(self) -> None:
        """Forget all: another recording begins."""
        self._num_seen = 0
        self._last_C = np.zeros(0)
        self._level_LC = np.zeros((0, 0))

    @property
    def is_warm(self) -> bool:
        """Whether as much was seen as the longest mean is over."""
        return self._num_seen >= self._longest

    def see(self, reading_C: Array) -> Array:
        """Return (L C,) with ``reading_C`` in it; a number that is not finite is as it was before, at first 0."""
        reading_C = np.asarray(reading_C, float)
        if self._num_seen == 0:
            self._last_C = np.zeros(len(reading_C))
            self._level_LC = np.zeros((len(self.lengths), len(reading_C)))
        self._last_C = np.where(np.isfinite(reading_C), reading_C, self._last_C)
        self._num_seen += 1
        share_L1 = 1 / np.minimum(self._num_seen, self._lengths_L1)
        self._level_LC = self._level_LC + share_L1 * (self._last_C - self._level_LC)
        return self._level_LC.ravel()
