"""Pictures: the first and the last frame of a clip."""

from functools import cached_property

import numpy as np
import torch
from PIL import Image

from operators.encoders.square import SIDE, centre_square
from operators.encoders.tower import Tower
from pipeline.messages import Array, Clip, Sample

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
"""Of RGB in [0, 1]; those that CLIP was trained with."""


class VisionEncoder:
    """Two frames, hence a notion of motion; a clip of one frame stands still. The weights are placeholders."""

    modality: str = "vision"

    def __init__(self, dim: int = 256, seed: int = 0) -> None:
        self.dim = dim
        self.seed = seed

    def prepare(self, clip: Clip) -> Array:
        """Return (2, 3, 224, 224) uint8: first and last frame, RGB, bicubic; grey is repeated over the colours.

        Raise ValueError for an empty clip, or a frame that is not (H, W, 3) or (H, W) uint8.
        """
        if not clip.samples:
            raise ValueError(f"{clip.topic}: no sample in [{clip.start}, {clip.end})")
        first = _planes(clip.samples[0])
        last = _planes(clip.samples[-1]) if len(clip.samples) > 1 else first
        return np.ascontiguousarray(np.stack([first, last]))

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 2, 3, 224, 224) uint8."""
        mean, std = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(STD).view(3, 1, 1)
        pixels = (torch.tensor(batch, dtype=torch.float32) / 255 - mean) / std
        return self._tower.embed(pixels.flatten(1, 2))

    @cached_property
    def _tower(self) -> Tower:
        return Tower((6, SIDE, SIDE), (32, 32), self.dim, self.seed)


def _planes(sample: Sample) -> Array:
    """Return (3, 224, 224) uint8."""
    frame = sample.data
    is_picture = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
    if not is_picture or frame.size == 0 or frame.dtype != np.uint8:
        raise ValueError(f"{sample.topic}: a frame is (H, W, 3) or (H, W) uint8, this one {frame.shape} {frame.dtype}")
    square = centre_square(frame, Image.Resampling.BICUBIC)
    return np.broadcast_to(square if square.ndim == 3 else square[..., np.newaxis], (SIDE, SIDE, 3)).transpose(2, 0, 1)
