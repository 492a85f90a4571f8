"""One sense against the others: how far it is from what they let expect.

T = topics of a set, R = dimension of a sketch, C = T R.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from operators.keeping import packed, unpacked
from operators.memory import sketch
from operators.moments import Moments
from operators.novelty import is_direction
from operators.spread import shrunk, whitening, with_floor
from operators.turns import next_fit
from pipeline.messages import Array, Observation

SKETCH = 32
"""R: what senses have in common has few dimensions, and what is learned of pairs grows with the square of it."""

MAX_SETS = 8
"""Of topics that are whole together; the one unused for longest goes first."""

HALF_LIFE = 2000
"""Windows after which one counts half."""

REFIT, TURN = 32, 16
"""Windows between fits, and where among as many: half-way between those of ``Spread``, so that none has both."""


class Disagreement:
    """A detector: how surprising each topic's embedding is, given those of all others.

    Sketches of all topics that are whole together are taken for jointly normal; what the others say of one is then a
    linear prediction with a covariance of its own, and a score is Mahalanobis' distance from it, about 1 where they
    agree as usual. It tells a sensor that shows another scene than the rest, and a sound that nothing seen explains.
    """

    resolution = 1e-2

    def __init__(self, coverage: float = 0.75) -> None:
        if not 0 < coverage <= 1:
            raise ValueError(f"coverage {coverage} must be above 0, and 1 at most")
        self.coverage = coverage
        self._joints: dict[tuple[str, ...], _Joint] = {}

    def score(self, observation: Observation) -> dict[str, float]:
        """Return the surprise by ``<topic> disagrees``; nothing with fewer than two senses."""
        topics = self._topics(observation)
        if len(topics) < 2:
            return {}
        scores = self._joint(topics).scores(_sketches(observation, topics))
        return {f"{topic} disagrees": score for topic, score in zip(topics, scores, strict=False)}

    def learn(self, observation: Observation) -> None:
        """Remember what came together."""
        topics = self._topics(observation)
        if len(topics) > 1:
            self._joint(topics).learn(_sketches(observation, topics))

    def nearest(self, observation: Observation, name: str) -> int:
        """Nothing of its own is remembered of windows: 0."""
        return 0

    def state(self) -> bytes:
        """Return all that was learned."""
        return packed([[list(topics), joint.state()] for topics, joint in self._joints.items()])

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned."""
        for topics, of_joint in unpacked(state):
            self._joint(tuple(topics)).restore(of_joint)

    def _topics(self, observation: Observation) -> tuple[str, ...]:
        coverage = observation.window.coverage
        return tuple(
            topic
            for topic, embedding in sorted(observation.embeddings.items())
            if coverage.get(topic, 1.0) >= self.coverage and is_direction(embedding.vector)
        )

    def _joint(self, topics: tuple[str, ...]) -> "_Joint":
        joint = self._joints.pop(topics, None) or _Joint(len(topics))
        self._joints[topics] = joint
        if len(self._joints) > MAX_SETS:
            del self._joints[next(iter(self._joints))]
        return joint


def _sketches(observation: Observation, topics: Sequence[str]) -> Array:
    vectors_TD = np.array([observation.embeddings[topic].vector for topic in topics])
    return sketch(vectors_TD, SKETCH).ravel().astype(float)


class _Joint:
    """Mean and covariance of what some topics say together, and for each of them what the rest foretells."""

    def __init__(self, num_topics: int) -> None:
        self._num_topics = num_topics
        self._moments = Moments(HALF_LIFE)
        self._due = 0  # so many rows learned, at which it is fitted
        self._begun: tuple[Array, Array] | None = None  # half of a fit; the rest is done a window later
        self._middle_C = np.zeros(0)
        self._surprise_CC = np.zeros((0, 0))  # R columns a topic: what the rest does not foretell of it, white

    def learn(self, sketch_C: Array) -> None:
        self._moments.learn(sketch_C)

    def scores(self, sketch_C: Array) -> list[float]:
        """Return one for each topic; none with fewer than two rows learned."""
        num_learned = self._moments.num_learned
        if num_learned < 2:
            return []
        if self._begun is not None:
            self._end_fit(*self._begun)
        elif num_learned >= self._due:
            self._begun = self._begin_fit()
            if not len(self._middle_C):
                self._end_fit(*self._begun)
        white_TR = ((sketch_C - self._middle_C) @ self._surprise_CC).reshape(self._num_topics, SKETCH)
        scores: list[float] = np.sqrt(np.vecdot(white_TR, white_TR) / SKETCH).tolist()
        return scores

    def state(self) -> list[Any]:
        learned = self._moments.state()
        return [learned["num_learned"], *learned["weights"], learned["sum"], learned["squares"]]

    def restore(self, state: list[Any]) -> None:
        num_learned, weight, squared_weight, total, squares = state
        weights = [weight, squared_weight]
        self._moments.restore({"num_learned": num_learned, "weights": weights, "sum": total, "squares": squares})
        self._due, self._begun, self._middle_C = 0, None, np.zeros(0)

    def _begin_fit(self) -> tuple[Array, Array]:
        """Return the mean (C,) and a root (C, C) of the inverse of the covariance."""
        self._due = next_fit(self._moments.num_learned, REFIT, TURN)
        middle_C, covariance_CC = self._moments.mean_and_covariance()
        return middle_C, whitening(with_floor(shrunk(covariance_CC, self._moments.number)))

    def _end_fit(self, middle_C: Array, root_CC: Array) -> None:
        precision_CC = root_CC @ root_CC.T
        owns = [slice(number * SKETCH, (number + 1) * SKETCH) for number in range(self._num_topics)]
        self._surprise_CC = np.concatenate([_surprise(precision_CC, own) for own in owns], axis=1)
        self._middle_C, self._begun = middle_C, None


def _surprise(precision_CC: Array, own: slice) -> Array:
    """Return (C, R): from all to what the others do not foretell of ``own`` columns, uncorrelated and of variance 1.

    The inverse of a covariance holds all predictions (Bishop 2006, eq. 2.73 and 2.75): what is left of ``own`` columns
    is theirs of it times the covariance of what is left, which is the inverse of their own block. Whitened, that is
    they times a root of that inverse.
    """
    surprise_CR: Array = precision_CC[:, own] @ whitening(precision_CC[own, own])
    return surprise_CR
