"""How the sets of motion are tested."""

from collections.abc import Sequence

import numpy as np

from operators.evaluation.embedder import Embedded, Embedder
from operators.evaluation.few_shot import few_shot, whole
from operators.evaluation.outcome import Outcome, prefixed, together
from operators.evaluation.zero_shot import classified, scored
from operators.sets.item import Item
from pipeline.messages import Array

SHOTS_TOLD = 5

SCENARIO_TEMPLATES = ("{}", "a person doing this: {}", "the motion of somebody's head: {}")


def terrain(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """The ground under a robot from windows of 5 s: linear probes; ``top1`` is that of 5 examples a class.

    Examples and tested windows are never from the same ten seconds, yet may be of the same run, where there is one
    run a terrain. ``baseline_shot5_top1`` is a probe on the mean and the deviation of each axis, ``majority`` what
    saying the commonest terrain gets.
    """
    embedded = embedder.embed(items, "imu")
    learned = embedder.embed(fit, "imu", "to learn from") if fit else None
    probed = few_shot(whole(embedded), fit=whole(learned) if learned else None, title="terrain")
    plain = few_shot(
        whole(_plain(embedded, embedded)),
        fit=whole(_plain(learned, embedded)) if learned else None,
        title="mean and deviation of each axis",
    )
    labels = [item.label for item in embedded.items]
    figures = {"n": float(len(labels)), "majority": max(map(labels.count, labels)) / len(labels)}
    if f"shot{SHOTS_TOLD}_top1" in probed.figures:
        figures["top1"] = probed.figures[f"shot{SHOTS_TOLD}_top1"]
    return together(Outcome(figures=figures), probed, prefixed(plain, "baseline"))


def scenarios(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """What somebody does, from the five seconds of their IMU around each narration, by the scenario's name.

    Classes are the first scenario of every film that has an IMU (arXiv 2305.05665, appendix A, counts 108).
    """
    return classified(scored(embedder, items, "imu", {}, SCENARIO_TEMPLATES), "Ego4D by text")


def _plain(embedded: Embedded, usual: Embedded) -> Embedded:
    """Return the same items with twelve numbers that need no model, of variance 1 over ``usual``."""
    rows, scale = np.stack([_moments(item) for item in embedded.items]), [_moments(item) for item in usual.items]
    rows = (rows - np.mean(scale, 0)) / np.maximum(np.std(scale, 0), 1e-9)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return Embedded(embedded.items, list(rows[:, np.newaxis]))


def _moments(item: Item) -> Array:
    readings_TA = np.stack([sample.data for clip in item.senses["imu"]() for sample in clip.samples])
    return np.concatenate([np.nanmean(readings_TA, 0), np.nanstd(readings_TA, 0)])
