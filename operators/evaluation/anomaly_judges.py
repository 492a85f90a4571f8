"""What of each set is learned from, how it is scored, and how high an alarm is.

N = rows, K = features, T = readings.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import TypeVar

import numpy as np
from msgspec import Struct

from operators.evaluation.anomaly import Scored, level_of, mean_auroc, mean_known, pooled_auroc
from operators.evaluation.anomaly_models import Model
from operators.sets.recording import Recording
from operators.sets.skab_valve_anomaly import CALM
from operators.sets.uav_alfa_fault import takeoff
from operators.signals.motion import motion_features
from operators.signals.scales import Scales
from pipeline.messages import Array

Recordings = Sequence[Recording]
Of = TypeVar("Of")

STEP, START_S = 5, 20.0
"""Readings of a flight that are one row, as their mean; and how long a flight is not looked at."""

ANSWERED = (4, 16)
"""Rows of a flight over which their means are features."""

SOON_S = 10.0
"""After a failure a flight's readings are asked for their AUROC."""

PROBATION = 0.15
"""The share of a series that may be learned from (NAB)."""

HELD_OUT, BLOCKS = 4, 10
"""One in so many of the normal rows tells how high scores rise, in so many stretches."""

FLYING = 0.2
"""m/s²: standard deviation of acceleration over a second above which rotors turn; it is 0.05 on the ground."""

FOLDS = 5


class Judged(Struct, frozen=True, eq=False):
    """What a model makes of a set: every recording's scores, the level of each one's alarms, and the AUROC."""

    scored: list[Scored]
    levels: list[float]
    auroc: float


Judge = Callable[[Recordings, Recordings, Model], Judged]


def flights(recordings: Recordings, fit: Recordings, model: Model) -> Judged:
    """Flights in which something fails: each is scored by what was normal in the others, or in those to learn from.

    Four rows a second are means over 1 and 4 s: before an aircraft had time to answer, an error is a new command. The
    first 20 s, in which the autopilot takes over, are neither learned nor scored. What belongs to the same take-off is
    no other flight. ``auroc`` is of the 10 s after a failure against all that is normal. The level is one that a normal
    flight should reach once in as many flights as there are, by all the others, those to learn from among them.
    """
    tested, given = [_thinned(one) for one in recordings], [_thinned(one) for one in fit]
    known = _known_flights(given or tested)
    scored = [_flown(one, _joined(_others(one.name, known), one.name), model) for one in tested]
    more = [_flown(one, _joined(rows, one.name), model) for one in given if (rows := _others(one.name, known))]
    maxima = {one.name: _highest(one.scores[~one.is_wrong]) for one in [*scored, *more]}
    levels = [_level(_others(one.name, maxima), len(scored)) for one in scored]
    return Judged(scored, levels, pooled_auroc(scored, SOON_S))


def _known_flights(learned: Recordings) -> Mapping[str, Array]:
    """Return what was normal in each flight after its start, (N, K), by its name."""
    return {one.name: _stood(one, ANSWERED)[_first(one) : _onset(one)] for one in learned if _first(one) < _onset(one)}


def _others(name: str, by_flight: Mapping[str, Of]) -> list[Of]:
    """Return what is of flights that did not take off with the named one."""
    return [of for other, of in by_flight.items() if takeoff(other) != takeoff(name)]


def _flown(one: Recording, known_NK: Array, model: Model) -> Scored:
    scores_T = np.full(len(one.values), np.nan)
    scores_T[_warm() :] = model(known_NK, _stood(one, ANSWERED)[_warm() :])
    scores_T[: _first(one)] = np.nan
    return _scored(one, scores_T)


def runs(recordings: Recordings, fit: Recordings, model: Model) -> Judged:
    """Runs of a plant: each is scored after its first 400 readings, which are learned from.

    ``auroc`` is the mean over runs. The level is one that ten stretches of the last hundred normal readings, scored by
    the three hundred before, say would be reached once in the rest of the run.
    """
    return _each_alone(recordings, lambda one: min(CALM, len(one.values) - 1), model, fit)


