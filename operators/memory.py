"""A bounded memory of normal.

M = vectors remembered, D = dimension, R = that of sketches of them, P = numbers of a sketch that are searched by.
"""

from collections import deque
from functools import cache
from math import log2
from typing import Any, NamedTuple

import numpy as np

from pipeline.messages import Array

SKETCH = 64
"""R: distances among sketches are right to about 1 / sqrt(2 R), 9 % (Johnson and Lindenstrauss 1984)."""

SEARCHED = 32
"""P: what is searched in every window is to be short, and 12 % will do for a list."""

SHORTLIST = 64
"""So many that seem nearest by their sketches are compared in full; a memory of few more needs no sketches. Among 2000
vectors of 25 calm minutes of a simulated world, with 512 numbers each, that finds the nearest three of 996 windows in
1000 or more, and what it finds for the others is 2 % further away at most."""

GROUP = 16
"""Of so many values at a time only the largest is looked at first."""

HALF_LIFE = 4.0
"""Memories' worth of vectors in which one that nothing confirms becomes half as dear."""

CLOSEST = 1e-9
"""Vectors no further apart are as near as can be."""

LOOKS = 8
"""What was found for so many vectors is kept: a vector is learned a few windows after it was scored."""


class _Look(NamedTuple):
    """A vector (D,), the rows (N,) that may be nearest to it among all that ``num_learned`` vectors left, and their
    cosines (N,)."""

    vector: Array
    rows: Array
    cosines: Array
    num_learned: int


