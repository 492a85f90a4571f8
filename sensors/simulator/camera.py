"""The simulated camera: pictures by Lambert light on procedural textures, with exposure and noise."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.messages import Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, fault, generator, moment, run
from sensors.simulator.light import Light
from sensors.simulator.rays import Eye
from sensors.simulator.scenario import Variant
from sensors.simulator.world import World

WIDTH, HEIGHT, FOV_DEG, REACH_M = 160, 120, 72.0, 90.0
FULL_WELL = 9000.0
"""Electrons of a white pixel: their shot noise is 1 in 95, as of a small 8-bit sensor."""

_DARK = np.full((WIDTH * HEIGHT, 3), 0.0008, np.float32)


@dataclass
class Camera:
    """Pictures of (120, 160, 3) uint8, RGB.

    ``start_ns`` 0 starts at the wall clock's time, ``duration_s`` 0 never ends. Where it cannot keep up with
    ``realtime`` it leaves pictures out. The fault "frozen camera" repeats the last picture, "covered camera"
    shows next to nothing.
    """

    topic: str = "/camera/front"
    rate_hz: float = 15.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "camera"

    modality = "vision"
    skips = True

    def __post_init__(self) -> None:
        check(self)

    def __iter__(self) -> Iterator[Sample]:
        return run(self)

    def tick(self, index: int) -> Tick:
        """Return when picture ``index`` is taken."""
        return moment(self, index)

    def reader(self, world: World) -> Reader:
        """Return what takes pictures of ``world``."""
        return _Shutter(self, world)


class _Shutter:
    """Takes one picture a call."""

    def __init__(self, sensor: Instrument, world: World) -> None:
        self._sensor, self._world = sensor, world
        self._eye, self._light = Eye(WIDTH, HEIGHT, FOV_DEG, REACH_M), Light(world)
        self._last: Array | None = None

    def __call__(self, tick: Tick) -> Array:
        now, world = tick.start, self._world
        if self._last is None or not fault(world, "frozen camera", "vision", now):
            light = _DARK if fault(world, "covered camera", "vision", now) else self._look(now)
            self._last = _expose(light, generator(self._sensor, tick.index)).reshape(HEIGHT, WIDTH, 3)
        return self._last.copy()

    def _look(self, now: int) -> Array:
        return self._light.shade(self._eye.cast(self._world, now), self._eye.pixel_rad, now)


def _expose(light: Array, rng: np.random.Generator) -> Array:
    """Return 8-bit pixels: automatic exposure, shot and read noise, gamma 2."""
    gain = np.float32(min(max(0.2 / (float(light.mean()) + 1e-6), 0.3), 40.0))
    scene = light.astype(np.float32) * gain
    grain = rng.standard_normal(scene.shape, np.float32)
    scene += grain * np.sqrt(scene * (gain / FULL_WELL) + (0.0006 * gain) ** 2)
    picture: Array = np.clip(255 * np.sqrt(np.clip(scene, 0, 1)) + 0.5, 0, 255).astype(np.uint8)
    return picture
