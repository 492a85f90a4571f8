"""How the sets of thermal crops are tested."""

from collections.abc import Sequence

import numpy as np

from operators.evaluation.classification import auroc
from operators.evaluation.embedder import Embedder
from operators.evaluation.few_shot import few_shot, whole
from operators.evaluation.outcome import Outcome, prefixed, together
from operators.evaluation.zero_shot import Scored, classified, only, scored
from operators.sets import llvip, thermal_uav_hituav
from operators.sets.item import Item

TEMPLATES = ("{}", "a thermal picture of {}", "{} seen from above")
PERSON_TEMPLATES = ("a photo of a {}", "a thermal picture of a {}", "a {}")


def hituav(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Persons, cars and places of the same sizes where nothing is, each with twice its size around it, by text.

    ``top1 map auroc`` are of the three classes. ``target_auroc`` tells persons and cars from background by the better
    of their scores less that of the background, ``target_top1`` is how often this is above 0; ``person_car_…`` tells
    the two apart. Linear probes never see the flight that they are tested on.
    """
    known = thermal_uav_hituav.SENTENCES
    wanted = [item for item in items if item.label in known]
    one = scored(embedder, wanted, "thermal", known, TEMPLATES)
    people = only(one, ("person", "car"))
    apart = (
        prefixed(classified(people, "person against car"), "person_car") if len(people.truth) else Outcome(figures={})
    )
    learned = [item for item in fit if item.label in known]
    from_fit = whole(embedder.embed(learned, "thermal", "to learn from")) if learned else None
    probed = few_shot(whole(one.embedded), fit=from_fit, title="persons, cars, background")
    return together(classified(one, "HIT-UAV by text"), Outcome(figures=_targets(one)), apart, probed)


def night_persons(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Persons, boxed, against places of the same size where nobody is, by text (arXiv 2305.05665, appendix A).

    ``top1 auroc`` are by the thermal camera alone; ``visible_…`` by the other camera, in the dark.
    """
    outcome = classified(scored(embedder, items, "thermal", llvip.SENTENCES, PERSON_TEMPLATES), "LLVIP by text")
    if not any("vision" in item.senses for item in items):
        return outcome
    seen = classified(scored(embedder, items, "vision", llvip.SENTENCES, PERSON_TEMPLATES), "visible by text")
    return together(outcome, prefixed(seen, "visible"))


def _targets(one: Scored) -> dict[str, float]:
    """Return how well things are told from nothing. Nothing where one of both is missing."""
    nothing = one.classes.index("background")
    things_N = np.delete(one.scores, nothing, axis=1).max(1) - one.scores[:, nothing]
    is_N = one.truth != nothing
    if is_N.all() or not is_N.any():
        return {}
    halves = (np.mean(things_N[is_N] > 0), np.mean(things_N[~is_N] < 0))
    return {"target_auroc": auroc(things_N, is_N), "target_top1": float(np.mean(halves))}
