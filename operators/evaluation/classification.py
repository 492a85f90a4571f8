"""Which class a vector is of, by sentences alone; and how to count that.

N = things, K = classes, D = dimension of the joint space.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from operators.space import mix
from pipeline.messages import Array


def class_vectors(
    embed: Callable[[Sequence[str]], Array], sentences: Mapping[str, Sequence[str]], templates: Sequence[str] = ("{}",)
) -> Array:
    """Return (K, D): of each class the unit mean over all its sentences in all ``templates``, as CLIP does it.

    ``embed`` gives a unit row per sentence. Raise ValueError for a class without a sentence.
    """
    if silent := [name for name, told in sentences.items() if not told]:
        raise ValueError(f"classes {', '.join(silent)} have no sentence")
    filled = [[template.format(told) for told in of_class for template in templates] for of_class in sentences.values()]
    vectors_ND = embed([sentence for of_class in filled for sentence in of_class])
    ends = np.cumsum([len(of_class) for of_class in filled])[:-1]
    return np.stack([mix(of_class) for of_class in np.split(vectors_ND, ends)])


def top1(scores_NK: Array, truth_N: Array) -> float:
    """Return the share of things whose own class scores above every other; a tie is a miss.

    >>> top1(np.array([[0.9, 0.1], [0.5, 0.5]]), np.array([0, 0]))
    0.5
    """
    own_N = scores_NK[np.arange(len(truth_N)), truth_N]
    return float(np.mean((scores_NK >= own_N[:, np.newaxis]).sum(1) == 1))


def average_precision(scores_N: Array, is_N: Array) -> float:
    """Return the mean precision at each thing that is of the class, best score first; ties count against us.

    NaN where nothing is of the class.

    >>> average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))
    0.8333333333333333
    """
    order = np.lexsort((is_N, -scores_N))  # of equal scores, those that are not come first
    hits_N = is_N[order]
    precision_N = np.cumsum(hits_N) / np.arange(1, len(hits_N) + 1)
    return float(precision_N[hits_N].mean()) if hits_N.any() else float("nan")


def mean_average_precision(scores_NK: Array, is_NK: Array) -> float:
    """Return the mean average precision over the classes that occur (AudioSet's mAP). Raise ValueError if none does."""
    precisions = [average_precision(scores, is_one) for scores, is_one in zip(scores_NK.T, is_NK.T, strict=True)]
    if np.isnan(precisions).all():
        raise ValueError("nothing is of any class that is asked for")
    return float(np.nanmean(precisions))


def auroc(scores_N: Array, is_N: Array) -> float:
    """Return how often a thing of the class scores above one that is not; a tie counts half. NaN without both.

    >>> auroc(np.array([0.9, 0.2, 0.4]), np.array([True, False, False]))
    1.0
    """
    of, others = int(is_N.sum()), int((~is_N).sum())
    if not of or not others:
        return float("nan")
    return float((rankdata(scores_N)[is_N].sum() - of * (of + 1) / 2) / (of * others))


def one_hot(truth_N: Array, classes: int) -> Array:
    """Return (N, K) bool."""
    marks: Array = truth_N[:, np.newaxis] == np.arange(classes)
    return marks


def confusion(scores_NK: Array, truth_N: Array) -> Array:
    """Return (K, K) int64: how many of each class, by row, were taken for which, by column."""
    counts_KK = np.zeros((scores_NK.shape[1],) * 2, np.int64)
    np.add.at(counts_KK, (truth_N, scores_NK.argmax(1)), 1)
    return counts_KK
