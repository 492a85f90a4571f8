"""Inertial measurements on an even grid of time."""

from functools import cached_property

import numpy as np
import torch

from operators.encoders.tower import Tower
from pipeline.messages import NS, Array, Clip

STEPS = 2000
"""Of ImageBind's IMU input (arXiv 2305.05665, appendix A): five seconds at 400 Hz."""

HOLE = NS // 10
"""Between samples further apart than this the last one is held; nearer ones are joined by a line."""

SCALE = (9.81, 9.81, 9.81, 1.0, 1.0, 1.0)
"""Of the placeholder tower's input: gravities and rad/s."""


class ImuEncoder:
    """Acceleration with gravity in m/s², then rotation in rad/s, six rows; a missing gyroscope is zeros.

    Gravity stays in: it tells how the rig stands. Samples that are not finite count as missing.
    The weights are placeholders.
    """

    modality: str = "imu"

    def __init__(self, dim: int = 256, seed: int = 0) -> None:
        self.dim = dim
        self.seed = seed

    def prepare(self, clip: Clip) -> Array:
        """Return (6, 2000) float32: the clip's ``[start, end)`` in even steps, ax ay az gx gy gz.

        Each step is the mean of the samples in it if there are more samples than steps, and the value at its
        middle if there are fewer. Before the first sample its value stands, after the last one that one's.
        Raise ValueError for a sample that is not (6,) or (3,), or if none is finite.
        """
        for sample in clip.samples:
            if sample.data.shape not in ((6,), (3,)) or sample.data.dtype.kind not in "fiu":
                raise ValueError(
                    f"{clip.topic}: an IMU sample is 6 or 3 numbers, this one {sample.data.shape} {sample.data.dtype}"
                )
        values = np.zeros((len(clip.samples), 6))
        for row, sample in zip(values, clip.samples, strict=True):
            row[: sample.data.size] = sample.data
        finite = np.isfinite(values).all(1)
        if not finite.any():
            raise ValueError(f"{clip.topic}: none of {len(clip.samples)} samples is finite")
        stamps = np.array([sample.stamp - clip.start for sample in clip.samples], np.float64)[finite]
        edges = np.linspace(0, clip.end - clip.start, STEPS + 1)
        return _steps(stamps, values[finite], edges).astype(np.float32)

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 6, 2000)."""
        motion = torch.tensor(batch, dtype=torch.float32) / torch.tensor(SCALE).view(6, 1)
        return self._tower.embed(motion.unsqueeze(2))

    @cached_property
    def _tower(self) -> Tower:
        return Tower((6, 1, STEPS), (1, 16), self.dim, self.seed)


def _steps(stamps: Array, values: Array, edges: Array) -> Array:
    """Return (6, 2000) of (T, 6) values at (T,) stamps, for the steps between (2001,) edges."""
    middles = (edges[:-1] + edges[1:]) / 2
    if len(stamps) > STEPS:
        stamps, values = _means(stamps, values, edges)
    before = np.clip(np.searchsorted(stamps, middles, "right") - 1, 0, len(stamps) - 1)
    after = np.minimum(before + 1, len(stamps) - 1)
    held = stamps[after] - stamps[before] > HOLE
    return np.stack([np.where(held, row[before], np.interp(middles, stamps, row)) for row in values.T])


def _means(stamps: Array, values: Array, edges: Array) -> tuple[Array, Array]:
    """Return stamps and values averaged over the samples of each step that has any."""
    _, step, counts = np.unique(np.searchsorted(edges, stamps, "right"), return_inverse=True, return_counts=True)
    means = [np.bincount(step, row) / counts for row in (stamps, *values.T)]
    return means[0], np.stack(means[1:], axis=1)
