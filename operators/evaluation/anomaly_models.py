"""What learns from normal rows and scores others: ours, and what others use. T = rows, K = features.

``river`` and ``pyod`` come with ``pip install rigbind[bench]``.
"""

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np

from operators.signals.usual import Usual
from pipeline.messages import Array

Model = Callable[[Array, Array], Array]
"""Takes (N, K) normal rows and (T, K) others, in order; returns (T,) scores, higher where rows are stranger."""

BENCH = "not installed: pip install rigbind[bench]"

MEMORY = 2048
"""Rows of a recording are many more than windows of a line."""


NEIGHBOURS, FEW = 10, 4
"""Those that are asked, and at most one row in so many."""


HIGH = 0.75
"""The quantile of a recording's scores that is high for it: not a rare one, of which there are too few in 20 s."""


def usual(known_NK: Array, rows_TK: Array) -> Array:
    """Our own, as ``SignalWatch`` uses it; of few rows it asks fewer neighbours."""
    memory = Usual(MEMORY, min(NEIGHBOURS, max(1, len(known_NK) // FEW)))
    for row_K in known_NK:
        memory.learn(row_K)
    scores = [memory.score(row_K) for row_K in rows_TK]
    return np.array([np.nan if score is None else score for score in scores])


def beside_its_past(model: Model, lag: int) -> Model:
    """Return ``model`` with each score as a multiple of what is high for the same recording: the upper quartile of its
    scores until ``lag`` rows before, so that what is suspect now is not taken for its measure. NaN before that.

    A recording that is odd from its beginning is no more so than it was, as in a line, which is calibrated on its rig.
    """

    def scored(known_NK: Array, rows_TK: Array) -> Array:
        scores_T = model(known_NK, rows_TK)
        high = [np.quantile(scores_T[: row - lag + 1], HIGH) for row in range(lag, len(scores_T))]
        return np.concatenate([np.full(min(lag, len(scores_T)), np.nan), scores_T[lag:] / high])

    return scored


def largest_z(known_NK: Array, rows_TK: Array) -> Array:
    """The largest number of standard deviations from the mean."""
    deviation_K = known_NK.std(0)
    apart_TK = np.abs(rows_TK - known_NK.mean(0)) / np.where(deviation_K > 0, deviation_K, np.inf)
    largest: Array = apart_TK.max(1)
    return largest


def ecod(known_NK: Array, rows_TK: Array) -> Array:
    """PyOD's ECOD (Li et al. 2022), as it comes."""
    from pyod.models.ecod import ECOD

    with warnings.catch_warnings(action="ignore"):  # that features which never change have no skewness
        scores: Array = ECOD().fit(known_NK).decision_function(rows_TK)
    return scores


def isolation_forest(known_NK: Array, rows_TK: Array) -> Array:
    """PyOD's IForest (Liu et al. 2008), as it comes."""
    from pyod.models.iforest import IForest

    scores: Array = IForest(random_state=0).fit(known_NK).decision_function(rows_TK)
    return scores


def half_space_trees(known_NK: Array, rows_TK: Array) -> Array:
    """River's HalfSpaceTrees (Tan et al. 2011) after its MinMaxScaler, as its documentation has them.

    It learns from normal rows only, as all here do. Where these are fewer than its window, the window is as many.
    """
    from river.anomaly import HalfSpaceTrees
    from river.preprocessing import MinMaxScaler

    scaler, trees = MinMaxScaler(), HalfSpaceTrees(window_size=min(250, len(known_NK)), seed=0)
    for row_K in known_NK:
        row = dict(enumerate(row_K.tolist()))
        scaler.learn_one(row)
        trees.learn_one(scaler.transform_one(row))
    return np.array([trees.score_one(scaler.transform_one(dict(enumerate(row_K.tolist())))) for row_K in rows_TK])


def baselines() -> tuple[Mapping[str, Model], tuple[str, ...]]:
    """Return what others use, by name, and the packages that are missing for it."""
    found: dict[str, Model] = {"z": largest_z}
    missing = tuple(name for name in ("river", "pyod") if find_spec(name) is None)
    if "river" not in missing:
        found["half_space_trees"] = half_space_trees
    if "pyod" not in missing:
        found |= {"ecod": ecod, "isolation_forest": isolation_forest}
    return found, missing
