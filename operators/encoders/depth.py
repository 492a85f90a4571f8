"""Depth images as disparity, without holes."""

from functools import cached_property

import numpy as np
import torch
from PIL import Image
from scipy import ndimage

from operators.encoders.square import SIDE, central_sample, centre_square
from operators.encoders.tower import Tower
from pipeline.messages import Array, Clip

MEAN, STD = 0.1, 0.1
"""Of the placeholder tower's input: 2 m is the middle of its range."""


class DepthEncoder:
    """Disparity ``near_m / depth``: what is near counts, as in the ImageBind paper (arXiv 2305.05665, appendix A).

    Depth is clamped to ``[near_m, far_m]``. A hole (0, NaN) takes the mean disparity of the valid pixels under the
    resampling filter, and a wider one that of the nearest valid pixel; an image without any return is all far.
    The weights are placeholders.
    """

    modality: str = "depth"

    def __init__(self, dim: int = 256, seed: int = 0, near_m: float = 0.2, far_m: float = 50.0) -> None:
        if not 0 < near_m < far_m:
            raise ValueError(f"near_m {near_m} must be above 0 and below far_m {far_m}")
        self.dim = dim
        self.seed = seed
        self.near_m = near_m
        self.far_m = far_m

    def prepare(self, clip: Clip) -> Array:
        """Return (1, 224, 224) float16 in [near_m / far_m, 1] of the frame nearest to the clip's centre.

        Raise ValueError for an empty clip, or a frame that is not (H, W) of uint16 or float.
        """
        frame = central_sample(clip).data
        if frame.dtype != np.uint16 and frame.dtype.kind != "f":
            raise ValueError(f"{clip.topic}: depth is uint16 millimetres or float metres, this is {frame.dtype}")
        metres = frame.astype(np.float32) * np.float32(1 if frame.dtype.kind == "f" else 1e-3)
        return self._filled(metres).astype(np.float16)[np.newaxis]

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, 224, 224)."""
        return self._tower.embed((torch.tensor(batch, dtype=torch.float32) - MEAN) / STD)

    @cached_property
    def _tower(self) -> Tower:
        return Tower((1, SIDE, SIDE), (32, 32), self.dim, self.seed)

    def _filled(self, metres: Array) -> Array:
        """Return (224, 224) float32 disparity."""
        valid = metres > 0  # NaN is not
        disparity = self.near_m / np.clip(metres, self.near_m, self.far_m, where=valid, out=np.ones_like(metres))
        weights = centre_square(valid.astype(np.float32), Image.Resampling.BILINEAR)
        sums = centre_square(disparity * valid, Image.Resampling.BILINEAR)
        hole = weights < 1e-3
        if hole.all():
            return np.full((SIDE, SIDE), self.near_m / self.far_m, np.float32)
        filled = sums / np.where(hole, 1, weights)
        if hole.any():
            nearest = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
            filled = filled[tuple(nearest)]
        return filled
