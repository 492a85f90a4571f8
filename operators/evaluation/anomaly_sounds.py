"""Whether a sound is unlike those that are normal, by what ``SignalWatch`` hears.

N = stretches of sound, K = features.
"""

from collections.abc import Sequence

import numpy as np

from operators.evaluation.anomaly_models import usual
from operators.evaluation.classification import auroc
from operators.evaluation.outcome import Outcome, Table
from operators.sets.item import Item
from operators.signals.sound import STRETCH_S, read_sound, sound_features
from pipeline.messages import Array, Clip


def unlike_sounds(items: Sequence[Item], fit: Sequence[Item], normal: str) -> Outcome:
    """Score stretches of half a second by recordings labelled ``normal``: those of ``fit``, or all but their own.

    ``watch_auroc`` is of all stretches that are not normal against all that are; nothing where fewer than two
    recordings are normal. What cannot be read, or is shorter, is passed over.
    """
    rows = {item.name: of for item in items if len(of := _rows(item))}
    known = {item.name: of for item in fit if item.label == normal and len(of := _rows(item))}
    items = [item for item in items if item.name in rows]
    ours = {item.name: rows[item.name] for item in items if item.label == normal}
    if len(known or ours) < 2:
        return Outcome(figures={})
    scores: dict[str, Array] = {}
    for item in items:
        learned = known or {name: of for name, of in ours.items() if name != item.name}
        scores[item.name] = usual(np.concatenate([*learned.values()]), rows[item.name])
    is_odd = np.concatenate([np.full(len(scores[item.name]), item.label != normal) for item in items])
    figure = auroc(np.concatenate([*scores.values()]), is_odd)
    told = [(item.name, item.label, float(np.median(scores[item.name]))) for item in items]
    title = f"how unlike {normal} it sounds, by raw signals: 1 is usual"
    return Outcome(figures={"watch_auroc": figure}, tables=[Table(title, ("recording", "is", "median score"), told)])


def _rows(item: Item) -> Array:
    """Return (N, K), no row of what cannot be read: whoever embeds it says so."""
    try:
        clips = item.senses["audio"]()[:1]
    except (OSError, ValueError):
        return np.zeros((0, 0))
    return np.array([row_K for clip in clips for row_K in _stretches(clip)])


def _stretches(clip: Clip) -> list[Array]:
    (samples_T, _), rate_hz = read_sound(clip.samples), clip.calibration.sample_rate_hz
    length = round(STRETCH_S * rate_hz)
    parts = [samples_T[start : start + length] for start in range(0, len(samples_T) - length + 1, max(length, 1))]
    return [row_K for part in parts if (row_K := sound_features(part, rate_hz)) is not None]
