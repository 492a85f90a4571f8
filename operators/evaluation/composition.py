"""Embedding arithmetic: what is found by one thing and another one together (arXiv 2305.05665, section 4.2).

Q = queries, D = dimension of the joint space.
"""

import numpy as np

from operators.evaluation.retrieval import CUTS, pair_ranks, recalls
from operators.space import mix
from pipeline.messages import Array


def composed(one_QD: Array, other_QD: Array, weight: float = 0.5) -> Array:
    """Return (Q, D) float32 with unit rows: ``weight`` of the one and the rest of the other.

    >>> print(composed(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.5).round(3))
    [[0.707 0.707]]
    """
    return np.stack([mix(np.stack(pair), (weight, 1 - weight)) for pair in zip(one_QD, other_QD, strict=True)])


def composition(one_QD: Array, other_QD: Array, gallery_QD: Array, weight: float = 0.5) -> dict[str, float]:
    """Return the recalls by both together, ``r1 r5 r10``, and by each alone, ``one_r1 …`` and ``other_r1 …``."""
    queries = {"": composed(one_QD, other_QD, weight), "one_": one_QD, "other_": other_QD}
    return {
        name: value
        for prefix, of_QD in queries.items()
        for name, value in recalls(pair_ranks(of_QD, gallery_QD), prefix, CUTS).items()
    }
