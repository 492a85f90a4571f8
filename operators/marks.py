"""What persons said of events, right or wrong, as a correction for windows that are like them.

Nothing is trained: a window near to one that was marked has the odds of its label moved, the nearer the more. Near is
the cosine of fused vectors from which the mean of all windows is taken, for all windows of a place are alike.

D = dimension of the joint space.
"""

from collections import deque
from typing import Any

import numpy as np

from pipeline.messages import Array

REMEMBERED = 32
"""Marks of a label; the oldest gives way."""

NEAR = 0.3
"""Cosine from which a window is like a marked one."""

PULL, LIMIT = 4.0, 6.0
"""By how much one mark moves the log odds of the same window again, and all together at most: one that was wrong keeps
what is surest from being said at the usual threshold."""

SLOWEST = 1 / 500
"""Share of a new window in the mean, once there are many."""


class Middle:
    """The mean of what was seen, slowly following."""

    def __init__(self) -> None:
        self._mean_D: Array | None = None
        self._num_seen = 0

    def learn(self, vector_D: Array) -> None:
        """Take one vector."""
        self._num_seen += 1
        before = np.zeros(vector_D.shape) if self._mean_D is None else self._mean_D
        self._mean_D = before + max(SLOWEST, 1 / self._num_seen) * (vector_D - before)

    def centred(self, vector_D: Array) -> Array:
        """Return the direction from the middle to ``vector_D``; zeros where there is none."""
        from_middle: Array = vector_D - (0.0 if self._mean_D is None else self._mean_D)
        length = np.linalg.norm(from_middle)
        return from_middle / length if length > 1e-9 else np.zeros_like(from_middle)

    def state(self) -> list[Any]:
        """Return what was learned, as ``keeping.packed`` takes it."""
        return [self._num_seen, self._mean_D]

    def restore(self, state: list[Any]) -> None:
        """Go on from ``state``."""
        self._num_seen, self._mean_D = state


class Marks:
    """The marks of one label."""

    def __init__(self) -> None:
        self.right = self.wrong = 0
        self._marked: deque[tuple[float, Array]] = deque(maxlen=REMEMBERED)

    def add(self, centred_D: Array, right: bool) -> None:
        """Remember that the event whose strongest window was ``centred_D`` was right, or wrong."""
        self.right += right
        self.wrong += not right
        self._marked.append((1.0 if right else -1.0, centred_D))

    def correction(self, centred_D: Array) -> float:
        """Return what to add to the log odds of a window.

        >>> marks = Marks()
        >>> marks.add(np.array([1.0, 0.0]), right=False)
        >>> marks.correction(np.array([1.0, 0.0])), marks.correction(np.array([0.0, 1.0]))
        (-4.0, 0.0)
        """
        moved = sum(sign * max(0.0, float(one_D @ centred_D) - NEAR) for sign, one_D in self._marked)
        return min(max(PULL * moved / (1 - NEAR), -LIMIT), LIMIT)

    def state(self) -> list[Any]:
        """Return all marks, as ``keeping.packed`` takes them."""
        return [self.right, self.wrong, [[sign, one_D] for sign, one_D in self._marked]]

    def restore(self, state: list[Any]) -> None:
        """Go on from ``state``."""
        self.right, self.wrong, marked = state
        self._marked = deque(((sign, one_D) for sign, one_D in marked), REMEMBERED)
