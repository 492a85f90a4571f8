"""The light that reaches the camera: sun and sky outside, lamps inside, the headlight, fire, haze and clouds.

P = pixels, row by row from the top left.
"""

import math

import numpy as np

from pipeline.messages import NS, Array
from sensors.simulator.rays import Hits
from sensors.simulator.texture import Texture
from sensors.simulator.world import World

ORANGE = np.array([1.0, 0.45, 0.12], np.float32)


class Light:
    """How bright every pixel is: sun and sky outside, lamps inside, the robot's headlight, and fire."""

    def __init__(self, world: World) -> None:
        self._world, self._look = world, world.look
        self._texture = Texture(world.surfaces, world.seed)
        self._colour = np.array([surface.colour for surface in world.surfaces], np.float32)
        self._accent = np.array([surface.accent for surface in world.surfaces], np.float32)
        self._glow = np.array([surface.glow for surface in world.surfaces], np.float32)

    def shade(self, hits: Hits, pixel_rad: float, now: int) -> Array:
        """Return (P, 3) linear light, 1 = a white wall in full sun."""
        origin = self._world.data.geom_xpos[hits.geom].astype(np.float32)
        mix = self._texture.mix(hits, origin, pixel_rad)[:, None]
        albedo = self._colour[hits.geom] * (1 - mix) + self._accent[hits.geom] * mix
        outside_P1 = ~self._world.hall.under_roof(hits.point)[:, None]
        light: Array = albedo * (self._falling(hits, outside_P1, now) + self._glow[hits.geom][:, None])
        haze = np.exp(hits.distance / -self._look.visibility_m)[:, None]
        light = light * haze + self._look.horizon * (1 - haze) * outside_P1
        sky = np.flatnonzero(hits.geom < 0)
        light[sky] = self._sky(hits.ray[sky], now)
        return light

    def _falling(self, hits: Hits, outside_P1: Array, now: int) -> Array:
        """Return (P, 3) light that falls on each point."""
        look, normal = self._look, hits.normal
        sun = np.maximum(normal @ look.sun_direction, 0)[:, None] * look.sun
        dome = (0.55 + 0.45 * normal[:, 2:]) * (0.5 * look.zenith + 0.25 * look.horizon)
        lamp = (0.45 + 0.55 * np.maximum(normal @ look.lamp_direction, 0))[:, None]
        light: Array = np.where(outside_P1, sun + dome, lamp * look.lamp)
        facing = np.maximum(-np.einsum("pi,pi->p", normal, hits.ray), 0)
        light += (look.headlight * facing / (1 + hits.distance**2))[:, None]
        return light + self._firelight(hits, now)

    def _firelight(self, hits: Hits, now: int) -> Array:
        fires = [happening for happening in self._world.active(now) if happening.label == "fire"]
        if not fires:
            return np.zeros(3, np.float32)
        place = self._world.place(fires[0], now)
        to_fire = np.array([place.x, place.y, 0.6], np.float32) - hits.point
        square = np.einsum("pi,pi->p", to_fire, to_fire)
        facing = np.maximum(np.einsum("pi,pi->p", hits.normal, to_fire) / np.sqrt(square + 0.01), 0)
        flicker = 1 + 0.3 * math.sin(23 * now / NS) * math.sin(9.1 * now / NS)
        light: Array = (0.35 * flicker * facing / (0.3 + square))[:, None] * ORANGE
        return light

    def _sky(self, ray_P3: Array, now: int) -> Array:
        look, up = self._look, np.clip(ray_P3[:, 2:], 0.0, 1.0)
        sky: Array = look.horizon + (look.zenith - look.horizon) * np.sqrt(up)
        drift = ray_P3 / (up + 0.15) + np.array([0.02 * now / NS, 0, 0], np.float32)
        cloud = (self._texture.noise(drift, 0.16) + 0.5 * self._texture.noise(drift, 0.07))[:, None] / 1.5
        sky += np.clip(cloud - 0.75 + 0.5 * look.clouds, 0, 1) * look.day * np.sqrt(up)
        sky += 2 * look.sun * np.maximum(ray_P3 @ look.sun_direction, 0)[:, None] ** 60
        return sky
