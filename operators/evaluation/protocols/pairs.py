"""How the sets of pairs, a camera beside another sensor, are tested."""

from collections.abc import Sequence

from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome
from operators.evaluation.pair_retrieval import pair_retrieval
from operators.sets.item import Item


def thermal_pairs(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Every picture looks for the thermal picture of its scene among those of all scenes; nothing is learned."""
    return pair_retrieval(embedder, items, "vision", "thermal")


def depth_pairs(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Every picture looks for the depth image of its window among those of all windows; nothing is learned."""
    return pair_retrieval(embedder, items, "vision", "depth")
