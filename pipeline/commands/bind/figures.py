"""What a binding is judged by: whether a reading finds what its anchor says of it among all that is held out.

N = pairs, D = dimension of the joint space.
"""

import numpy as np

from operators.binding.loss import SAME
from operators.evaluation.retrieval import ranks, recalls
from pipeline.messages import Array


def found_again(vectors_ND: Array, anchors_ND: Array) -> dict[str, float]:
    """Return the figures ``r1 r5 r10``, from the sense to its anchor, and ``back_r1 …``.

    All that has the same anchor belongs, as things of one label do.

    >>> found_again(np.eye(3), np.eye(3)[[0, 0, 2]])["r1"]
    0.6666666666666666
    """
    belongs = anchors_ND @ anchors_ND.T > SAME
    scores = vectors_ND @ anchors_ND.T
    return recalls(ranks(scores, belongs)) | recalls(ranks(scores.T, belongs), "back_")


def chance(anchors_ND: Array) -> float:
    """Return the R@1 of guessing: the mean share of what belongs.

    >>> chance(np.eye(4))
    0.25
    """
    return float(np.mean(anchors_ND @ anchors_ND.T > SAME))
