"""How far a number is from what it usually is, online: a running median and spread, with a prior for the beginning."""

from collections import deque
from typing import Any

import numpy as np

MIDDLE_WEIGHT, SPREAD_WEIGHT = 10, 200
"""How many windows the priors count for. The middle is soon known; tails are not, and a calm first minute tells little
of how far a number may go (simulated worlds 500 to 503)."""

REFIT = 8
"""Numbers between fits: middles move slowly."""

QUARTILES = 1.349
"""Between the quartiles of a normal distribution, in standard deviations."""


class Usual:
    """The last ``size`` usual values of one number. ``middle`` and ``spread`` are the prior.

    >>> usual = Usual(100, middle=0.2, spread=0.1)
    >>> round(usual.score(0.5), 2)
    3.0
    """

    def __init__(self, size: int, middle: float, spread: float) -> None:
        self._prior = middle, spread
        self._values: deque[float] = deque(maxlen=size)
        self._num_learned = 0
        self._middle, self._spread = self._prior

    def score(self, value: float) -> float:
        """Return by how many spreads ``value`` is above the middle."""
        return (value - self._middle) / self._spread

    def learn(self, value: float) -> None:
        """Take ``value`` for usual."""
        self._values.append(value)
        self._num_learned += 1
        if self._num_learned % REFIT == 0 or self._num_learned < REFIT:
            self._fit()

    def state(self) -> dict[str, Any]:
        """Return what was learned, as ``keeping.packed`` takes it."""
        return {"prior": list(self._prior), "values": np.array(self._values, np.float64)}

    @classmethod
    def restored(cls, size: int, state: dict[str, Any]) -> "Usual":
        """Return one that goes on from ``state``."""
        usual = cls(size, *state["prior"])
        usual._values.extend(float(value) for value in state["values"])
        usual._fit()
        return usual

    def _fit(self) -> None:
        first, second, third = np.percentile(self._values, (25, 50, 75)) if self._values else (0.0, 0.0, 0.0)
        number, (middle, spread) = len(self._values), self._prior
        width = (third - first) / QUARTILES
        self._middle = float((number * second + MIDDLE_WEIGHT * middle) / (number + MIDDLE_WEIGHT))
        self._spread = float(np.sqrt((number * width**2 + SPREAD_WEIGHT * spread**2) / (number + SPREAD_WEIGHT)))