class Memory:
    """Up to ``size`` unit vectors, spread over all that was normal, with when they were.

    A coreset: a new vector takes the place of the one that has the nearest neighbour, for that one is missed least; and
    the less so, the longer ago a new one was nearest to it. So what is seen all the time does not push out what is seen
    seldom, and what is never seen again is forgotten in the end.
    """

    def __init__(self, size: int, neighbours: int) -> None:
        self.size = size
        self.neighbours = neighbours
        self._half_life = HALF_LIFE * size
        self._vectors_MD = np.zeros((0, 0), np.float32)
        self._sketches_MP = np.zeros((0, 0), np.float32)
        self._halves_M = np.zeros(0, np.float32)  # half of each sketch's square
        self._stamps_M = np.zeros(0, np.int64)
        self._ages_M = np.zeros(0, np.int64)  # number of the vector that last confirmed this one
        self._numbers_M = np.zeros(0, np.int64)  # of the vectors themselves, since the state was restored
        self._known = 0
        self._num_learned = 0
        self._gaps_M = np.zeros(0)  # to the nearest neighbour
        self._dear_M = np.zeros(0)  # how dear each is, as a logarithm to base 2 and up to what is the same for all
        self._places: deque[int] = deque(maxlen=LOOKS)  # where the last vectors went
        self._looks: dict[int, _Look] = {}  # by the identity of the vector, which is kept

    def __len__(self) -> int:
        return self._known

    def distance(self, vector_D: Array, sketch_R: Array) -> tuple[float, int] | None:
        """Return the mean cosine distance to the nearest ``neighbours``, and when the nearest of all was.

        None with fewer than that. ``sketch_R`` is that of ``vector_D``; of many at once they take less time.
        """
        if self._known < self.neighbours:
            return None
        look = self._look(vector_D, sketch_R[:SEARCHED])
        best = look.cosines.argpartition(-self.neighbours)[-self.neighbours :]
        cosines = look.cosines[best]
        nearest = look.rows[best[cosines.argmax()]]
        return max(0.0, 1 - float(cosines.sum() / self.neighbours)), int(self._stamps_M[nearest])

    def learn(self, vector_D: Array, sketch_R: Array, stamp: int) -> None:
        """Remember ``vector_D``, the normal of ``stamp``, with its sketch."""
        if self._num_learned == 0:
            self._begin(len(vector_D))
        sketch_P = sketch_R[:SEARCHED]
        look = self._look(vector_D, sketch_P)
        del self._looks[id(vector_D)]
        self._num_learned += 1
        place, gap = self._place(look)
        self._gaps_M[place] = gap
        self._vectors_MD[place] = vector_D
        self._sketches_MP[place], self._halves_M[place] = sketch_P, sketch_P @ sketch_P / 2
        self._stamps_M[place] = stamp
        self._ages_M[place] = self._numbers_M[place] = self._num_learned
        self._dear_M[place] = self._dear(gap)
        self._places.append(place)

    def state(self) -> dict[str, Any]:
        """Return what was learned, in plain values and arrays."""
        known = self._known
        return {
            "vectors": self._vectors_MD[:known],
            "stamps": self._stamps_M[:known],
            "ages": self._ages_M[:known],
            "num_learned": self._num_learned,
            "gaps": self._gaps_M[:known],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        known, dim = state["vectors"].shape
        if known > self.size:
            raise ValueError(f"{known} vectors were remembered, and the memory has room for {self.size}")
        if state["num_learned"]:
            self._begin(dim)
            self._known, self._num_learned = known, state["num_learned"]
            self._vectors_MD[:known], self._stamps_M[:known] = state["vectors"], state["stamps"]
            self._ages_M[:known], self._gaps_M[:known] = state["ages"], state["gaps"]
            self._dear_M[:known] = np.log2(self._gaps_M[:known] + CLOSEST) + self._ages_M[:known] / self._half_life
            sketches_MP = self._sketches_MP[:known] = sketch(state["vectors"])[:, :SEARCHED]
            self._halves_M[:known] = np.vecdot(sketches_MP, sketches_MP) / 2
            self._looks.clear()

    def _begin(self, dim: int) -> None:
        self._vectors_MD = np.zeros((self.size, dim), np.float32)
        self._sketches_MP = np.zeros((self.size, SEARCHED), np.float32)
        self._halves_M = np.zeros(self.size, np.float32)
        self._stamps_M, self._ages_M, self._numbers_M = np.zeros((3, self.size), np.int64)
        self._gaps_M, self._dear_M = np.zeros(self.size), np.zeros(self.size)

    def _look(self, vector_D: Array, sketch_P: Array) -> _Look:
        """Return what is nearest to ``vector_D``; if it was sought before, only what has come since is looked at."""
        before = self._looks.pop(id(vector_D), None)
        if before is None or self._num_learned - before.num_learned > len(self._places):
            look = self._first_look(vector_D, sketch_P)
        else:
            look = self._look_again(before)
        self._looks[id(vector_D)] = look
        if len(self._looks) > LOOKS:
            del self._looks[next(iter(self._looks))]
        return look

    def _first_look(self, vector_D: Array, sketch_P: Array) -> _Look:
        """Return what is nearest among all, by the distances between sketches.

        Their cosines would not do: they are wrong by 1 / sqrt(P), and vectors of one sense have cosines of 0.99.
        """
        known = self._known
        if known <= 2 * SHORTLIST + self.neighbours:
            rows_N = np.arange(known)
        else:
            near_M = self._sketches_MP[:known] @ sketch_P - self._halves_M[:known]
            rows_N = largest(near_M, SHORTLIST + self.neighbours)
        return _Look(vector_D, rows_N, self._vectors_MD.take(rows_N, 0) @ vector_D, self._num_learned)

    def _look_again(self, before: _Look) -> _Look:
        num_new = self._num_learned - before.num_learned
        if num_new == 0:
            return before
        new = list(dict.fromkeys(list(self._places)[-num_new:]))
        stay_N = self._numbers_M[before.rows] <= before.num_learned
        return before._replace(
            rows=np.concatenate([before.rows[stay_N], new]),
            cosines=np.concatenate([before.cosines[stay_N], self._vectors_MD[new] @ before.vector]),
            num_learned=self._num_learned,
        )

    def _place(self, look: _Look) -> tuple[int, float]:
        """Return the row that the vector goes to, and how far it is from what stays."""
        if self._known == 0:
            self._known = 1
            return 0, 2.0  # the largest cosine distance that there is
        best = int(look.cosines.argmax())
        near, gap = int(look.rows[best]), max(0.0, 1 - float(look.cosines[best]))
        self._ages_M[near] = self._num_learned
        self._gaps_M[near] = min(self._gaps_M[near], gap)
        self._dear_M[near] = self._dear(self._gaps_M[near])
        if self._known < self.size:
            self._known += 1
            return self._known - 1, gap
        return int(self._dear_M.argmin()), gap

    def _dear(self, gap: float) -> float:
        """Return how dear a vector is that is confirmed now."""
        return log2(gap + CLOSEST) + self._num_learned / self._half_life


def largest(values_M: Array, number: int) -> Array:
    """Return where the ``number`` largest are, in any order.

    Of the maxima of as many groups or more, the one that is at its place from above is no larger than any of them: what
    is below it need not be looked at. That is three times as fast as to part all of 10 000 values.

    >>> sorted(largest(np.arange(5000) * 7 % 5000, 3).tolist())
    [714, 2857, 3571]
    """
    groups = len(values_M) // GROUP
    if groups < 2 * number:
        return values_M.argpartition(-number)[-number:]
    highest = values_M[: groups * GROUP].reshape(GROUP, groups).max(0)
    rows = np.flatnonzero(values_M >= np.partition(highest, -number)[-number])
    return rows[values_M[rows].argpartition(-number)[-number:]]


def sketch(vectors: Array, size: int = SKETCH) -> Array:
    """Return (…, size) float32 of (…, D): a random projection, always the same one, that keeps distances nearly."""
    sketches: Array = vectors @ _projection(vectors.shape[-1], size)
    return sketches


@cache
def _projection(dim: int, size: int = SKETCH) -> Array:
    """Return (D, size) float32 of a fixed seed; sketches of unit vectors have unit length on average."""
    normal: Array = np.random.default_rng(dim).normal(size=(dim, size)) / np.sqrt(size)
    return normal.astype(np.float32)
