"""Few-shot linear probe: what a handful of examples of each class teach about all the others.

N = examples, K = classes, D = dimension of the joint space.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from operators.evaluation.classification import top1
from pipeline.messages import Array

DRAWS = 20
"""Of examples, each with a seed of its own: with few of them it matters which."""

PENALTY = 0.01
"""On half the squared weights, of examples with variance 1."""


class Labelled(Struct, frozen=True, eq=False):
    """Things with a class and a group each: ``vectors`` (N, D), ``truth`` (N,) int64."""

    vectors: Array
    truth: Array
    groups: Sequence[str]


Learnable = Callable[[Labelled, Labelled, np.random.Generator], Array]
"""From what is known and what is tested to (N,) bool: what of the known examples may be drawn from."""


class Probed(Struct, frozen=True):
    """Top-1 over all draws, and the standard deviation from draw to draw; ``tested`` things in each, in the mean."""

    mean: float
    spread: float
    tested: float


class LinearProbe:
    """Multinomial logistic regression on frozen vectors, fitted by L-BFGS."""

    def __init__(self, vectors_ND: Array, truth_N: Array, classes: int, penalty: float = PENALTY) -> None:
        self._mean_D = vectors_ND.mean(0)
        self._scale = 1 / max(float((vectors_ND - self._mean_D).std()), 1e-9)
        x_ND, shape = self._seen(vectors_ND), (vectors_ND.shape[1] + 1, classes)
        truth_NK = truth_N[:, np.newaxis] == np.arange(classes)

        def loss(flat: Array) -> tuple[float, Array]:
            w_DK = flat.reshape(shape)
            logits_NK = x_ND @ w_DK
            error_NK = (softmax(logits_NK, axis=1) - truth_NK) / len(x_ND)
            kept_DK = np.vstack([w_DK[:-1], np.zeros(classes)])  # the last row is the bias, which is free
            value = -(log_softmax(logits_NK, axis=1) * truth_NK).sum() / len(x_ND) + penalty / 2 * (kept_DK**2).sum()
            return value, (x_ND.T @ error_NK + penalty * kept_DK).ravel()

        self._w_DK: Array = minimize(loss, np.zeros(np.prod(shape)), jac=True, method="L-BFGS-B").x.reshape(shape)

    def __call__(self, vectors_ND: Array) -> Array:
        """Return (N, K), the higher the more likely."""
        logits_NK: Array = self._seen(vectors_ND) @ self._w_DK
        return logits_NK

    def _seen(self, vectors_ND: Array) -> Array:
        x_ND = (vectors_ND.astype(np.float64) - self._mean_D) * self._scale
        return np.hstack([x_ND, np.ones((len(x_ND), 1))])


def half(known: Labelled, tested: Labelled, rng: np.random.Generator) -> Array:
    """Return (N,) bool: what examples may be drawn from, the better half of each class's groups at random.

    The rest is tested: no group is torn, so that nothing is tested that was recorded together with an example. A
    class of one group has nothing to be tested on.
    """
    kept = {name for own in _groups(known) for name in rng.permutation(own)[: (len(own) + 1) // 2]}
    return np.array([name in kept for name in known.groups], bool)


def all_but_one(known: Labelled, tested: Labelled, rng: np.random.Generator) -> Array:
    """Return (N,) bool: all but one group of each class, any of those that are to be tested.

    So few recordings are learned from as well as can be. A class of one group has nothing to be tested on.
    """
    named = {*tested.groups}
    some = [[name for name in own if name in named] for own in _groups(known) if len(own) > 1]
    held = {rng.choice(own) for own in some if own}
    return np.array([name not in held for name in known.groups], bool)


def _groups(known: Labelled) -> list[list[str]]:
    """Return the names of each class's groups, in their order; a group of several classes is of its first thing's."""
    first = dict(reversed(list(zip(known.groups, known.truth, strict=True))))
    return [
        [name for name in dict.fromkeys(known.groups) if first[name] == wanted] for wanted in np.unique(known.truth)
    ]


def apart(known: Labelled, may_learn_N: Array, tested: Labelled) -> Array:
    """Return (N,) bool: which of ``tested`` are of no group of ``known`` that may be learned from."""
    taken = {group for group, may_learn in zip(known.groups, may_learn_N, strict=True) if may_learn}
    return np.array([group not in taken for group in tested.groups], bool)


def draw(truth_N: Array, allowed_N: Array, shots: int, rng: np.random.Generator) -> Array:
    """Return the places of ``shots`` examples of each class that are allowed, or of all where there are fewer."""
    places = [rng.permutation(np.flatnonzero(allowed_N & (truth_N == wanted)))[:shots] for wanted in np.unique(truth_N)]
    return np.concatenate(places)


def probe(
    known: Labelled,
    tested: Labelled,
    shots: int,
    is_elsewhere: bool = False,
    learnable: Learnable = half,
    draws: int = DRAWS,
) -> Probed:
    """Return how well ``shots`` examples of each class, drawn from ``known``, tell ``tested``.

    Examples are drawn from what is ``learnable``, half the groups, and what is of none of these is tested; or where
    ``known`` was recorded elsewhere, from all of it, and all is tested. Raise ValueError where nothing is left to be
    tested, or there is one class only.
    """
    classes = int(max(known.truth.max(initial=0), tested.truth.max(initial=0))) + 1
    if len(np.unique(known.truth)) < 2:
        raise ValueError("a linear probe tells two classes apart, and there is one")
    results, counted = [], 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        may_learn_N = np.ones(len(known.truth), bool) if is_elsewhere else learnable(known, tested, rng)
        rest_N = np.ones(len(tested.truth), bool) if is_elsewhere else apart(known, may_learn_N, tested)
        if not rest_N.any():
            raise ValueError("every class is one recording: nothing is left to test a probe on")
        chosen = draw(known.truth, may_learn_N, shots, rng)
        fitted = LinearProbe(known.vectors[chosen], known.truth[chosen], classes)
        results.append(top1(fitted(tested.vectors[rest_N]), tested.truth[rest_N]))
        counted += int(rest_N.sum())
    return Probed(float(np.mean(results)), float(np.std(results)), counted / draws)
