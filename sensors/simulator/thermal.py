"""The simulated thermal camera: surface temperature, emissivity and reflected sky, blur and noise.

P = pixels, row by row from the top left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from pipeline.messages import Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, generator, moment, run
from sensors.simulator.rays import Eye, Hits
from sensors.simulator.scenario import Variant
from sensors.simulator.texture import Texture
from sensors.simulator.world import World

WIDTH, HEIGHT, FOV_DEG, REACH_M = 160, 120, 57.0, 90.0
"""As the FLIR Lepton 3.5, whose TLinear output is centikelvin at up to 9 Hz."""
NETD_K = 0.05
"""Noise-equivalent temperature difference, the Lepton data sheet's limit."""
PATTERN_K = 0.12
"""What is left of column and row offsets between two flat-field corrections."""
BLUR_PX = 0.7
SKIN_K = 307.0


@dataclass
class Thermal:
    """Pictures of (120, 160) uint16, centikelvin; 65535 is 655.35 K or hotter.

    ``start_ns`` 0 starts at the wall clock's time, ``duration_s`` 0 never ends. Where it cannot keep up with
    ``realtime`` it leaves pictures out.
    """

    topic: str = "/thermal/front"
    rate_hz: float = 9.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "thermal"

    modality = "thermal"
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
        return _Bolometer(self, world)


class _Bolometer:
    """Takes one picture a call."""

    def __init__(self, sensor: Instrument, world: World) -> None:
        self._sensor, self._world = sensor, world
        self._eye, self._heat = Eye(WIDTH, HEIGHT, FOV_DEG, REACH_M), Heat(world)
        rng = generator(sensor)
        self._offsets = PATTERN_K * (rng.standard_normal((HEIGHT, 1)) + rng.standard_normal((1, WIDTH)))

    def __call__(self, tick: Tick) -> Array:
        hits = self._eye.cast(self._world, tick.start)
        kelvin = self._heat.apparent(hits, self._eye.pixel_rad).reshape(HEIGHT, WIDTH)
        kelvin = gaussian_filter(kelvin, BLUR_PX, truncate=2.5) + self._offsets
        kelvin += NETD_K * generator(self._sensor, tick.index + 1).standard_normal(kelvin.shape, np.float32)
        picture: Array = np.clip(100 * kelvin + 0.5, 0, 65535).astype(np.uint16)
        return picture


class Heat:
    """How hot every pixel appears."""

    def __init__(self, world: World) -> None:
        self._world, self._look = world, world.look
        self._texture = Texture(world.surfaces, world.seed)
        self._emissivity = np.array([surface.emissivity for surface in world.surfaces], np.float32)
        self._warmth = np.array([surface.warmth for surface in world.surfaces], np.float32)
        self._alive = np.array([surface.alive for surface in world.surfaces], np.float32)

    def apparent(self, hits: Hits, pixel_rad: float) -> Array:
        """Return (P,) kelvin: emitted and reflected radiance, each as the fourth power of its temperature."""
        look, geom = self._look, hits.geom
        outside = ~self._world.hall.under_roof(hits.point)
        upward = np.where(outside, np.clip(hits.normal[:, 2], 0, 1), 0)
        around = np.where(outside, look.outdoors, look.indoors).astype(np.float32)
        mirrored = around + upward * (look.sky - look.outdoors)
        emissivity = self._emissivity[geom]
        radiance = emissivity * self._surface(hits, around, outside, pixel_rad) ** 4 + (1 - emissivity) * mirrored**4
        kelvin: Array = np.sqrt(np.sqrt(radiance))
        sky = np.flatnonzero(geom < 0)
        height = np.clip(hits.ray[sky, 2], 0, 1)
        kelvin[sky] = look.outdoors - 3 + (look.sky - look.outdoors) * np.sqrt(height)  # air is warm along the ground
        return kelvin

    def _surface(self, hits: Hits, around: Array, outside: Array, pixel_rad: float) -> Array:
        """Return (P,) kelvin of the surface itself: air, sun, its own heat, and uneven all over."""
        look, geom = self._look, hits.geom
        origin = self._world.data.geom_xpos[geom].astype(np.float32)
        uneven = self._texture.mix(hits, origin, pixel_rad) - 0.4
        facing = np.maximum(hits.normal @ look.sun_direction, 0)
        sunny = np.where(outside, 22 * float(look.sun.mean()) * facing, 0)
        kelvin: Array = around + sunny * (1 + 0.4 * uneven) + 1.2 * uneven
        kelvin += self._alive[geom] * (SKIN_K - kelvin)
        return kelvin + self._warmth[geom] * (1 + 0.5 * uneven)
