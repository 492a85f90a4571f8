"""What a protocol found: figures with fixed names, rows and pictures for people."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pipeline.messages import Array

Row = Sequence[str | float | int]


class Table(Struct, frozen=True):
    """Rows of text or numbers under heads."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Row]


class Confusion(Struct, frozen=True, eq=False):
    """How many of each class, by row, were taken for which, by column: ``counts`` (K, K) int64."""

    title: str
    classes: Sequence[str]
    counts: Array


class Outcome(Struct, frozen=True, kw_only=True, eq=False):
    """``figures`` have fixed names; ``curves`` are recalls at 1, 2, … (K,) by name, ``bars`` a figure by
    class, ``learning`` the top-1 of a probe by its number of examples; ``trades`` (P, 3) are false alarms an hour,
    median delay in s and recall by rising level, by name."""

    figures: Mapping[str, float]
    tables: Sequence[Table] = ()
    confusions: Sequence[Confusion] = ()
    curves: Mapping[str, Array] = {}
    bars: Mapping[str, float] = {}
    learning: Mapping[str, Mapping[int, float]] = {}
    trades: Mapping[str, Array] = {}


def together(*outcomes: Outcome) -> Outcome:
    """Return several outcomes as one."""
    return Outcome(
        figures={name: value for one in outcomes for name, value in one.figures.items()},
        tables=[table for one in outcomes for table in one.tables],
        confusions=[confusion for one in outcomes for confusion in one.confusions],
        curves={name: curve for one in outcomes for name, curve in one.curves.items()},
        bars={name: value for one in outcomes for name, value in one.bars.items()},
        learning={name: shots for one in outcomes for name, shots in one.learning.items()},
        trades={name: of for one in outcomes for name, of in one.trades.items()},
    )


def prefixed(outcome: Outcome, name: str) -> Outcome:
    """Return the outcome with ``name`` and an underscore before its figures, and ``name`` before curves and bars.

    >>> dict(prefixed(Outcome(figures={"top1": 1.0}), "ir").figures)
    {'ir_top1': 1.0}
    """
    return replace(
        outcome,
        figures={f"{name}_{key}": value for key, value in outcome.figures.items()},
        curves={f"{name}: {key}": curve for key, curve in outcome.curves.items()},
        bars={f"{name}: {key}": value for key, value in outcome.bars.items()},
    )


def finite(figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures that are numbers: a class that never occurs has no score."""
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}
