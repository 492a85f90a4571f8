"""How the sets of rooms, seen by depth cameras, are tested."""

from collections.abc import Sequence

import numpy as np

from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, together
from operators.evaluation.pair_retrieval import pair_retrieval
from operators.evaluation.zero_shot import Scored, classified, scored
from operators.sets import nyu_depth, sun_rgbd
from operators.sets.item import Item

TEMPLATES = ("a photo of a {}", "a depth image of a {}", "a {}")


def sun(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """The kind of room by its depth image alone, 19 classes by text; rooms of other kinds are left out.

    arXiv 2305.05665, section 4.1 and appendix A. Beside it retrieval from picture to depth, among all rooms.
    """
    wanted = [item for item in items if item.label in sun_rgbd.CLASSES]
    one = scored(embedder, wanted, "depth", {name: (name,) for name in sun_rgbd.CLASSES}, TEMPLATES)
    return together(pair_retrieval(embedder, items, "vision", "depth"), classified(one, "SUN RGB-D by text"))


def nyu(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """The kind of room by its depth image alone, 10 classes by text: nine, and "other".

    "Other" is the best of the names of 18 other rooms (arXiv 2305.05665, appendix A). Beside it retrieval from picture
    to depth, among all rooms.
    """
    names = (*nyu_depth.CLASSES, *nyu_depth.OTHERS)
    one = scored(embedder, items, "depth", {name: (name,) for name in names} | {"other": ("other",)}, TEMPLATES)
    return together(pair_retrieval(embedder, items, "vision", "depth"), classified(_others(one), "NYU Depth by text"))


def _others(one: Scored) -> Scored:
    """Return the same with one class for all other rooms, scored by the best of them."""
    kept = len(nyu_depth.CLASSES)
    best_N = one.scores[:, kept : kept + len(nyu_depth.OTHERS)].max(1)
    scores_NK = np.column_stack([one.scores[:, :kept], best_N])
    return Scored(one.embedded, [*nyu_depth.CLASSES, "other"], scores_NK, np.minimum(one.truth, kept))
