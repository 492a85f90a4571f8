"""How far a row is from the middle of normal ones, in units of how they spread. R = numbers in a row."""

from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg.lapack import dtrtri

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
        self._due = 0  # so many rows learned, at which it is fitted
        self._middle_R = np.zeros(0)
        self._whiten_RR = np.zeros((0, 0))

    def distance(self, row_R: Array) -> float | None:
        """Return Mahalanobis' distance over the square root of R, about 1 where it is usual; None with no two."""
        num_learned = self._moments.num_learned
        if num_learned < 2:
            return None
        if num_learned >= self._due:
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
        self._due = 0

    def _fit(self) -> None:
        self._middle_R, covariance_RR = self._moments.mean_and_covariance()
        self._whiten_RR = whitening(with_floor(shrunk(covariance_RR, self._moments.number)))
        self._due = self._moments.num_learned + min(REFIT, self._moments.num_learned)


def whitening(covariance_RR: Array) -> Array:
    """Return (R, R): from rows of that covariance to rows whose numbers are uncorrelated and of variance 1.

    Its product with its own transpose is the inverse of the covariance. Raise LinAlgError if that has none.

    >>> (whitening(np.diag([4.0, 1.0])) + 0).round(1).tolist()
    [[0.5, 0.0], [0.0, 1.0]]
    """
    inverse_RR, _ = dtrtri(np.linalg.cholesky(covariance_RR), lower=1)  # half the time of one for any matrix
    whiten_RR: Array = inverse_RR.T
    return whiten_RR


def shrunk(covariance_RR: Array, number: float, least: float = 0.0) -> Array:
    """Return the covariance of ``number`` rows, drawn to a multiple of the identity as far as is best for so few, and
    by a share of ``least`` in any case.

    Oracle-approximating shrinkage (Chen, Wiesel, Eldar and Hero 2010, arXiv 0907.4698, eq. 23): better than Ledoit and
    Wolf's where rows are few and nearly normal.
    """
    size = len(covariance_RR)
    trace, squares = float(np.trace(covariance_RR)), float(np.vdot(covariance_RR, covariance_RR))
    below = (number + 1 - 2 / size) * (squares - trace**2 / size)
    share = 1.0 if below <= 0 else min(1.0, max(least, ((1 - 2 / size) * squares + trace**2) / below))
    drawn: Array = (1 - share) * covariance_RR
    _diagonal(drawn)[:] += share * trace / size
    return drawn


def with_floor(covariance_RR: Array) -> Array:
    """Return ``covariance_RR`` itself, with ``FLOOR`` added to every variance."""
    _diagonal(covariance_RR)[:] += FLOOR
    return covariance_RR


def _diagonal(square_RR: Array) -> Array:
    """Return the diagonal, to be written to."""
    diagonal_R: Array = square_RR.reshape(-1)[:: len(square_RR) + 1]
    return diagonal_R
