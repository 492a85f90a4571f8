"""The closed loop that the robot patrols, half under a roof and half under the sky.

Places along it are (s, side): metres along the loop and metres to its left.
"""

import math
from bisect import bisect_right

import numpy as np

from pipeline.messages import NS, Array

CLEAR_M = 3.3
"""Nothing stands closer to the loop than this, so whoever passes the robot has room."""


class Route:
    """A superellipse around the origin; its size, shape and the robot's pace come from the seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self.half_x, self.half_y = rng.uniform(11.0, 14.0), rng.uniform(7.5, 9.5)
        self.pace = rng.uniform(0.7, 0.9)  # m/s
        self._phase = rng.uniform(0, 2 * math.pi)
        self._start_m = rng.uniform(0, 100.0)
        angle = np.linspace(0, 2 * math.pi, 721)
        power = 2 / rng.uniform(2.0, 2.8)
        x = self.half_x * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
        y = self.half_y * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
        self.points = np.column_stack([x, y])  # (721, 2), counter-clockwise, the last is the first
        steps = np.hypot(np.diff(x), np.diff(y))
        self._s = [0.0, *np.cumsum(steps).tolist()]
        self.length = self._s[-1]

    def progress(self, now: int) -> float:
        """Return metres along the loop that the robot should have done at ``now``: at rest for 2 s, then uneven."""
        t = max(now / NS - 2.0, 0.0)
        ramp = t * t / 4 if t < 2.0 else t - 1.0
        return self._start_m + self.pace * (ramp + 0.6 * (math.sin(0.4 * t + self._phase) - math.sin(self._phase)))

    def at(self, s: float, side: float = 0.0) -> tuple[float, float, float]:
        """Return (x, y, heading) of the place ``side`` metres left of ``s`` metres along the loop."""
        s %= self.length
        i = min(bisect_right(self._s, s), len(self._s) - 1) - 1
        (x0, y0), (x1, y1) = self.points[i].tolist(), self.points[i + 1].tolist()
        share = (s - self._s[i]) / (self._s[i + 1] - self._s[i])
        heading = math.atan2(y1 - y0, x1 - x0)
        x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        return x - side * math.sin(heading), y + side * math.cos(heading), heading

    def clearance(self, x: float, y: float) -> float:
        """Return the distance of a place from the loop, in metres."""
        return float(np.hypot(self.points[:, 0] - x, self.points[:, 1] - y).min())

    def crossings(self, x: float) -> Array:
        """Return the two places (y) where the loop crosses the line of constant ``x``."""
        order = np.arange(len(self.points) - 1)
        before, after = self.points[order, 0] - x, self.points[order + 1, 0] - x
        return np.sort(self.points[order[before * after < 0], 1])
