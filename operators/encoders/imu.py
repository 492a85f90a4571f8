"""Inertial measurements on an even grid of time."""

from functools import cached_property
from math import inf, pi
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from torch import nn

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner
from operators.encoders.tower import Architecture, Tower
from operators.encoders.training import Standardized, store
from pipeline.messages import NS, Array, Clip, Execution

Order = Literal["acceleration first", "rotation first"]
Row6 = tuple[float, float, float, float, float, float]

GRAVITY = 9.80665
"""Of one g, in m/s² (standard gravity, CGPM 1901)."""

ACCELERATION_UNITS = {"m/s2": 1.0, "g": GRAVITY}
ROTATION_UNITS = {"rad/s": 1.0, "deg/s": pi / 180}

LARGEST = 1e7
"""Readings beyond are broken bits, in any unit: a shock accelerometer ends at 2e6 m/s². A line's gate has let none of
them in; files pass no gate."""

HOLE = NS // 10
"""Between samples further apart than this the last one is held; nearer ones are joined by a line."""


class ImuEncoder:
    """Acceleration with gravity in m/s² and rotation in rad/s, six rows; a missing gyroscope is zeros.

    Gravity stays in: it tells how the rig stands. Units that a channel's calibration names are converted. A reading
    that is not finite, or beyond LARGEST, counts as missing, the acceleration and the rotation each for itself.

    ``steps`` stretch over the whole clip: ImageBind's 2000 were five seconds (arXiv 2305.05665, appendix A), so its
    weights want clips of that length. Which rows come first and their units are not published: ``order`` says the
    former, and ``std``, always in the order ax ay az gx gy gz, what the tower sees them divided by. The defaults
    are one g and 1 rad/s. No ``weights``: placeholders.
    """

    modality: str = "imu"

    def __init__(
        self,
        tower: Architecture = Architecture(kernel=(1, 16)),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        steps: int = 2000,
        order: Order = "acceleration first",
        std: Row6 = (GRAVITY, GRAVITY, GRAVITY, 1.0, 1.0, 1.0),
    ) -> None:
        if tower.kernel[0] != 1 or steps < tower.kernel[1]:
            raise ValueError(f"steps {steps} must hold at least one patch of {list(tower.kernel)}, one row high")
        if order not in get_args(Order):
            raise ValueError(f"order {order!r} must be one of {', '.join(map(repr, get_args(Order)))}")
        if len(std) != 6 or not all(0 < value < inf for value in std):
            raise ValueError(f"std {list(std)} must be six numbers above 0")
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.steps = steps
        self.order = order
        self.std = std

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return self._run.scale

    def prepare(self, clip: Clip) -> Array:
        """Return (6, steps) float32: the clip's ``[start, end)`` in even steps, in m/s² and rad/s, by ``order``.

        Each step is the mean of the readings in it if there are more readings than steps, and the value at its
        middle if there are fewer. Before the first reading its value stands, after the last one that one's.
        Raise ValueError for a sample that is not (6,) or (3,), or if no acceleration is finite.
        """
        readings_T6 = _readings(clip)
        stamps_T = np.array([sample.stamp - clip.start for sample in clip.samples], np.float64)
        edges = np.linspace(0, clip.end - clip.start, self.steps + 1)
        acceleration = _steps(stamps_T, readings_T6[:, :3], edges)
        rotation = _steps(stamps_T, readings_T6[:, 3:], edges)
        if acceleration is None:
            raise ValueError(f"{clip.topic}: none of {len(clip.samples)} samples has a finite acceleration")
        return self._ordered(acceleration, np.zeros_like(acceleration) if rotation is None else rotation)

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 6, steps)."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self._tower(), self.execution, 0.0, self._scale())

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained."""
        return Standardized(self._tower(), 0.0, self._scale())

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        store(network, path)

    def _tower(self) -> Tower:
        return load_tower(self.modality, self.tower, self.weights, self.seed)

    def _scale(self) -> Array:
        std = np.array(self.std, np.float32).reshape(6, 1)
        return self._ordered(std[:3], std[3:])

    def _ordered(self, acceleration: Array, rotation: Array) -> Array:
        """Return six rows as float32."""
        rows = (acceleration, rotation) if self.order == "acceleration first" else (rotation, acceleration)
        return np.concatenate(rows).astype(np.float32)


def _readings(clip: Clip) -> Array:
    """Return (T, 6) float64 in m/s² and rad/s; what is missing, or what no sensor reads, is NaN."""
    readings_T6 = np.full((len(clip.samples), 6), np.nan)
    for row, sample in zip(readings_T6, clip.samples, strict=True):
        if sample.data.shape not in ((6,), (3,)) or sample.data.dtype.kind not in "fiu":
            raise ValueError(
                f"{clip.topic}: an IMU sample is 6 or 3 numbers, this one {sample.data.shape} {sample.data.dtype}"
            )
        row[: sample.data.size] = sample.data
    readings_T6[~(np.abs(readings_T6) <= LARGEST)] = np.nan
    readings_T6[:, :3] *= ACCELERATION_UNITS[clip.calibration.acceleration_unit]
    readings_T6[:, 3:] *= ROTATION_UNITS[clip.calibration.rotation_unit]
    return readings_T6


def _steps(stamps_T: Array, values_T3: Array, edges: Array) -> Array | None:
    """Return (3, steps) of the finite values, for the steps between (steps + 1,) edges; None if there are none."""
    finite_T = np.isfinite(values_T3).all(1)
    stamps, values, middles = stamps_T[finite_T], values_T3[finite_T], (edges[:-1] + edges[1:]) / 2
    if not len(stamps):
        return None
    if len(stamps) > len(middles):
        stamps, values = _means(stamps, values, edges)
    before = np.clip(np.searchsorted(stamps, middles, "right") - 1, 0, len(stamps) - 1)
    after = np.minimum(before + 1, len(stamps) - 1)
    held = stamps[after] - stamps[before] > HOLE
    return np.stack([np.where(held, row[before], np.interp(middles, stamps, row)) for row in values.T])


def _means(stamps: Array, values: Array, edges: Array) -> tuple[Array, Array]:
    """Return stamps and values averaged over the readings of each step that has any."""
    _, step, counts = np.unique(np.searchsorted(edges, stamps, "right"), return_inverse=True, return_counts=True)
    means = [np.bincount(step, row) / counts for row in (stamps, *values.T)]
    return means[0], np.stack(means[1:], axis=1)
