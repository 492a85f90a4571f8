"""Finding what belongs to a thing among many.

Q = queries, M = things in the gallery, D = dimension of the joint space, K = how many of the best are looked at.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.messages import Array

CUTS = (1, 5, 10)
"""R@1, R@5 and R@10 are what everybody tells."""


def ranks(scores_QM: Array, truth_QM: Array) -> Array:
    """Return (Q,) int64: how many of the gallery stand before the best of what belongs to a query; 0 is found first.

    What scores the same and does not belong stands before. ``truth_QM`` says what belongs. Raise ValueError for a
    query to which nothing does.

    >>> ranks(np.array([[0.9, 0.5], [0.3, 0.3]]), np.eye(2, dtype=bool))
    array([0, 1])
    """
    if not truth_QM.any(1).all():
        raise ValueError("nothing in the gallery belongs to some query")
    best_Q = np.where(truth_QM, scores_QM, -np.inf).max(1)
    before: Array = ((scores_QM >= best_Q[:, np.newaxis]) & ~truth_QM).sum(1)
    return before


def pair_ranks(queries_QD: Array, gallery_QD: Array) -> Array:
    """Return the ranks where each query belongs to the thing in the same row."""
    return ranks(queries_QD @ gallery_QD.T, np.eye(len(queries_QD), dtype=bool))


def recall(ranks_Q: Array, cut: int) -> float:
    """Return the share of queries that were found among the best ``cut``."""
    return float(np.mean(ranks_Q < cut))


def recalls(ranks_Q: Array, prefix: str = "", cuts: Sequence[int] = CUTS) -> dict[str, float]:
    """Return the figures ``r1 r5 r10``, perhaps as ``baseline_r1 …``.

    >>> recalls(np.array([0, 7]), "back_")
    {'back_r1': 0.5, 'back_r5': 0.5, 'back_r10': 1.0}
    """
    return {f"{prefix}r{cut}": recall(ranks_Q, cut) for cut in cuts}


def curve(ranks_Q: Array, number: int) -> Array:
    """Return (K,) float64: the recall at 1, 2, … up to ``number``."""
    return np.array([recall(ranks_Q, cut) for cut in range(1, number + 1)])


def centred(vectors_ND: Array) -> Array:
    """Return (N, D) float32 with unit rows: each without what all have in common.

    Two towers that were never bound put all they see into two corners of the space; this takes the corners away.
    A vector that is the mean itself stays zero.
    """
    rest_ND = vectors_ND - vectors_ND.mean(0)
    length_N = np.linalg.norm(rest_ND, axis=1, keepdims=True)
    unit_ND: Array = (rest_ND / np.maximum(length_N, 1e-9)).astype(np.float32)
    return unit_ND
