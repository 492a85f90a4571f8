"""One picture's rays against the world: what each pixel hits, how far, and which way the surface faces.

P = pixels, row by row from the top left.
"""

import math
from typing import Any

import mujoco
import numpy as np
from msgspec import Struct

from pipeline.messages import Array
from sensors.simulator.stage import ACTOR, FLAME, HIDDEN, STATIC
from sensors.simulator.world import World


class Hits(Struct, frozen=True, eq=False):
    """What one cast found, float32; where a pixel sees the sky, distance, point and normal mean nothing."""

    geom: Array  # (P,) int32, -1 is the sky
    distance: Array  # (P,) metres along the ray
    point: Array  # (P, 3) metres in the world
    normal: Array  # (P, 3) unit vectors out of the surface
    ray: Array  # (P, 3) unit vectors in the world


class Eye:
    """A pinhole of ``width`` × ``height`` pixels on the robot's nose; ``fov_deg`` is horizontal."""

    def __init__(self, width: int, height: int, fov_deg: float, reach_m: float, *, flames: bool = True) -> None:
        self.width, self.height, self.reach_m = width, height, reach_m
        focal = width / 2 / math.tan(math.radians(fov_deg) / 2)
        v, u = np.mgrid[:height, :width]
        left, up = (width / 2 - 0.5 - u) / focal, (height / 2 - 0.5 - v) / focal
        vectors = np.stack([np.ones_like(left), left, up], axis=-1).reshape(-1, 3)
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self.axial_P = self._vectors[:, 0].astype(np.float32)  # share of the range that is along the optical axis
        self.pixel_rad = 1 / focal
        self._groups = np.zeros(6, np.uint8)
        self._groups[[STATIC, ACTOR, FLAME] if flames else [STATIC, ACTOR]] = 1
        pixels = width * height
        h, v = math.radians(fov_deg) / 2, math.atan2(height / 2, focal)
        self._sides = np.array(
            [(math.sin(h), side * math.cos(h), 0) for side in (-1, 1)]
            + [(math.sin(v), 0, side * math.cos(v)) for side in (-1, 1)]
        )
        self._geom, self._range = np.empty(pixels, np.int32), np.empty(pixels)
        self._normal = np.zeros(3 * pixels)  # what a ray into the sky leaves there is a number, too

    def cast(self, world: World, now: int) -> Hits:
        """Return what the world shows at ``now``."""
        world.pose(now)
        body = world.data.body("chassis")
        rotation = body.xmat.reshape(3, 3) @ _nod(world.robot.pitch)
        origin = body.xpos + body.xmat.reshape(3, 3) @ np.array(world.robot.eye)
        rays = self._vectors @ rotation.T
        _cull(world, origin, self._sides @ rotation.T)
        out: tuple[Any, ...] = (self._geom, self._range, self._normal)
        size = len(self._geom)
        mujoco.mj_multiRay(
            world.model, world.data, origin, rays.ravel(), self._groups, True, -1, *out, size, self.reach_m
        )
        ray, far = rays.astype(np.float32), np.maximum(self._range, 0).astype(np.float32)
        point = origin.astype(np.float32) + far[:, None] * ray
        return Hits(self._geom, far, point, self._normal.reshape(-1, 3).astype(np.float32), ray)


def _cull(world: World, origin: Array, inward_43: Array) -> None:
    """Hide what lies wholly outside one of the four sides of the picture: a quarter less work for the rays."""
    radius = world.model.geom_rbound
    signed = (world.data.geom_xpos - origin) @ inward_43.T
    hidden = (signed < -radius[:, None]).any(axis=1) & (radius > 0)  # a plane has no radius and no end
    world.model.geom_group[:] = np.where(hidden, HIDDEN, world.groups)


def _nod(pitch: float) -> Array:
    """Return the rotation that lowers the nose by ``pitch``."""
    cos, sin = math.cos(pitch), math.sin(pitch)
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
