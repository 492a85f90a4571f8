"""The simulated depth camera: structured light with its limits, its holes and noise that grows with range.

P = pixels, row by row from the top left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.messages import Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, generator, moment, run
from sensors.simulator.rays import Eye, Hits
from sensors.simulator.scenario import Variant
from sensors.simulator.world import World

WIDTH, HEIGHT, FOV_DEG = 160, 120, 70.0
NEAR_M, FAR_M = 0.2, 10.0
GRAZING = 0.12
"""Cosine of incidence below which too little of the pattern comes back."""
EDGE = 0.04
"""A step in range of this share to the next pixel lies in the projector's shadow."""


@dataclass
class Depth:
    """Pictures of (120, 160) uint16, millimetres along the optical axis; 0 is no return.

    Nothing returns from below 0.2 m and beyond 10 m, from the sky, from flames, at grazing angles, and from a
    part of the edges and of sunlit ground. ``start_ns`` 0 starts at the wall clock's time, ``duration_s`` 0
    never ends. Where it cannot keep up with ``realtime`` it leaves pictures out.
    """

    topic: str = "/depth/front"
    rate_hz: float = 10.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "depth"

    modality = "depth"
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
        return _Projector(self, world)


class _Projector:
    """Takes one picture a call."""

    def __init__(self, sensor: Instrument, world: World) -> None:
        self._sensor, self._world = sensor, world
        self._eye = Eye(WIDTH, HEIGHT, FOV_DEG, FAR_M * 1.4, flames=False)

    def __call__(self, tick: Tick) -> Array:
        hits = self._eye.cast(self._world, tick.start)
        rng = generator(self._sensor, tick.index)
        axial_P = hits.distance * self._eye.axial_P
        metres_P = axial_P + deviation(axial_P) * rng.standard_normal(axial_P.shape, np.float32)
        metres_P[self._holes(hits, axial_P, rng) | (metres_P < NEAR_M) | (metres_P > FAR_M)] = 0
        picture: Array = np.round(1000 * metres_P).astype(np.uint16).reshape(HEIGHT, WIDTH)
        return picture

    def _holes(self, hits: Hits, axial_P: Array, rng: np.random.Generator) -> Array:
        """Return (P,) bool: where nothing comes back."""
        facing = -np.einsum("pi,pi->p", hits.normal, hits.ray)
        luck = rng.random(axial_P.shape, np.float32)
        look = self._world.look
        lit = ~self._world.hall.under_roof(hits.point) & (hits.normal @ look.sun_direction > 0)
        drowned = lit * float(look.sun.mean()) * axial_P / FAR_M  # the sun outshines the projector, sooner far away
        lost: Array = (facing < GRAZING) | (luck < 0.002 + 0.5 * drowned) | (_edges(axial_P) & (luck < 0.7))
        return (hits.geom < 0) | lost


def deviation(metres: Array) -> Array:
    """Return the standard deviation of a range, metres.

    σ = 1.2 mm + 1.9 mm · (z − 0.4)², as measured for the first Kinect (Nguyen, Izadi and Lovell 2012, "Modeling
    Kinect sensor noise for improved 3D reconstruction and tracking", eq. 2).
    """
    return 0.0012 + 0.0019 * (metres - 0.4) ** 2


def _edges(axial_P: Array) -> Array:
    """Return (P,) bool: whether the pixel to the left is nearer by a step."""
    depth = axial_P.reshape(HEIGHT, WIDTH)
    step = np.zeros_like(depth, bool)
    step[:, 1:] = depth[:, 1:] - depth[:, :-1] > EDGE * depth[:, 1:] + 0.05
    return step.ravel()
