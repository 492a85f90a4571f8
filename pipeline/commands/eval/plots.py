"""What an evaluation found, as one picture: bars by class, recall curves, delays against false alarms, confusions."""

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from operators.evaluation.outcome import Confusion, Outcome
from pipeline.messages import Array

PANEL = (5.0, 4.2)
"""Inches of 100 dots."""

COLUMNS = 3

POINTS = 180
"""Of names above each other, which are not to overlap."""

MOST_CLASSES = 30
"""Of more classes, neither bars nor confusions can be read."""


def draw(outcome: Outcome, title: str, path: Path) -> None:
    """Write a PNG. Raise ValueError if there is nothing that could be drawn."""
    confusions = [one for one in outcome.confusions if len(one.classes) <= MOST_CLASSES]
    number = bool(_bars(outcome)) + bool(outcome.curves) + bool(outcome.learning) + len(confusions)
    number += 2 * bool(outcome.trades)
    if not number:
        raise ValueError(f"--plot {path}: this protocol has nothing to draw")
    columns, rows = min(number, COLUMNS), -(-number // COLUMNS)
    figure = Figure((PANEL[0] * columns, PANEL[1] * rows), dpi=100, layout="constrained")
    panels = iter(np.atleast_1d(figure.subplots(rows, columns)).ravel().tolist())
    if bars := _bars(outcome):
        _draw_bars(next(panels), bars)
    if outcome.curves:
        _draw_curves(next(panels), outcome.curves)
    if outcome.learning:
        _draw_learning(next(panels), outcome.learning)
    if outcome.trades:
        _draw_trades(next(panels), outcome.trades, 1, "median delay of what is found, s")
        _draw_trades(next(panels), outcome.trades, 2, "share that is found")
    for confusion in confusions:
        _draw_confusion(next(panels), confusion)
    for rest in panels:
        rest.set_axis_off()
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(action="ignore"):  # that a letter is not in the font, and is drawn as a box
        figure.savefig(path, format="png")


def _bars(outcome: Outcome) -> Mapping[str, float]:
    return outcome.bars if len(outcome.bars) <= MOST_CLASSES else {}


def _draw_bars(axes: Axes, bars: Mapping[str, float]) -> None:
    axes.barh(list(bars), list(bars.values()))
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=min(10.0, POINTS / len(bars)))
    axes.set(xlim=(0, 1), xlabel="share that is right", title="by class")


def _draw_curves(axes: Axes, curves: Mapping[str, Array]) -> None:
    for name, curve in curves.items():
        axes.plot(np.arange(1, len(curve) + 1), curve, label=name)
    axes.set(xlabel="K", ylabel="R@K", ylim=(0, 1), title="recall")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _draw_learning(axes: Axes, learning: Mapping[str, Mapping[int, float]]) -> None:
    for name, of in learning.items():
        axes.plot(list(of), list(of.values()), marker="o", label=name)
    axes.set(xlabel="examples a class", ylabel="top-1", ylim=(0, 1), title="linear probe")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _draw_trades(axes: Axes, trades: Mapping[str, Array], column: int, label: str) -> None:
    for name, trade in trades.items():
        axes.plot(trade[:, 0], trade[:, column], label=name, linewidth=2.5 if name == next(iter(trades)) else 1)
    axes.set(xlabel="false alarms an hour", ylabel=label, xscale="symlog", title="by level")
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False, fontsize=8)


def _draw_confusion(axes: Axes, confusion: Confusion) -> None:
    share_KK = confusion.counts / np.maximum(confusion.counts.sum(1, keepdims=True), 1)
    axes.imshow(share_KK, vmin=0, vmax=1, cmap="Blues")
    places = range(len(confusion.classes))
    axes.set_xticks(places, confusion.classes, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(places, confusion.classes, fontsize=7)
    if len(confusion.classes) <= COLUMNS * 5:
        for (row, column), count in np.ndenumerate(confusion.counts):
            colour = "white" if share_KK[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel="taken for", ylabel="is", title=confusion.title)
