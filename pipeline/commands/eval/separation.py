"""How well windows of simulated worlds in which something happens are told from calm ones, by all senses and by each.

T = windows of a world that are judged.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from operators.evaluation.anomaly import Scored, trade
from operators.evaluation.classification import auroc
from operators.evaluation.outcome import Outcome
from pipeline.commands.eval.incidents import Incidents
from pipeline.commands.matching import AFTER
from pipeline.messages import NS, Array, Window

ALL = "all senses"

QUIET_S = 1.5
"""Alarms so close together are one event: an event closes after three windows of half a second."""

Strange = Mapping[str, float]


def separation(worlds: Sequence[Incidents]) -> Outcome:
    """Return ``fused_auroc``, by all senses together; ``best_single_auroc``, by the one topic that tells best, without
    what it has to say of others; what is gained; and the trades of false alarms for recall and delay."""
    names = [name for world in worlds for strange in world.strange for name in strange if name.startswith("/")]
    judges: dict[str, Callable[[Strange], float]] = {ALL: lambda strange: strange.get("anomaly", 0.0)}
    judges |= {topic: _own(topic) for topic in sorted({name.partition(" ")[0] for name in names})}
    scored = {name: [_scored(world, judge) for world in worlds] for name, judge in judges.items()}
    aurocs = {name: _auroc(of) for name, of in scored.items()}
    fused, best = aurocs.pop(ALL), max(aurocs.values(), default=float("nan"))
    return Outcome(
        figures={"fused_auroc": fused, "best_single_auroc": best, "fused_gain": fused - best},
        trades={name: trade(of, quiet_s=QUIET_S) for name, of in scored.items() if _has_both(of)},
    )


def _own(topic: str) -> Callable[[Strange], float]:
    """Return what says how strange a window is by what ``topic`` tells by itself."""

    def judge(strange: Strange) -> float:
        own = [v for name, v in strange.items() if name.partition(" ")[0] == topic and not name.endswith("disagrees")]
        return max(own, default=0.0)

    return judge


def _scored(world: Incidents, judge: Callable[[Strange], float]) -> Scored:
    """Return the windows of a world; what still holds something of what is over is not asked."""
    is_odd_T = np.array([_is_odd(world, window) for window in world.windows], bool)
    is_over_T = np.array([_is_over(world, window) for window in world.windows], bool)
    scores_T = np.array([judge(strange) for strange in world.strange], float)
    scores_T[is_over_T & ~is_odd_T] = np.nan
    return Scored(name="world", rate_hz=_rate_hz(world.windows), scores=scores_T, is_wrong=is_odd_T)


def _is_odd(world: Incidents, window: Window) -> bool:
    return any(window.start < it.end and window.end > it.start for it in world.happened)


def _is_over(world: Incidents, window: Window) -> bool:
    ends = [world.lively, *(it.end for it in world.happened)]
    is_cut = window.start < world.lively < window.end
    return is_cut or any(end <= window.start < end + AFTER for end in ends)


def _rate_hz(windows: Sequence[Window]) -> float:
    strides = np.diff([window.end for window in windows])
    return NS / float(np.median(strides)) if len(strides) else 1.0


def _auroc(scored: Sequence[Scored]) -> float:
    scores_T, is_wrong_T = _asked(scored)
    return auroc(scores_T, is_wrong_T) if _has_both(scored) else float("nan")


def _has_both(scored: Sequence[Scored]) -> bool:
    _, is_wrong_T = _asked(scored)
    return bool(is_wrong_T.any() and not is_wrong_T.all())


def _asked(scored: Sequence[Scored]) -> tuple[Array, Array]:
    scores_T = np.concatenate([one.scores for one in scored])
    is_wrong_T = np.concatenate([one.is_wrong for one in scored])
    heard_T = np.isfinite(scores_T)
    return scores_T[heard_T], is_wrong_T[heard_T]
