"""Where a happening is at any time: a pure function of its row, the route and the clock."""

import math

import numpy as np
from msgspec import Struct

from pipeline.messages import NS
from sensors.simulator.route import Route
from sensors.simulator.scenario import Happening


class Place(Struct, frozen=True):
    """A position on the ground and where it faces; ``walked`` is metres since the entrance."""

    x: float
    y: float
    heading: float
    walked: float


_SPEEDS = {"person walking by": (1.1, 1.5), "animal walking by": (1.1, 1.8), "vehicle passing": (2.0, 3.0)}
_WIDE = {"vehicle passing": (1.9, 2.4), "fire": (0.5, 1.1), "alarm": (1.0, 6.0), "glass breaking": (1.0, 6.0)}


def place(happening: Happening, route: Route, now: int) -> Place:
    """Return where ``happening`` plays at ``now``.

    All lines are straight, drawn from where the robot should be at half time, with ``distance_m`` ahead of it:
    ``meets`` comes towards the robot and passes it, ``crosses`` goes from side to side before it, ``overtakes``
    leaves it behind, ``stays`` waits for it.
    """
    rng = np.random.default_rng([happening.draw, 1])
    half = (happening.start + happening.end) // 2
    t, length = (now - half) / NS, (happening.end - happening.start) / NS
    speed = rng.uniform(*_SPEEDS.get(happening.label, (0.0, 0.0)))
    wide = happening.side * rng.uniform(*_WIDE.get(happening.label, (0.7, 1.4)))
    along, across, aside = {
        "meets": (-speed, 0.0, wide),
        "crosses": (0.0, -happening.side * speed, 0.0),
        "overtakes": (route.pace + speed, 0.0, wide),
        "stays": (0.0, 0.0, wide),
    }[happening.route]
    x, y, heading = route.at(route.progress(half))
    ahead, left, pace = happening.distance_m + along * t, aside + across * t, math.hypot(along, across)
    return Place(
        x=x + ahead * math.cos(heading) - left * math.sin(heading),
        y=y + ahead * math.sin(heading) + left * math.cos(heading),
        heading=heading + math.atan2(across, along),
        walked=pace * (t + length / 2),
    )
