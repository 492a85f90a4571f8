"""Procedural textures: how much of a surface's second colour shows at a point, from where the ray hit.

P = pixels.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from scipy.ndimage import gaussian_filter

from pipeline.messages import Array
from sensors.simulator.look import PATTERNS, Surface
from sensors.simulator.rays import Hits

_SIDE = 64


class Patch(Struct, frozen=True, eq=False):
    """The pixels that show one pattern: place in the face in periods, place in metres, period, and finest grain."""

    u: Array
    v: Array
    local: Array
    scale: Array
    grain: Array


class Texture:
    """Patterns and noise in the coordinates of each geom's own place, so that they move with it."""

    def __init__(self, surfaces: Sequence[Surface], seed: int) -> None:
        rng = np.random.default_rng([seed, 7])
        cube = gaussian_filter(rng.standard_normal((_SIDE, _SIDE, _SIDE), np.float32), 1.2, mode="wrap")
        self._cube = np.clip(0.5 + 0.22 * cube / cube.std(), 0, 1).ravel()
        drawn = {"tiles": self._tiles, "bricks": self._bricks, "planks": self._planks}
        drawn |= {"blotches": self._blotches, "windows": self._windows}
        self._patterns = {index: drawn[name] for index, name in enumerate(PATTERNS) if name != "plain"}
        self._pattern = np.array([PATTERNS.index(surface.pattern) for surface in surfaces])
        self._scale = np.array([surface.scale for surface in surfaces], np.float32)

    def noise(self, point_P3: Array, period_m: Array | float) -> Array:
        """Return (P,) smooth noise in [0, 1] that repeats after 64 ``period_m``."""
        cell = np.floor(point_P3 / np.reshape(np.asarray(period_m, np.float32), (-1, 1))).astype(np.int32) & (_SIDE - 1)
        values: Array = self._cube[(cell[:, 0] * _SIDE + cell[:, 1]) * _SIDE + cell[:, 2]]
        return values

    def mix(self, hits: Hits, origin_P3: Array, pixel_rad: float) -> Array:
        """Return (P,) in [0, 1]; fades to the mean where the pattern is finer than the pixels."""
        scale = self._scale[hits.geom]
        local = hits.point - origin_P3
        u, v = _unfold(local, hits.normal)
        near = np.maximum(pixel_rad * hits.distance / 0.02, 1)
        grain = np.exp2(np.ceil(np.log2(near)))  # coarser far away, or the noise would be moiré
        kind, u, v = self._pattern[hits.geom], u / scale, v / scale
        mixed = 0.5 * self.noise(local, 0.07 * grain)
        for index, draw in self._patterns.items():
            mask = np.flatnonzero(kind == index)
            if len(mask):
                mixed[mask] = draw(Patch(u[mask], v[mask], local[mask], scale[mask], grain[mask]))
        sharp = np.clip(scale / (4 * pixel_rad * np.maximum(hits.distance, 0.1)), 0, 1)
        faded: Array = (1 - sharp) * 0.4 + sharp * mixed
        return faded

    def _tiles(self, patch: Patch) -> Array:
        checks: Array = (np.floor(patch.u) + np.floor(patch.v)) % 2
        return 0.8 * checks + 0.2 * self.noise(patch.local, 0.05 * patch.grain)

    def _bricks(self, patch: Patch) -> Array:
        row = 4 * patch.v
        joints: Array = ((patch.u + 0.5 * (np.floor(row) % 2)) % 1 < 0.06) | (row % 1 < 0.14)
        return 0.8 * joints + 0.2 * self.noise(patch.local, 0.04 * patch.grain)

    def _planks(self, patch: Patch) -> Array:
        across = 3 * patch.u
        boards: Array = 0.6 * ((np.floor(across) * 0.37) % 1) + 0.4 * (across % 1 < 0.1)
        return boards

    def _blotches(self, patch: Patch) -> Array:
        coarse, fine = self.noise(patch.local, 0.25 * patch.scale), self.noise(patch.local, 0.04 * patch.grain)
        return np.clip(2.2 * coarse + 0.6 * fine - 0.9, 0, 1)

    def _windows(self, patch: Patch) -> Array:
        panes: Array = (np.abs(patch.u % 1 - 0.5) < 0.32) & (np.abs(patch.v % 1 - 0.5) < 0.32)
        return panes


def _unfold(local: Array, normal: Array) -> tuple[Array, Array]:
    """Return two coordinates in the face: (x, y) on floors, (along, z) on walls."""
    steep = np.abs(normal)
    flat = steep[:, 2] > 0.7
    u = np.where(flat | (steep[:, 1] >= steep[:, 0]), local[:, 0], local[:, 1])
    return u, np.where(flat, local[:, 1], local[:, 2])
