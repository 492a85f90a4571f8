"""Mean and covariance of rows that count less the longer ago they were. R = numbers in a row, N = rows not yet added.

What is weighed by its age is a sum of outer products; of some rows together that is one matrix product.
"""

from typing import Any

import numpy as np

from pipeline.messages import Array

TOGETHER = 32
"""N at most: so many rows are added at once, and as one they take a tenth of the time."""


class Moments:
    """Of rows of one length, each of which counts half after ``half_life`` more."""

    def __init__(self, half_life: float) -> None:
        self.num_learned = 0
        self._kept = 0.5 ** (1 / half_life)
        self._weight = self._squared_weight = 0.0
        self._sum_R = np.zeros(0)
        self._sum_RR = np.zeros((0, 0))
        self._rows: list[Array] = []

    @property
    def number(self) -> float:
        """How many rows that all count alike would tell as much (Kish 1965)."""
        return self._weight**2 / self._squared_weight

    def learn(self, row_R: Array) -> None:
        """Take one row; it is kept until it is added."""
        if self.num_learned == 0:
            self._sum_R, self._sum_RR = np.zeros(len(row_R)), np.zeros((len(row_R), len(row_R)))
        self.num_learned += 1
        self._weight = self._kept * self._weight + 1
        self._squared_weight = self._kept**2 * self._squared_weight + 1
        self._rows.append(row_R)
        if len(self._rows) == TOGETHER:
            self._add()

    def mean_and_covariance(self) -> tuple[Array, Array]:
        """Return them, (R,) and (R, R) float64, of all rows so far.

        >>> moments = Moments(half_life=1e9)
        >>> for row in ([0.0, 1.0], [2.0, 1.0]):
        ...     moments.learn(np.array(row))
        >>> [found.round(3).tolist() for found in moments.mean_and_covariance()]
        [[1.0, 1.0], [[1.0, 0.0], [0.0, 0.0]]]
        """
        self._add()
        mean_R = self._sum_R / self._weight
        covariance_RR = self._sum_RR / self._weight
        covariance_RR -= np.outer(mean_R, mean_R)
        return mean_R, covariance_RR

    def state(self) -> dict[str, Any]:
        """Return what was learned, in plain values and arrays. Changes nothing: sums are rounded as if nobody asked."""
        sum_R, sum_RR = self._sums()
        weights = [self._weight, self._squared_weight]
        return {"weights": weights, "num_learned": self.num_learned, "sum": sum_R, "squares": sum_RR}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        self._weight, self._squared_weight = state["weights"]
        self.num_learned, self._sum_R, self._sum_RR = state["num_learned"], state["sum"], state["squares"]
        self._rows = []

    def _add(self) -> None:
        self._sum_R, self._sum_RR = self._sums()
        self._rows = []

    def _sums(self) -> tuple[Array, Array]:
        """Return the sums with all rows in them: each counts by its age, the square root of that in each factor."""
        if not self._rows:
            return self._sum_R, self._sum_RR
        number = len(self._rows)
        share_N1 = self._kept ** np.arange(number - 1, -1, -1.0)[:, np.newaxis]
        rows_NR = np.array(self._rows, float)
        rooted_NR = rows_NR * np.sqrt(share_N1)
        older = self._kept**number
        return older * self._sum_R + (rows_NR * share_N1).sum(0), older * self._sum_RR + rooted_NR.T @ rooted_NR
