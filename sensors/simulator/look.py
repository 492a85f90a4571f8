"""What a world looks like on one day: light, weather, temperatures and surfaces, all from the seed.

Light is linear and relative: 1 is a white wall in full sun. Temperatures are kelvin.
"""

import colorsys
import math
from typing import Literal

import numpy as np
from msgspec import Struct

from pipeline.messages import Array

RGB = tuple[float, float, float]
Pattern = Literal["plain", "tiles", "bricks", "planks", "blotches", "windows"]
PATTERNS: tuple[Pattern, ...] = ("plain", "tiles", "bricks", "planks", "blotches", "windows")
CELSIUS = 273.15


class Surface(Struct, frozen=True, kw_only=True):
    """One geom's skin.

    ``scale`` is the pattern's period in metres. ``warmth`` is its own heat above the surroundings in kelvin,
    ``alive`` the share of the way from the surroundings to skin at 307 K, ``glow`` the light it gives off.
    Emissivities of common materials are 0.90–0.97, of bare metals 0.1–0.6 (Incropera et al., Fundamentals of
    Heat and Mass Transfer, table A.11).
    """

    colour: RGB
    accent: RGB = (0.2, 0.2, 0.2)
    pattern: Pattern = "plain"
    scale: float = 0.5
    emissivity: float = 0.94
    warmth: float = 0.0
    glow: float = 0.0
    alive: float = 0.0


class Look:
    """The day of one seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 2])
        hour = rng.uniform(0, 24)
        elevation = math.radians(58) * math.sin(math.pi * (hour - 6) / 12)
        azimuth = rng.uniform(0, 2 * math.pi)
        self.day = min(max(math.sin(elevation) * 3 + 0.3, 0.0), 1.0)  # 0 at night, 1 when the sun is well up
        self.clouds = rng.uniform(0, 1)
        self.visibility_m = rng.uniform(40, 400)
        self.sun_direction = _unit(math.cos(azimuth), math.sin(azimuth), max(math.tan(elevation), 0.12))
        low = 1 - min(max(math.sin(elevation) * 2, 0.0), 1.0)  # a low sun is red
        self.sun = self.day * (1 - 0.8 * self.clouds) * _vector(1.0, 0.95 - 0.3 * low, 0.88 - 0.55 * low)
        self.zenith = 0.006 + self.day * _mix((0.12, 0.26, 0.6), (0.45, 0.47, 0.5), self.clouds)
        self.horizon = 0.009 + self.day * _mix((0.55, 0.65, 0.8 - 0.4 * low), (0.5, 0.5, 0.52), self.clouds)
        self.lamp = rng.uniform(0.08, 0.35) * _vector(1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0))
        self.lamp_direction = _unit(rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4), 1.0)
        self.headlight = rng.uniform(0.1, 0.3)
        self.outdoors = CELSIUS + rng.uniform(-8, 26) + 3 * self.day
        self.indoors = CELSIUS + rng.uniform(14, 26)
        self.sky = self.outdoors - 8 - 40 * (1 - self.clouds) * rng.uniform(0.7, 1.0)


def tint(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> RGB:
    """Return a random colour as linear RGB."""
    r, g, b = colorsys.hsv_to_rgb(rng.uniform(0, 1), rng.uniform(*saturation), rng.uniform(*value))
    return r * r, g * g, b * b


def shade(colour: RGB, factor: float) -> RGB:
    """Return a darker or brighter version of a colour."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _unit(x: float, y: float, z: float) -> Array:
    return _vector(x, y, z) / np.float32(math.sqrt(x * x + y * y + z * z))


def _mix(a: RGB, b: RGB, share: float) -> Array:
    return _vector(*((1 - share) * x + share * y for x, y in zip(a, b, strict=True)))


def _vector(x: float, y: float, z: float) -> Array:
    return np.array([x, y, z], np.float32)
