"""How unlike the normal a window is: nearest neighbours and Mahalanobis' distance, by sense and for the fused vector.

D = dimension of the joint space, R = that of sketches of it.
"""

from collections.abc import Iterator

import numpy as np

from operators.keeping import packed, unpacked
from operators.memory import Memory, sketch
from operators.spread import Spread
from pipeline.messages import Array, Observation

MAX_NAMES = 32
"""Of topics and sets of topics that are remembered; the one unused for longest goes first."""


class Novelty:
    """A detector: how far each topic's embedding, and the fused vector, are from those of normal windows.

    A name's score is the mean cosine distance to the nearest ``neighbours`` of up to ``memory`` vectors, small in every
    way to be normal that was seen. ``<name> unusual`` is Mahalanobis' distance from the middle of them all, by a shrunk
    covariance of their sketches, which no hole in the memory makes large.

    Sets of topics that fuse are names of their own: an absent camera changes what fuses, and is no news in itself. A
    topic that covers less than ``coverage`` of its clip is neither scored nor learned, nor is a vector that is zero or
    not finite.
    """

    resolution = 1e-4

    def __init__(self, neighbours: int = 3, memory: int = 2000, coverage: float = 0.75) -> None:
        if not 1 <= neighbours <= memory:
            raise ValueError(f"neighbours {neighbours} must be 1 to memory {memory}")
        if not 0 < coverage <= 1:
            raise ValueError(f"coverage {coverage} must be above 0, and 1 at most")
        self.neighbours = neighbours
        self.memory = memory
        self.coverage = coverage
        self._memories: dict[str, Memory] = {}
        self._spreads: dict[str, Spread] = {}

    def score(self, observation: Observation) -> dict[str, float]:
        """Return how unlike the normal each vector is; 0 is as like as can be."""
        scores = {}
        for name, vector_D, sketch_R in self._sketched(observation):
            near = self._memory(name).distance(vector_D, sketch_R)
            far = self._spreads[name].distance(sketch_R)
            if near is not None:
                scores[name] = near[0]
            if far is not None:
                scores[f"{name} unusual"] = far
        return scores

    def learn(self, observation: Observation) -> None:
        """Remember what the window had."""
        for name, vector_D, sketch_R in self._sketched(observation):
            self._memory(name).learn(vector_D, sketch_R, observation.window.end)
            self._spreads[name].learn(sketch_R)

    def nearest(self, observation: Observation, name: str) -> int:
        """Return the end of the normal window whose vector of ``name`` is nearest; 0 where none is known."""
        name = name.removesuffix(" unusual")
        for known, vector_D, sketch_R in self._sketched(observation):
            if known == name and (near := self._memory(name).distance(vector_D, sketch_R)):
                return near[1]
        return 0

    def state(self) -> bytes:
        """Return all that was learned."""
        memories = {name: memory.state() for name, memory in self._memories.items()}
        return packed({"memories": memories, "spreads": {name: it.state() for name, it in self._spreads.items()}})

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError if more was remembered than there is room for."""
        learned = unpacked(state)
        for name, of_memory in learned["memories"].items():
            self._memory(name).restore(of_memory)
            self._spreads[name].restore(learned["spreads"][name])

    def _sketched(self, observation: Observation) -> Iterator[tuple[str, Array, Array]]:
        """Yield what can be compared with its sketch; those of all vectors are one product."""
        if vectors := dict(self._vectors(observation)):
            yield from zip(vectors, vectors.values(), sketch(np.array(list(vectors.values()))), strict=True)

    def _vectors(self, observation: Observation) -> Iterator[tuple[str, Array]]:
        """Yield what can be compared by name: embeddings, and the fused vector if all of them are whole."""
        coverage = observation.window.coverage
        whole = [
            topic
            for topic, embedding in sorted(observation.embeddings.items())
            if coverage.get(topic, 1.0) >= self.coverage and is_direction(embedding.vector)
        ]
        for topic in whole:
            yield topic, observation.embeddings[topic].vector
        if len(whole) == len(observation.embeddings) > 1 and is_direction(observation.fused):
            yield "fused" if len(whole) == len(coverage) else f"fused {' + '.join(whole)}", observation.fused

    def _memory(self, name: str) -> Memory:
        memory = self._memories.pop(name, None) or Memory(self.memory, self.neighbours)
        spread = self._spreads.pop(name, None) or Spread()
        self._memories[name], self._spreads[name] = memory, spread
        if len(self._memories) > MAX_NAMES:
            oldest = next(iter(self._memories))
            del self._memories[oldest], self._spreads[oldest]
        return memory


def is_direction(vector_D: Array) -> bool:
    """Say whether ``vector_D`` is finite and not zero."""
    squares = float(vector_D @ vector_D)
    return 0 < squares < np.inf
