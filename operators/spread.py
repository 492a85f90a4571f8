"""How far a vector is from the middle of normal ones, in units of how they spread. R = dimension of sketches."""

from typing import Any

import numpy as np

from operators.memory import sketch
from pipeline.messages import Array

HALF_LIFE = 2000
"""Vectors after which one counts half: slow drift is followed."""

REFIT = 32
"""Vectors between fits."""

FLOOR = 1e-6
"""Variance that is added to all: of what rounding leaves of vectors that are all alike."""


class Spread:
    """Mean and covariance of sketches, each vector counting less the longer ago it was."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._squared_weight = 0.0
        self._num_learned = 0
        self._sum_R = np.zeros(0)
        self._sum_RR = np.zeros((0, 0))
        self._fitted = -1
        self._middle_R = np.zeros(0)
        self._whiten_RR = np.zeros((0, 0))

    def distance(self, vector_D: Array) -> float | None:
        """Return Mahalanobis' distance over the square root of R, about 1 where it is usual; None with no two."""
        if self._num_learned < 2:
            return None
        if self._fitted < 0 or self._num_learned - self._fitted >= min(REFIT, self._fitted):
            self._fit()
        away_R = (sketch(vector_D) - self._middle_R) @ self._whiten_RR
        return float(np.sqrt(away_R @ away_R / len(away_R)))

    def learn(self, vector_D: Array) -> None:
        """Take ``vector_D`` for normal."""
        sketch_R = sketch(vector_D).astype(float)
        if self._num_learned == 0:
            self._sum_R, self._sum_RR = np.zeros(len(sketch_R)), np.zeros((len(sketch_R), len(sketch_R)))
        kept = 0.5 ** (1 / HALF_LIFE)
        self._num_learned += 1
        self._weight = kept * self._weight + 1
        self._squared_weight = kept**2 * self._squared_weight + 1
        self._sum_R = kept * self._sum_R + sketch_R
        self._sum_RR = kept * self._sum_RR + np.outer(sketch_R, sketch_R)

    def state(self) -> dict[str, Any]:
        """Return what was learned, in plain values and arrays."""
        return {
            "weights": [self._weight, self._squared_weight],
            "num_learned": self._num_learned,
            "sum": self._sum_R,
            "squares": self._sum_RR,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self._weight, self._squared_weight = state["weights"]
        self._num_learned, self._fitted = state["num_learned"], -1
        self._sum_R, self._sum_RR = state["sum"], state["squares"]

    def _fit(self) -> None:
        self._middle_R = self._sum_R / self._weight
        covariance_RR = self._sum_RR / self._weight - np.outer(self._middle_R, self._middle_R)
        number = self._weight**2 / self._squared_weight
        shrunk_RR = shrunk(covariance_RR, number) + FLOOR * np.eye(len(covariance_RR))
        self._whiten_RR = np.linalg.cholesky(np.linalg.inv(shrunk_RR))
        self._fitted = self._num_learned


def shrunk(covariance_RR: Array, number: float) -> Array:
    """Return the covariance of ``number`` rows, drawn to a multiple of the identity as far as is best for so few.

    Oracle-approximating shrinkage (Chen, Wiesel, Eldar and Hero 2010, arXiv 0907.4698, eq. 23): better than Ledoit and
    Wolf's where rows are few and nearly normal.
    """
    size = len(covariance_RR)
    trace, squares = float(np.trace(covariance_RR)), float((covariance_RR**2).sum())
    below = (number + 1 - 2 / size) * (squares - trace**2 / size)
    share = 1.0 if below <= 0 else min(1.0, ((1 - 2 / size) * squares + trace**2) / below)
    drawn: Array = (1 - share) * covariance_RR + share * trace / size * np.eye(size)
    return drawn
