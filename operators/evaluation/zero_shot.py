"""Zero-shot classes: no example was seen, sentences say what each class is.

N = items, K = classes, D = dimension of the joint space.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from operators.evaluation.classification import (
    auroc,
    average_precision,
    class_vectors,
    confusion,
    mean_average_precision,
    one_hot,
    top1,
)
from operators.evaluation.embedder import Embedded, Embedder
from operators.evaluation.outcome import Confusion, Outcome, Table, finite
from operators.sets.item import Item
from pipeline.messages import Array

LISTED = 30
"""Of many classes, so many are shown: those that are known best."""

Sentences = Mapping[str, Sequence[str]]
"""What each class is called, by its name in the set."""


class Scored(Struct, frozen=True, eq=False):
    """Items and their cosine to every class: ``scores`` (N, K); ``truth`` (N,) is the place of each
    one's class."""

    embedded: Embedded
    classes: list[str]
    scores: Array
    truth: Array


def scored(
    embedder: Embedder,
    items: Iterable[Item],
    modality: str,
    sentences: Sentences,
    templates: Sequence[str] = ("{}",),
    what: str = "",
) -> Scored:
    """Return the items of ``modality`` with a label, scored against ``sentences``.

    A label that has no sentence is its own. Raise ValueError if there is nothing to score.
    """
    labelled = [item for item in items if item.label and modality in item.senses]
    known = dict(sentences) | {item.label: [item.label] for item in labelled if item.label not in sentences}
    embedded = embedder.embed(labelled, modality, what)
    classes_KD = class_vectors(embedder.sentences, known, templates)
    classes = list(known)
    truth_N = np.array([classes.index(item.label) for item in embedded.items])
    return Scored(embedded, classes, embedded.means @ classes_KD.T, truth_N)


def only(one: Scored, classes: Sequence[str]) -> Scored:
    """Return the items of these classes alone, scored against nothing else."""
    keep = [one.classes.index(name) for name in classes]
    rows = np.flatnonzero(np.isin(one.truth, keep))
    embedded = Embedded([one.embedded.items[row] for row in rows], [one.embedded.clips[row] for row in rows])
    truth_N = np.array([keep.index(place) for place in one.truth[rows]], np.int64)
    return Scored(embedded, list(classes), one.scores[rows][:, keep], truth_N)


def classified(one: Scored, title: str) -> Outcome:
    """Return ``top1 map auroc``, those of guessing, and each class's own.

    ``chance`` is one over the number of classes, ``majority`` what always saying the commonest class gets. Of two
    classes ``auroc`` is that of the difference of their scores; of more, the mean of each against all others.
    """
    is_NK, counts_K = one_hot(one.truth, len(one.classes)), np.bincount(one.truth, minlength=len(one.classes))
    figures = {
        "top1": top1(one.scores, one.truth),
        "map": mean_average_precision(one.scores, is_NK),
        "auroc": _auroc(one.scores, is_NK),
        "chance": 1 / len(one.classes),
        "majority": float(counts_K.max() / counts_K.sum()),
        "n": float(len(one.truth)),
    }
    counts_KK = confusion(one.scores, one.truth)
    heads = ("class", "n", "right", "average precision", "AUROC")
    rows = [
        (name, int(counts_K[k]), counts_KK[k, k] / counts_K[k], *_of_class(one.scores[:, k], is_NK[:, k]))
        for k, name in enumerate(one.classes)
        if counts_K[k]
    ]
    return Outcome(
        figures=finite(figures),
        tables=[Table(title, heads, rows)],
        confusions=[Confusion(title, one.classes, counts_KK)],
        bars={name: float(right) for name, _, right, *_ in rows},
    )


def multi_label(
    embedder: Embedder, items: Iterable[Item], modality: str, templates: Sequence[str], title: str
) -> Outcome:
    """Return ``map`` and the mean ``auroc`` where a thing is of several classes, those that its captions name.

    ``chance_map`` is the mean share of things that are of a class, which is what any order gets.
    """
    embedded = embedder.embed((item for item in items if item.captions), modality)
    classes = sorted({caption for item in embedded.items for caption in item.captions})
    classes_KD = class_vectors(embedder.sentences, {name: (name.lower(),) for name in classes}, templates)
    scores_NK = embedded.means @ classes_KD.T
    is_NK = np.array([[name in item.captions for name in classes] for item in embedded.items])
    figures = {
        "map": mean_average_precision(scores_NK, is_NK),
        "auroc": _auroc(scores_NK, is_NK),
        "chance_map": float(is_NK.mean()),
        "n": float(len(is_NK)),
    }
    rows = [(name, int(is_NK[:, k].sum()), *_of_class(scores_NK[:, k], is_NK[:, k])) for k, name in enumerate(classes)]
    heads = ("class", "n", "average precision", "AUROC")
    return Outcome(
        figures=finite(figures),
        tables=[Table(title, heads, sorted(rows, key=lambda row: -row[2])[:LISTED])],
        bars={name: float(precision) for name, _, precision, _ in rows},
    )


def _of_class(scores_N: Array, is_N: Array) -> tuple[float, float]:
    return average_precision(scores_N, is_N), auroc(scores_N, is_N)


def _auroc(scores_NK: Array, is_NK: Array) -> float:
    if scores_NK.shape[1] == 2 and (is_NK.sum(1) == 1).all():
        return auroc(scores_NK[:, 0] - scores_NK[:, 1], is_NK[:, 0])
    of_classes = [auroc(scores, is_one) for scores, is_one in zip(scores_NK.T, is_NK.T, strict=True)]
    return float(np.nanmean(of_classes)) if np.isfinite(of_classes).any() else float("nan")
