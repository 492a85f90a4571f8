"""A force sensor of one's own in the simulated world: a whisker that bends in the air that passers-by push along."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.messages import NS, Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, generator, moment, run
from sensors.simulator.scenario import Variant
from sensors.simulator.world import Trace, World

PUSH = {"vehicle passing": 12.0, "person walking by": 2.0, "animal walking by": 0.7}
"""Newton at one metre; the push falls with the square of the distance."""

NOISE = 0.01
"""Newton, standard deviation of a reading."""


@dataclass
class Whisker:
    """One reading a message, (3,) float64 newton: x ahead, y left, z up; the robot's own jolts are in it."""

    topic: str = "/whisker"
    rate_hz: float = 50.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "whisker"

    modality = "force"
    skips = False

    def __post_init__(self) -> None:
        check(self)

    def __iter__(self) -> Iterator[Sample]:
        return run(self)

    def tick(self, index: int) -> Tick:
        """Return when reading ``index`` is taken."""
        return moment(self, index)

    def reader(self, world: World) -> Reader:
        """Return what reads the whisker on the robot of ``world``."""
        return _Reading(self, world)


class _Reading:
    def __init__(self, sensor: Instrument, world: World) -> None:
        self._world, self._rng = world, generator(sensor)

    def __call__(self, tick: Tick) -> Array:
        force: Array = NOISE * self._rng.standard_normal(3)
        step = self._world.trace(tick.start - NS // 50, tick.start)[-1]
        force += 0.005 * (step[Trace.accel] - (0, 0, 9.81))
        for happening in self._world.active(tick.start):
            if happening.label in PUSH:
                force += self._push(happening, tick.start, step[Trace.position])
        return force

    def _push(self, happening: object, now: int, position: Array) -> Array:
        place = self._world.place(happening, now)  # type: ignore[arg-type]
        away = position[:2] - (place.x, place.y)
        distance = max(float(np.linalg.norm(away)), 0.5)
        w, x, y, z = self._world.data.qpos[3:7]
        yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        ahead, left = away @ (np.cos(yaw), np.sin(yaw)), away @ (-np.sin(yaw), np.cos(yaw))
        size = PUSH[happening.label] / distance**2  # type: ignore[attr-defined]
        return size * np.array([ahead, left, 0.0]) / distance
