"""Few-shot classes: a linear probe on frozen vectors, from 1 to 8 examples of each (arXiv 2305.05665, figure 3).

N = examples, D = dimension of the joint space.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from operators.evaluation.embedder import Embedded
from operators.evaluation.outcome import Outcome, Table
from operators.evaluation.probe import DRAWS, Labelled, Learnable, Probed, half, probe
from pipeline.messages import Array

SHOTS = (1, 2, 4, 5, 8)


class Examples(Struct, frozen=True, eq=False):
    """Vectors (N, D) with a label and a group each."""

    vectors: Array
    labels: list[str]
    groups: list[str]

    def labelled(self, classes: Sequence[str]) -> Labelled:
        """Return them with the place of each one's class."""
        return Labelled(self.vectors, np.array([classes.index(label) for label in self.labels], np.int64), self.groups)

    def places(self, label: str, allowed_N: Array | None = None) -> Array:
        """Return the places (int64) of the examples of ``label``, of those alone that are allowed."""
        is_one_N = np.array(self.labels) == label
        return np.flatnonzero(is_one_N if allowed_N is None else is_one_N & allowed_N)


def pooled(pools: Sequence[Examples]) -> Examples:
    """Return the examples of several pools as those of one."""
    return Examples(
        np.concatenate([pool.vectors for pool in pools]),
        [label for pool in pools for label in pool.labels],
        [group for pool in pools for group in pool.groups],
    )


def whole(embedded: Embedded) -> Examples:
    """Return every item as one example."""
    return _examples(embedded, embedded.means, [1] * len(embedded.items))


def clips(embedded: Embedded) -> Examples:
    """Return every clip of every item as an example, in the group of its item."""
    return _examples(embedded, np.concatenate(embedded.clips), [len(vectors) for vectors in embedded.clips])


def _examples(embedded: Embedded, vectors_ND: Array, times: Sequence[int]) -> Examples:
    repeated = [item for item, n in zip(embedded.items, times, strict=True) for _ in range(n)]
    return Examples(vectors_ND, [item.label for item in repeated], [item.group or item.name for item in repeated])


def few_shot(
    tested: Examples,
    known: Examples | None = None,
    fit: Examples | None = None,
    title: str = "",
    shots: Sequence[int] = SHOTS,
    learnable: Learnable = half,
    draws: int = DRAWS,
) -> Outcome:
    """Return ``shot1_top1 shot1_spread …``: the mean over all draws, and the deviation from draw to draw.

    Examples are drawn from ``fit``, and all of ``tested`` is; without it they are drawn from what is ``learnable`` of
    ``known``, half the groups of each class, which is ``tested`` where it is not given, and the rest is tested. A class
    with fewer examples than asked for gives what it has. Where no probe can be tested, as there is one class or one
    group of each, there are no figures.
    """
    source = fit or known or tested
    names = sorted({*tested.labels, *source.labels})
    known_N, tested_N, is_elsewhere = source.labelled(names), tested.labelled(names), fit is not None
    results = _tried(lambda number: probe(known_N, tested_N, number, is_elsewhere, learnable, draws), shots)
    figures = {f"shot{number}_top1": result.mean for number, result in results.items()}
    figures |= {f"shot{number}_spread": result.spread for number, result in results.items()}
    rows = [(number, result.mean, result.spread, round(result.tested)) for number, result in results.items()]
    tables = [Table(f"{title}: linear probe", ("examples a class", "top-1", "±", "tested"), rows)] if rows else []
    learning = {title: {number: result.mean for number, result in results.items()}} if rows else {}
    return Outcome(figures=figures, tables=tables, learning=learning)


def _tried(of: Callable[[int], Probed], shots: Sequence[int]) -> dict[int, Probed]:
    try:
        return {number: of(number) for number in shots}
    except ValueError:
        return {}
