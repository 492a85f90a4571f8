"""What was normal, and how far normal vectors are from each other. M = vectors remembered, D = dimension."""

from collections import deque

import numpy as np

from pipeline.messages import Array

RESOLUTION = 1e-5
"""Cosine distances that differ by less are the same: a hundred times what float32 rounds away."""


class Memory:
    """The last ``size`` vectors learned, and how far the last ``recent`` were from those learned before them.

    These distances say what is usual here, with nothing compared to itself; they are fewer, so that a livelier
    place soon counts as lively while a quiet one is still remembered.
    """

    def __init__(self, size: int, neighbours: int, recent: int) -> None:
        self.size = size
        self.neighbours = neighbours
        self.usual: deque[float] = deque(maxlen=recent)
        self._vectors_MD = np.zeros((size, 0), np.float32)
        self._num_learned = 0

    def distance(self, vector: Array) -> float | None:
        """Return the mean cosine distance to the nearest ``neighbours``, or None with fewer than that."""
        known_MD = self._vectors_MD[: self._num_learned]
        if len(known_MD) < self.neighbours:
            return None
        nearest = np.partition(known_MD @ vector, -self.neighbours)[-self.neighbours :]
        return max(0.0, 1 - float(nearest.mean()))

    def deviation(self, distance: float) -> float:
        """Return how many robust standard deviations ``distance`` is above the usual one.

        The deviation is 1.4826 times the median absolute one, which makes it the standard one of a normal
        distribution, and at least a tenth of the median: regular data must not make a trifle an outlier.
        """
        usual = np.array(self.usual)
        median = float(np.median(usual))
        deviation = 1.4826 * float(np.median(np.abs(usual - median)))
        return (distance - median) / max(deviation, median / 10, RESOLUTION)

    def learn(self, vector: Array, distance: float | None) -> None:
        """Remember ``vector``, which was at ``distance`` when it came; forget the oldest beyond ``size``."""
        if self._num_learned == 0:
            self._vectors_MD = np.zeros((self.size, len(vector)), np.float32)
        self._vectors_MD[self._num_learned % self.size] = vector
        self._num_learned += 1
        if distance is not None:
            self.usual.append(distance)
