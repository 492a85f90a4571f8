"""How a binding went, as one picture: loss, recall and rate by epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from operators.binding.trainer import Progress

PANEL = (4.2, 3.2)
"""Inches of 100 dots."""


def draw(history: Sequence[Progress], before: float, chance: float, title: str, path: Path) -> None:
    """Write a PNG; ``before`` is the recall of what is held out before anything was learned, ``chance`` by guessing."""
    figure = Figure((3 * PANEL[0], PANEL[1]), dpi=100, layout="constrained")
    loss, recall, rate = np.atleast_1d(figure.subplots(1, 3))
    each = max(1, history[-1].steps // max(history[-1].epoch, 1)) if history else 1
    epochs = [progress.step / each for progress in history]
    loss.plot(epochs, [progress.loss for progress in history], linewidth=1)
    rate.plot(epochs, [progress.rate for progress in history], linewidth=1)
    ends = [progress for progress in history if progress.recall is not None]
    recall.plot([0, *(progress.step / each for progress in ends)], [before, *(end.recall for end in ends)], marker=".")
    recall.axhline(chance, color="grey", linestyle=":", label="chance")
    recall.legend(frameon=False, fontsize=8)
    _label(loss, "loss")
    _label(recall, "R@1 of what is held out")
    _label(rate, "rate")
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def _label(axes: Axes, title: str) -> None:
    axes.set(title=title, xlabel="epoch")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
