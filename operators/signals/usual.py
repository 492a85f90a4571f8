"""How far a row of features is from those that are usual. M = rows remembered, K = features in a row."""

from functools import partial
from math import sqrt
from typing import Any

import numpy as np

from operators.median import median
from operators.spread import shrunk, whitening, with_floor
from pipeline.messages import Array

LEAST = 8
"""Rows before anything is said."""

SPREAD = 16
"""Of so many rows at most one is remembered; what was learned before them is forgotten."""

CLIPPED, FAR = 8.0, 1000.0
"""Robust standard deviations: what lies beyond the first does not bend the covariance; nothing is further away than
the second, where numbers would lose their digits."""

SHRINKAGE = 0.03
"""At least so much of the covariance is its mean variance: rows follow each other, and are fewer than they seem."""


class Usual:
    """Remembers up to ``memory`` rows, evenly over the last ``SPREAD`` times as many.

    A score is the mean of two distances, per feature: from the middle of all rows, and to the nearest ``neighbours``,
    which is small also where what is usual is seldom so. Both are taken where features have a robust standard
    deviation of 1 and are uncorrelated: Mahalanobis' distance, by a covariance that is shrunk as far as the number of
    rows asks for (OAS, Chen et al. 2010, arXiv 0907.4698).

    >>> usual = Usual(neighbours=2)
    >>> for number in range(20):
    ...     usual.learn(np.array([number % 5, -number % 3]))
    >>> usual.score(np.array([2.0, 1.0])) < usual.score(np.array([9.0, 1.0]))
    True
    """

    def __init__(self, memory: int = 1024, neighbours: int = 10) -> None:
        if not 1 <= neighbours <= memory or memory < LEAST:
            raise ValueError(f"neighbours {neighbours} must be 1 to memory {memory}, which must be {LEAST} or more")
        self.memory = memory
        self.neighbours = neighbours
        self.num_learned = 0
        self._rows_MK: Array = np.zeros((0, 0))
        self._stamps_M = np.zeros(memory, np.int64)
        self._size = 0  # rows in the ring
        self._next = 0  # where the next one goes
        self._stride = 1
        self._fitted = 0  # num_learned at which the shape was last taken
        self._middle_K: Array = np.zeros(0)
        self._width_K: Array = np.zeros(0)
        self._squares_M: Array = np.zeros(0)
        self._whiten_KK: Array = np.zeros((0, 0))
        self._known_MK: Array = np.zeros((0, 0))
        self._shape_rows_MK: Array = np.zeros((0, 0))  # what the shape was last taken of

    def learn(self, row_K: Array, stamp: int = 0) -> None:
        """Remember ``row_K`` of ``stamp``, if it is its turn; what is not finite in it is unknown."""
        if self.num_learned == 0:
            self._rows_MK = np.zeros((self.memory, len(row_K)))
        self.num_learned += 1
        if self.num_learned % self._stride:
            return
        self._rows_MK[self._next] = row_K
        self._stamps_M[self._next] = stamp
        self._size = max(self._size, self._next + 1)
        self._next += 1
        if self._next == self.memory:
            self._make_room()

    def score(self, row_K: Array) -> float | None:
        """Return how far ``row_K`` is, about 1 where it is usual; None while too little is known, or nothing of it."""
        squares = self._squares(row_K)
        if squares is None:
            return None
        middle, square_M = squares
        nearest_N = np.partition(square_M, self.neighbours - 1)[: self.neighbours]
        nearest = float(np.sqrt(np.maximum(nearest_N, 0)).sum() / self.neighbours)
        return (sqrt(middle) + nearest) / 2 / sqrt(len(row_K))

    def nearest(self, row_K: Array) -> int:
        """Return the stamp of the row that is most like ``row_K``; 0 where ``score`` says nothing."""
        squares = self._squares(row_K)
        return int(self._stamps_M[np.argmin(squares[1])]) if squares else 0

    def state(self) -> list[Any]:
        """Return what was learned, in plain values and arrays."""
        rows_MK, stamps_M = self._rows_MK[: self._size], self._stamps_M[: self._size]
        return [self.num_learned, self._next, self._stride, self._fitted, rows_MK, stamps_M, self._shape_rows_MK]

    def restore(self, state: list[Any]) -> None:
        """Go on from what ``state`` returned."""
        self.num_learned, self._next, self._stride, fitted, rows_MK, stamps_M, shape_rows_MK = state
        self._size = len(rows_MK)
        self._rows_MK = np.zeros((self.memory, rows_MK.shape[1]))
        self._rows_MK[: self._size] = rows_MK
        self._stamps_M[: self._size] = stamps_M
        if len(shape_rows_MK):
            self._fit(shape_rows_MK)
        self._fitted = fitted

    def _squares(self, row_K: Array) -> tuple[float, Array] | None:
        """Return the squared distances to the middle and to all that is remembered, (M,)."""
        if self._size < max(LEAST, self.neighbours) or not np.isfinite(row_K).any():
            return None
        if self.num_learned >= self._fitted + max(1, min(self._fitted, self.memory) // 8):
            self._fit(self._rows_MK[: self._size].copy())
            self._fitted = self.num_learned
        place_K = (self._standard(row_K[np.newaxis])[0] @ self._whiten_KK).astype(np.float32)
        middle = float(place_K @ place_K)
        return middle, self._squares_M - 2 * (self._known_MK @ place_K) + middle

    def _make_room(self) -> None:
        if self._stride < SPREAD:
            half = self.memory // 2
            self._rows_MK[:half] = self._rows_MK[1 : half * 2 : 2].copy()
            self._stamps_M[:half] = self._stamps_M[1 : half * 2 : 2].copy()
            self._size = self._next = half
            self._stride *= 2
        else:
            self._next = 0

    def _fit(self, rows_MK: Array) -> None:
        """Take the shape of ``rows_MK``."""
        self._shape_rows_MK = rows_MK
        known_KM, rows_KM = np.isfinite(rows_MK).T, np.ascontiguousarray(rows_MK.T)
        middle_of, mean_of = median, np.mean
        if not known_KM.all():
            rows_KM = np.where(known_KM | ~known_KM.any(1, keepdims=True), np.nan_to_num(rows_KM), np.nan)
            middle_of, mean_of = partial(np.nanmedian, axis=-1), np.nanmean
        self._middle_K = middle_of(rows_KM)
        away_KM = np.abs(rows_KM - self._middle_K[:, np.newaxis])
        width_K = 1.4826 * middle_of(away_KM) + 0.1 * np.sqrt(mean_of(away_KM**2, axis=-1))
        self._width_K = np.maximum(width_K, 1e-6 * np.maximum(np.abs(self._middle_K), 1.0))
        standard_MK = self._standard(rows_MK)
        clipped_MK = np.clip(standard_MK, -CLIPPED, CLIPPED)
        clipped_MK -= clipped_MK.mean(0)
        covariance_KK = clipped_MK.T @ clipped_MK / len(clipped_MK)
        self._whiten_KK = whitening(with_floor(shrunk(covariance_KK, len(clipped_MK), SHRINKAGE)))
        self._known_MK = (standard_MK @ self._whiten_KK).astype(np.float32)  # half of what is to be read a window
        self._squares_M = (self._known_MK**2).sum(1)

    def _standard(self, rows_MK: Array) -> Array:
        standard_MK = (rows_MK - self._middle_K) / self._width_K
        standard_MK[np.isnan(standard_MK)] = 0
        bounded_MK: Array = np.minimum(np.maximum(standard_MK, -FAR), FAR)
        return bounded_MK
