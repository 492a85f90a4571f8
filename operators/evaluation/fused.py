"""Senses together that were not recorded together: things that have nothing in common but their class.

P = pairs, M = senses of a pair, K = classes, D = dimension of the joint space.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from operators.evaluation.classification import top1
from operators.evaluation.few_shot import Examples
from operators.evaluation.probe import DRAWS, LinearProbe, all_but_one, apart
from operators.space import mix
from pipeline.messages import Array

Fuse = Callable[[Array], Array]
"""From (M, D), a unit row for each sense, to one unit vector (D,)."""

Pools = Mapping[str, Examples]
"""What there is of each sense."""


def common_classes(pools: Pools) -> list[str]:
    """Return the classes that every sense knows: were one absent in some, its absence would tell them."""
    return sorted(set.intersection(*(set(pool.labels) for pool in pools.values()))) if pools else []


def paired(
    pools: Pools,
    allowed: Mapping[str, Array],
    classes: Sequence[str],
    number: int,
    fuse: Fuse,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Return fused pairs (P, D) at random, and the places of their classes (P,).

    ``number`` pairs of each class; 0 for as many as the sense with most of it has, others then come again.
    ``allowed`` (N,) bool by sense says which examples may be taken; a class of which a sense has none has no pair.
    """
    fused, truth = [], []
    for place, name in enumerate(classes):
        shuffled = [rng.permutation(pool.places(name, allowed.get(modality))) for modality, pool in pools.items()]
        for pair in range((number or max(map(len, shuffled))) if all(map(len, shuffled)) else 0):
            rows = [
                pool.vectors[places[pair % len(places)]] for pool, places in zip(pools.values(), shuffled, strict=True)
            ]
            fused.append(fuse(np.stack(rows)))
            truth.append(place)
    return np.array(fused), np.array(truth, np.int64)


def by_text(pools: Pools, vectors: Mapping[str, Array], classes: Sequence[str], fuse: Fuse) -> float:
    """Return the top-1 of pairs against ``vectors``, (K, D) of each sense's own sentences; the mean of 20 draws."""
    classes_KD = np.stack([mix(np.stack([vectors[sense][k] for sense in pools])) for k in range(len(classes))])
    draws = (paired(pools, {}, classes, 0, fuse, np.random.default_rng(seed)) for seed in range(DRAWS))
    return float(np.mean([top1(fused_PD @ classes_KD.T, truth_P) for fused_PD, truth_P in draws]))


def by_examples(
    files: Pools, clips: Pools, classes: Sequence[str], shots: int, fuse: Fuse, draws: int = DRAWS
) -> float:
    """Return the top-1 of linear probes on pairs of ``files``, learned from ``shots`` pairs of ``clips`` of each class.

    In each of the draws one recording of each class in each sense is tested, and clips of all others are learned from;
    the mean of all draws. NaN if nothing is left to be tested.
    """
    found = [_probed(files, clips, classes, shots, fuse, np.random.default_rng(seed)) for seed in range(draws)]
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def _probed(
    files: Pools, clips: Pools, classes: Sequence[str], shots: int, fuse: Fuse, rng: np.random.Generator
) -> float:
    may_learn: dict[str, Array] = {}
    rest: dict[str, Array] = {}
    for sense, pool in clips.items():
        known, tested = (each.labelled(sorted(set(pool.labels))) for each in (pool, files[sense]))
        may_learn[sense] = all_but_one(known, tested, rng)
        rest[sense] = apart(known, may_learn[sense], tested)
    learned_PD, learned_P = paired(clips, may_learn, classes, shots, fuse, rng)
    tested_PD, tested_P = paired(files, rest, classes, 0, fuse, rng)
    if not len(tested_P) or len(np.unique(learned_P)) < 2:
        return float("nan")
    return top1(LinearProbe(learned_PD, learned_P, len(classes))(tested_PD), tested_P)
