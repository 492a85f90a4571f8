"""Thermal images on one fixed scale of temperature."""

from functools import cached_property

import numpy as np
import torch
from PIL import Image

from operators.encoders.square import SIDE, central_sample, centre_square
from operators.encoders.tower import Tower
from pipeline.messages import Array, Clip

ZERO_CELSIUS = 27315
"""In centikelvin."""

MEAN, STD = 0.3, 0.1
"""Of the placeholder tower's input: a room fills the middle of its range, ten degrees are 0.7 of a deviation."""


class ThermalEncoder:
    """Temperatures in ``[low_c, high_c]`` become [0, 1], the same in every frame: 30 °C always looks alike.

    Cameras stretch each frame to full contrast instead, and then a cup of tea shines like a fire. The default
    range spans winter to hot machines; beyond it, values are clamped. Grey images (uint8) have lost their
    temperatures; theirs is the camera's own scale. The weights are placeholders.
    """

    modality: str = "thermal"

    def __init__(self, dim: int = 256, seed: int = 0, low_c: float = -20.0, high_c: float = 120.0) -> None:
        if not low_c < high_c:
            raise ValueError(f"low_c {low_c} must be below high_c {high_c}")
        self.dim = dim
        self.seed = seed
        self.low_c = low_c
        self.high_c = high_c

    def prepare(self, clip: Clip) -> Array:
        """Return (1, 224, 224) float16 in [0, 1] of the frame nearest to the clip's centre.

        Raise ValueError for an empty clip, or a frame that is not (H, W) of uint16 or uint8.
        """
        frame = central_sample(clip).data
        match frame.dtype:
            case np.uint8:
                heat = frame / np.float32(255)
            case np.uint16:
                celsius = (frame.astype(np.float32) - ZERO_CELSIUS) / 100
                heat = np.clip((celsius - self.low_c) / (self.high_c - self.low_c), 0, 1)
            case _:
                raise ValueError(f"{clip.topic}: thermal is uint16 centikelvin or uint8 grey, this is {frame.dtype}")
        return centre_square(heat, Image.Resampling.BILINEAR).astype(np.float16)[np.newaxis]

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, 224, 224)."""
        return self._tower.embed((torch.tensor(batch, dtype=torch.float32) - MEAN) / STD)

    @cached_property
    def _tower(self) -> Tower:
        return Tower((1, SIDE, SIDE), (32, 32), self.dim, self.seed)
