"""From a score in any unit to how often normal windows score as high, online.

N = normal scores remembered. A conformal p-value, (1 + number of them at least as high) / (N + 1), holds for
exchangeable scores whatever their distribution (Vovk et al., Algorithmic Learning in a Random World, 2005), but is
never below 1 / (N + 1), and few false alarms a day ask for far less. Above the highest tenth of the scores it goes on
as a generalised Pareto tail fitted to them (Pickands 1975), which is a model, not a guarantee. What holds it to the
truth under drift is adaptive conformal inference (Gibbs and Candès 2021, arXiv 2106.00170, eq. 2): where more windows
than foretold are suspect, scores count for less.
"""

import math
from typing import Any

import numpy as np

from operators.turns import next_fit
from pipeline.messages import Array

TAIL = 0.1
"""Share of the scores that the tail is fitted to: the usual choice between too few and too low ones."""

SHAPE, SHAPE_WEIGHT = 0.1, 20.0
"""Prior of the tail's shape, and how many excesses it counts for: a tail a little heavier than exponential. Scores of
windows that overlap are fewer than they seem."""

LIGHTEST = 0.01
"""No tail is lighter than this shape, which is as good as exponential: a bounded one would call news impossible."""

APART = 10.0
"""1 / n is added to the shape, n being the independent scores that the width was taken from: the predictive tail of an
exponential one of unknown width (Aitchison and Dunsmore 1975). Of N scores 40 % lie between the median and the tail,
and of windows that overlap by three quarters every fourth is independent: n = N / 10."""

STEP, LARGEST = 2e-4, 3.0
"""How much a normal window narrows the scale, as a share; a suspect one widens it 1 / ``SUSPECT`` times as much. Slow:
some minutes in which half of the windows are news, each of them flagged or not, must not make it blind."""

SUSPECT = 0.05
"""What has a smaller p-value is suspect: more likely news, although it may not be rare enough to be flagged."""

NARROWER, WIDER = math.exp(-STEP), math.exp(STEP * (1 / SUSPECT - 1))
"""What the scale is multiplied by at a normal window, and at a suspect one."""

GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, are spread evenly."""

FEWEST = 50
"""From twice as many on, the older half of all scores is forgotten: they were given when less was known."""

REFIT = 32
"""Scores between fits, of which each calibration has its ``turn``: tails move slowly."""


class Calibration:
    """The last ``size`` normal scores of one name; nothing closer together than ``resolution`` is told apart."""

    def __init__(self, size: int, resolution: float, turn: int = 0) -> None:
        self.size = size
        self.resolution = resolution
        self.scale = 1.0  # excesses count for so much less: above 1 where more were seen than the tail foretold
        self._ring_N = np.zeros(size)
        self._first = self._known = 0  # where the oldest score is, and how many follow it
        self._num_learned = self._imputed = 0
        self._turn = turn
        self._due = 0  # so many scores, at which the tail is fitted
        self._sorted_N = np.zeros(0)
        self._tail = (0.0, 0.0, SHAPE)

    def __len__(self) -> int:
        return self._known

    def p_value(self, score: float) -> float:
        """Return the share of normal windows that score at least ``score``, in (0, 1]; 1 while nothing is known."""
        if not self._known:
            return 1.0
        if self._num_learned >= self._due:
            self._fit()
        start, width, shape = self._tail
        excess = (score - start) / (width * self.scale)
        if excess > 0:
            shape += APART / len(self._sorted_N)
            return TAIL * math.exp(-math.log1p(shape * excess) / shape)
        known = len(self._sorted_N)
        above = known - int(self._sorted_N.searchsorted(score - self.resolution))
        return max(TAIL, (1 + above) / (known + 1))

    def learn(self, score: float, is_suspect: bool = False) -> None:
        """Take ``score`` for normal, after it was judged.

        For a suspect one stands one of those that were as high before, as often as such are due: neither do events that
        were not flagged stretch the tail, nor does leaving them out cut it off.
        """
        self._num_learned += 1
        if self._known * SUSPECT >= 1:
            self.scale = min(LARGEST, max(1.0, self.scale * (WIDER if is_suspect else NARROWER)))
        if is_suspect:
            if self._imputed >= SUSPECT * self._num_learned or not len(self._sorted_N):
                return
            self._imputed += 1
            due = self._imputed * GOLDEN % 1 * SUSPECT * len(self._sorted_N)
            score = float(self._sorted_N[-1 - int(due)])
        self._keep(score)
        if self._known > self._num_learned / 2 > FEWEST:
            self._first, self._known = (self._first + 1) % self.size, self._known - 1

    def state(self) -> list[Any]:
        """Return what was learned, in plain values."""
        return [self._in_order().tolist(), self._num_learned, self._imputed, self.scale]

    def restore(self, state: list[Any]) -> None:
        """Go on from what ``state`` returned."""
        scores, self._num_learned, self._imputed, self.scale = state
        self._first = self._known = 0
        for score in scores:
            self._keep(score)
        self._due = 0

    def _keep(self, score: float) -> None:
        """Put ``score`` after the newest, over the oldest if there is no more room."""
        self._ring_N[(self._first + self._known) % self.size] = score
        if self._known < self.size:
            self._known += 1
        else:
            self._first = (self._first + 1) % self.size

    def _in_order(self) -> Array:
        """Return the scores, oldest first."""
        return np.concatenate([self._ring_N[self._first :], self._ring_N[: self._first]])[: self._known]

    def _fit(self) -> None:
        self._sorted_N = np.sort(self._in_order())
        self._tail = tail(self._sorted_N, self.resolution)
        self._due = next_fit(self._num_learned, REFIT, self._turn)


def tail(sorted_N: Array, resolution: float) -> tuple[float, float, float]:
    """Return where the tail of rising scores starts, its width and its shape.

    By probability-weighted moments (Hosking and Wallis 1987, eq. 6), the shape drawn towards ``SHAPE``. Width is at
    least ``resolution``; by as much as that widens it the shape shrinks, since it tells of excesses of no meaning.

    >>> start, width, shape = tail(np.sort(np.random.default_rng(0).exponential(size=100_000)), 1e-6)
    >>> round(start, 1), round(width, 1), round(shape, 1)
    (2.3, 1.0, 0.0)
    """
    number = max(1, round(TAIL * len(sorted_N)))
    start = float(sorted_N[-number - 1]) if len(sorted_N) > number else float(sorted_N[0])
    excess_N = sorted_N[-number:] - start
    mean = float(excess_N.sum()) / number
    weighted = float(excess_N @ (number - np.arange(1, number + 1) + 0.35)) / number**2
    found = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted > 0 else SHAPE
    shape = (number * min(max(found, -0.5), 0.5) + SHAPE_WEIGHT * SHAPE) / (number + SHAPE_WEIGHT)
    shape = max(shape, LIGHTEST)
    middle = float(sorted_N[len(sorted_N) // 2])
    seen = max(mean * (1 - shape), (start - middle) / math.log(0.5 / TAIL))
    width = max(seen, resolution)
    return start, width, max(shape * seen / width, LIGHTEST)
