"""How far cosines are from what they usually are, online: running medians and spreads, with a prior for the beginning.

D = dimension of the joint space.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from operators.turns import turn_of
from pipeline.messages import Array

MIDDLE_WEIGHT, SPREAD_WEIGHT = 10, 200
"""How many windows the priors count for. The middle is soon known; tails are not, and a calm first minute tells little
of how far a number may go (simulated worlds 500 to 503)."""

REFIT = 8
"""Numbers between fits, of which each has its ``turn``: middles move slowly."""

QUARTILES = 1.349
"""Between the quartiles of a normal distribution, in standard deviations."""

WIDEST, NARROWEST = 0.1, 0.01
"""Bounds of the prior spread of cosines, which is that between the rows in the first window."""

UNUSUAL, SLOWLY = 2.5, 8
"""What is so many spreads above the usual is learned in every eighth window only: what lasts becomes usual, slowly."""

CHANCE = 3.5
"""Times 1 / sqrt(D), the spread of the cosine of two random directions: one no larger speaks for nothing, whatever is
usual. So nothing stands out in a space with placeholder weights."""

MAX_NAMES = 32
"""Of vectors that are compared; the one unused for longest goes first."""


class Usual:
    """The last ``size`` usual values of one number. ``middle`` and ``spread`` are the prior.

    >>> usual = Usual(100, middle=0.2, spread=0.1)
    >>> round(usual.score(0.5), 2)
    3.0
    """

    def __init__(self, size: int, middle: float, spread: float, turn: int = 0) -> None:
        self._prior = middle, spread
        self._size = size
        self._turn = turn
        self._values: deque[float] = deque()  # as they came
        self._rising: list[float] = []  # the same, the smallest first
        self._num_learned = 0
        self._middle, self._spread = self._prior

    def score(self, value: float) -> float:
        """Return by how many spreads ``value`` is above the middle."""
        return (value - self._middle) / self._spread

    def learn(self, value: float) -> None:
        """Take ``value`` for usual."""
        self._keep(value)
        self._num_learned += 1
        if (self._num_learned + self._turn) % REFIT == 0 or self._num_learned < REFIT:
            self._fit()

    def state(self) -> dict[str, Any]:
        """Return what was learned, as ``keeping.packed`` takes it."""
        learned = [self._num_learned, self._middle, self._spread]
        return {"prior": list(self._prior), "values": np.array(self._values), "learned": learned}

    @classmethod
    def restored(cls, size: int, state: dict[str, Any], turn: int = 0) -> "Usual":
        """Return one that goes on from ``state``."""
        middle, spread = state["prior"]
        usual = cls(size, middle, spread, turn)
        for value in state["values"][-size:]:
            usual._keep(float(value))
        usual._num_learned, usual._middle, usual._spread = state["learned"]
        return usual

    def _keep(self, value: float) -> None:
        self._values.append(value)
        insort(self._rising, value)
        if len(self._values) > self._size:
            del self._rising[bisect_left(self._rising, self._values.popleft())]

    def _fit(self) -> None:
        first, second, third = quartiles(self._rising)
        number, (middle, spread) = len(self._rising), self._prior
        width = (third - first) / QUARTILES
        self._middle = (number * second + MIDDLE_WEIGHT * middle) / (number + MIDDLE_WEIGHT)
        self._spread = sqrt((number * width**2 + SPREAD_WEIGHT * spread**2) / (number + SPREAD_WEIGHT))


def quartiles(rising: Sequence[float]) -> list[float]:
    """Return the three quartiles, as ``np.percentile`` has them, and ten times as fast for so few numbers.

    >>> quartiles([1.0, 2.0, 4.0])
    [1.5, 2.0, 3.0]
    """
    found = []
    for quarter in (1, 2, 3):
        place, rest = divmod((len(rising) - 1) * quarter, 4)
        below, above, share = rising[place], rising[min(place + 1, len(rising) - 1)], rest / 4
        step = above - below
        found.append(below + step * share if share < 0.5 else above - step * (1 - share))
    return found


class Usuals:
    """The usual cosines between rows of the space, by key, and the vectors of a window, by name."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._by_name: dict[str, dict[str, Usual]] = {}
        self._num_seen = 0

    def compare(self, rows: Mapping[str, Array], vectors: Mapping[str, Array]) -> dict[str, dict[str, float]]:
        """Return by name and key how many spreads each cosine is above the usual one, then learn them.

        What two random directions may have too is above nothing.
        """
        scores: dict[str, dict[str, float]] = {}
        matrix_RD, matrix_VD = np.array(list(rows.values())), np.array(list(vectors.values()))
        chance = CHANCE / matrix_RD.shape[1] ** 0.5
        self._num_seen += 1
        for name, cosines_R in zip(vectors, (matrix_VD @ matrix_RD.T).tolist(), strict=True):
            cosines = dict(zip(rows, cosines_R, strict=True))
            usuals = self._usuals(name, cosines)
            scores[name] = {}
            for key, cosine in cosines.items():
                score = usuals[key].score(cosine)
                scores[name][key] = score = min(score, 0.0) if cosine < chance else score
                if score < UNUSUAL or self._num_seen % SLOWLY == 0:
                    usuals[key].learn(cosine)
        return scores

    def forget(self, keys: set[str]) -> None:
        """Keep nothing but ``keys``."""
        for usuals in self._by_name.values():
            for key in usuals.keys() - keys:
                del usuals[key]

    def state(self) -> dict[str, Any]:
        """Return what was learned, as ``keeping.packed`` takes it."""
        by_name = {name: {key: it.state() for key, it in usuals.items()} for name, usuals in self._by_name.items()}
        return {"num_seen": self._num_seen, "by_name": by_name}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self._by_name = {
            name: {key: Usual.restored(self.size, of_key, turn_of(name + key)) for key, of_key in usuals.items()}
            for name, usuals in state["by_name"].items()
        }
        self._num_seen = state["num_seen"]

    def _usuals(self, name: str, cosines: Mapping[str, float]) -> dict[str, Usual]:
        """Return those of ``name``, as the one used last; rows that are new begin with a prior."""
        usuals = self._by_name[name] = self._by_name.pop(name, {})
        if len(self._by_name) > MAX_NAMES:
            del self._by_name[next(iter(self._by_name))]
        if new := cosines.keys() - usuals.keys():
            all_R = np.array(list(cosines.values()))
            spread = float(np.clip(all_R.std(), NARROWEST, WIDEST))
            middle = float(all_R.mean())
            usuals.update({key: Usual(self.size, middle, spread, turn_of(name + key)) for key in cosines if key in new})
        return usuals
