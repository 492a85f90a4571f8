"""How far a row is from the middle of normal ones, in units of how they spread. R = numbers in a row."""

from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg import inv

from operators.moments import Moments
from pipeline.messages import Array

HALF_LIFE = 2000
"""Rows after which one counts half: slow drift is followed."""

REFIT = 32
"""Rows between fits."""

FLOOR = 1e-6
"""Variance that is added to all: of what rounding leaves of rows that are all alike."""


class Spread:
    """Mean and covariance of rows, each counting less the longer ago it was."""

    def __init__(self) -> None:
        self._moments = Moments(HALF_LIFE)
        self._fitted = -1
        self._middle_R = np.zeros(0)
        self._whiten_RR = np.zeros((0, 0))

    def distance(self, row_R: Array) -> float | None:
        """Return Mahalanobis' distance over the square root of R, about 1 where it is usual; None with no two."""
        num_learned = self._moments.num_learned
        if num_learned < 2:
            return None
        if self._fitted < 0 or num_learned - self._fitted >= min(REFIT, self._fitted):
            self._fit()
        away_R = (row_R - self._middle_R) @ self._whiten_RR
        return sqrt(away_R @ away_R / len(away_R))

    def learn(self, row_R: Array) -> None:
        """Take ``row_R`` for normal."""
        self._moments.learn(row_R)

    def state(self) -> dict[str, Any]:
        """Return what was learned, in plain values and arrays."""
        return self._moments.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self._moments.restore(state)
        self._fitted = -1

    def _fit(self) -> None:
        self._middle_R, covariance_RR = self._moments.mean_and_covariance()
        shrunk_RR = shrunk(covariance_RR, self._moments.number) + FLOOR * np.eye(len(covariance_RR))
        self._whiten_RR = whitening(shrunk_RR)
        self._fitted = self._moments.num_learned


def whitening(covariance_RR: Array) -> Array:
    """Return (R, R): from rows of that covariance to rows whose numbers are uncorrelated and of variance 1.

    >>> whitening(np.diag([4.0, 1.0])).round(1).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    whiten_RR: Array = inv(np.linalg.cholesky(covariance_RR)).T
    return whiten_RR


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
