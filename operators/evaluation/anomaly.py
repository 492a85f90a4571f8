"""How soon, how surely and how often wrongly a score says that something is wrong.

T = readings, N = stretches that are normal, P = levels tried.
"""

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np
from msgspec import Struct
from scipy.stats import norm

from operators.evaluation.classification import auroc
from operators.sets.recording import spans
from pipeline.messages import Array

LEVELS = 60
"""That a curve of delay against false alarms is drawn by."""


class Scored(Struct, frozen=True, kw_only=True, eq=False):
    """A recording whose every reading has a score, (T,): NaN where nothing is said, such as in what was learned from.

    ``is_wrong`` is the truth, (T,) bool.
    """

    name: str
    rate_hz: float
    scores: Array
    is_wrong: Array


class Tally(Struct, frozen=True):
    """What a level found of ``num_wrong`` things, how late in seconds, and how many alarms were false.

    ``false`` has a number for each recording.
    """

    num_wrong: int
    delays_s: tuple[float, ...]
    false: tuple[int, ...]

    @property
    def recall(self) -> float:
        return len(self.delays_s) / self.num_wrong if self.num_wrong else float("nan")

    @property
    def delay_s(self) -> float:
        """The median of those found; NaN if none was."""
        return float(np.median(self.delays_s)) if self.delays_s else float("nan")


def tally(scored: Sequence[Scored], levels: Sequence[float], within_s: float = inf, quiet_s: float = 0.0) -> Tally:
    """Count what the ``levels``, one for each recording, find ``within_s`` of its onset.

    A reading is over before it can alarm. Alarms that are at most ``quiet_s`` apart are one. One that lasts into
    something wrong has found it, but is false where it began before.
    """
    delays: list[float] = []
    false: list[int] = []
    num_wrong = 0
    for one, level in zip(scored, levels, strict=True):
        above_T = np.nan_to_num(one.scores, nan=-inf) >= level
        heard_T = np.isfinite(one.scores)
        for start, end in spans(one.is_wrong):
            if heard_T[start:end].any():
                num_wrong += 1
                last = min(end, start + max(1, int(within_s * one.rate_hz)) if within_s < inf else end)
                if above_T[start:last].any():
                    delays.append((int(above_T[start:last].argmax()) + 1) / one.rate_hz)
        alarms = merged(spans(above_T), round(quiet_s * one.rate_hz))
        false.append(sum(not one.is_wrong[start] for start, _ in alarms))
    return Tally(num_wrong, tuple(delays), tuple(false))


def merged(intervals: Iterable[tuple[int, int]], quiet: int) -> list[tuple[int, int]]:
    """Return rising intervals, those as one that are at most ``quiet`` apart.

    >>> merged([(0, 2), (3, 4), (9, 10)], 1)
    [(0, 4), (9, 10)]
    """
    found: list[tuple[int, int]] = []
    for start, end in intervals:
        if found and start - found[-1][1] <= quiet:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def level_of(maxima_N: Sequence[float], share: float) -> float:
    """Return the level that ``share`` of stretches like these should reach while all is normal.

    ``maxima_N`` are the highest scores of normal stretches, taken for log-normal by their median and median absolute
    deviation: the highest of a few is no level, since one odd stretch among them would set it.

    >>> round(level_of([1.0, 1.1, 1.2, 1.3, 50.0], 0.05), 1)
    1.5
    """
    logs_N = np.log(np.maximum(maxima_N, 1e-9))
    middle = float(np.median(logs_N))
    deviation = 1.4826 * float(np.median(np.abs(logs_N - middle)))
    return float(np.exp(middle + float(norm.ppf(1 - share)) * deviation))


def pooled_auroc(scored: Sequence[Scored], within_s: float = inf) -> float:
    """Return the AUROC of readings ``within_s`` of an onset against normal ones, over all recordings."""
    kept = [_asked(one, within_s) for one in scored]
    scores_T = np.concatenate([one.scores[asked] for one, asked in zip(scored, kept, strict=True)])
    wrong_T = np.concatenate([one.is_wrong[asked] for one, asked in zip(scored, kept, strict=True)])
    return auroc(scores_T, wrong_T)


def mean_auroc(scored: Sequence[Scored]) -> float:
    """Return the mean over recordings of their AUROC; those without both kinds have none."""
    each = [auroc(one.scores[heard], one.is_wrong[heard]) for one in scored for heard in [np.isfinite(one.scores)]]
    return mean_known(each)


def mean_known(figures: Sequence[float]) -> float:
    """Return the mean of those that are numbers, NaN if none is."""
    known = [one for one in figures if one == one]
    return float(np.mean(known)) if known else float("nan")


def trade(scored: Sequence[Scored], within_s: float = inf, quiet_s: float = 0.0) -> Array:
    """Return (P, 3): false alarms an hour of normal readings, median delay in s, and recall, by rising level."""
    known = np.concatenate([one.scores[np.isfinite(one.scores)] for one in scored])
    hours = sum(float((np.isfinite(one.scores) & ~one.is_wrong).sum()) / one.rate_hz for one in scored) / 3600
    rows = []
    for level in np.unique(np.quantile(known, 1 - np.geomspace(1, 1e-4, LEVELS))):
        found = tally(scored, [float(level)] * len(scored), within_s, quiet_s)
        rows.append((sum(found.false) / max(hours, 1e-9), found.delay_s, found.recall))
    return np.array(rows)


def _asked(one: Scored, within_s: float) -> Array:
    asked_T = np.isfinite(one.scores) & ~one.is_wrong
    for start, end in spans(one.is_wrong):
        last = end if within_s == inf else min(end, start + int(within_s * one.rate_hz))
        asked_T[start:last] = np.isfinite(one.scores[start:last])
    return asked_T