def series(recordings: Recordings, fit: Recordings, model: Model) -> Judged:
    """Long series: each is scored after its first 15 %, which are learned from, as NAB has it.

    ``auroc`` is the mean over series, of readings in labelled windows against others. The level is as that of runs.
    """
    return _each_alone(recordings, lambda one: int(PROBATION * len(one.values)), model, fit)


def rotors(recordings: Recordings, fit: Recordings, model: Model) -> Judged:
    """Flights of sound and of damaged rotors, a row a second in the air: each half of a sound flight is learned from
    to score the other half and the damaged ones.

    ``auroc`` is of damaged seconds against sound ones, the mean over both halves. The level is one that a sound second
    should reach once in as many as there are.
    """
    rows = {one.name: _seconds_in_the_air(one) for one in recordings}
    sound = [one for one in recordings if not one.is_wrong.any()]
    if not sound and not fit:
        raise ValueError("there is no flight with sound rotors, and none to learn from")
    halves = [[np.array_split(rows[one.name], 2)[half] for one in sound] for half in (0, 1)]
    given = [_seconds_in_the_air(one) for one in fit if not one.is_wrong.any()]
    folds = []
    for half in (0, 1):
        known_NK = _joined(given or halves[half], "rotors")
        folds.append({name: model(known_NK, of) for name, of in rows.items()})
    scored = []
    for one in recordings:
        first, second = folds[0][one.name], folds[1][one.name]
        middle = len(np.array_split(first, 2)[0])
        scores_T = first if one.is_wrong.any() else np.concatenate([second[:middle], first[middle:]])
        wrong_T = np.full(len(scores_T), one.is_wrong.any())
        scored.append(Scored(name=one.name, rate_hz=1.0, scores=scores_T, is_wrong=wrong_T))
    normal_T = np.concatenate([one.scores[~one.is_wrong] for one in scored])
    return Judged(scored, [_level(list(normal_T), len(normal_T))] * len(scored), pooled_auroc(scored))


def moves(recordings: Recordings, fit: Recordings, model: Model) -> Judged:
    """Short moves: five times, four fifths of those that went well are learned from, to score the rest and those that
    did not.

    A move is as strange as its readings are on average. ``auroc`` is the mean over problems and folds. The level is
    one that a good move should reach once in as many as there are.
    """
    by_problem: dict[str, list[Recording]] = {}
    for one in recordings:
        by_problem.setdefault(one.name.partition("/")[0], []).append(one)
    scored: list[Scored] = []
    levels: list[float] = []
    aurocs = []
    for problem, ours in by_problem.items():
        given = [one for one in fit if one.name.partition("/")[0] == problem and not one.is_wrong.any()]
        of_problem, auroc = _folded(ours, given, model)
        aurocs.append(auroc)
        well = [float(one.scores[0]) for one in of_problem if not one.is_wrong.any()]
        scored += of_problem
        levels += [_level(well, len(well))] * len(of_problem)
    return Judged(scored, levels, mean_known(aurocs))


def _folded(recordings: Recordings, fit: Recordings, model: Model) -> tuple[list[Scored], float]:
    """Return each move with one score, that of the fold that did not learn from it, and the mean AUROC of folds."""
    rows = [_stood(one) for one in recordings]
    well = [place for place, one in enumerate(recordings) if not one.is_wrong.any()]
    if len(well) < FOLDS and not fit:
        raise ValueError(f"{len(well)} moves went well, and {FOLDS} or more are needed to learn from")
    scores_FT = np.full((FOLDS, len(rows)), np.nan)
    for fold in range(FOLDS):
        held = {*well[fold::FOLDS]}
        known = [_stood(one) for one in fit] or [rows[place] for place in well if place not in held]
        asked = [place for place in range(len(rows)) if place in held or place not in well]
        scores_T = model(_joined(known, "moves"), np.concatenate([rows[place] for place in asked]))
        for place, of in zip(
            asked, np.split(scores_T, np.cumsum([len(rows[place]) for place in asked])[:-1]), strict=True
        ):
            scores_FT[fold, place] = of.mean()
    wrong_T = np.array([one.is_wrong.any() for one in recordings])
    by_fold = [Scored(name="", rate_hz=1.0, scores=scores_T, is_wrong=wrong_T) for scores_T in scores_FT]
    scored = [
        Scored(name=one.name, rate_hz=1.0, scores=np.nanmean(scores_FT[:, [place]], 0), is_wrong=wrong_T[[place]])
        for place, one in enumerate(recordings)
    ]
    return scored, mean_auroc(by_fold)


def _each_alone(recordings: Recordings, calm: Callable[[Recording], int], model: Model, fit: Recordings) -> Judged:
    given = [_stood(one)[~one.is_wrong] for one in fit]
    scored, levels = [], []
    for one in recordings:
        rows_TK, first, warm = _stood(one), calm(one), _warm()
        known_NK, before = rows_TK[warm:first], first - first // HELD_OUT
        scores_T = np.full(len(rows_TK), np.nan)
        scores_T[first:] = model(_joined([*given, known_NK], one.name), rows_TK[first:])
        held_T = model(_joined([*given, rows_TK[warm:before]], one.name), rows_TK[before:first])
        stretches = np.array_split(held_T, BLOCKS)
        scored.append(_scored(one, scores_T))
        levels.append(_level([_highest(part) for part in stretches], (len(rows_TK) - first) / len(stretches[0])))
    return Judged(scored, levels, mean_auroc(scored))


def _thinned(one: Recording) -> Recording:
    """Return the means of ``STEP`` readings, of which the last one tells whether something is wrong."""
    steps = len(one.values) // STEP
    parts = one.values[: steps * STEP].reshape(steps, STEP, -1)
    known = np.isfinite(parts)
    with np.errstate(invalid="ignore"):
        means = np.where(known, parts, 0).sum(1) / known.sum(1)
    return Recording(
        name=one.name,
        rate_hz=one.rate_hz / STEP,
        columns=one.columns,
        values=means,
        is_wrong=one.is_wrong[STEP - 1 : steps * STEP : STEP],
    )


def _stood(one: Recording, lengths: Sequence[int] = Scales().lengths) -> Array:
    """Return (T, K): where the numbers stand, reading by reading."""
    scales = Scales(lengths)
    return np.array([scales.see(reading_C) for reading_C in one.values])


def _seconds_in_the_air(one: Recording) -> Array:
    """Return (N, K): the features of each second in which rotors turn. Raise ValueError if there is none."""
    length = round(one.rate_hz)
    seconds = [one.values[start : start + length] for start in range(0, len(one.values) - length + 1, length)]
    rows = [motion_features(second) for second in seconds if np.nanmean(np.nanstd(second[:, :3], 0)) > FLYING]
    found = [row_K for row_K in rows if row_K is not None]
    if len(found) < 2:
        raise ValueError(f"{one.name}: there are not two seconds in which rotors turn")
    return np.array(found)


def _warm() -> int:
    """Return how many readings pass until all scales have seen enough."""
    return max(Scales().lengths)


def _first(one: Recording) -> int:
    return round(START_S * one.rate_hz)


def _onset(one: Recording) -> int:
    return int(one.is_wrong.argmax()) if one.is_wrong.any() else len(one.is_wrong)


def _scored(one: Recording, scores_T: Array) -> Scored:
    return Scored(name=one.name, rate_hz=one.rate_hz, scores=scores_T, is_wrong=one.is_wrong)


def _highest(scores_T: Array) -> float:
    heard = scores_T[np.isfinite(scores_T)]
    return float(heard.max()) if len(heard) else float("nan")


def _level(maxima: Sequence[float], stretches: float) -> float:
    """Return the level that one in ``stretches`` of such should reach; out of reach where nothing is known."""
    known = [one for one in maxima if np.isfinite(one)]
    return level_of(known, 1 / max(stretches, 2.0)) if known else inf


def _joined(rows: Sequence[Array], what: str) -> Array:
    """Return all rows. Raise ValueError if there are none."""
    joined_NK = np.concatenate(rows) if rows else np.zeros((0, 0))
    if not len(joined_NK):
        raise ValueError(f"{what}: there is nothing normal to learn from")
    return joined_NK
