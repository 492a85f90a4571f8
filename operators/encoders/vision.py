"""Pictures: the first and the last frame of a clip."""

from functools import cached_property

import numpy as np
from PIL import Image

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner
from operators.encoders.picture import Size, check_size, fitted
from operators.encoders.tower import Architecture
from pipeline.messages import Array, Clip, Execution, Sample

MEAN = 255 * np.array([0.48145466, 0.4578275, 0.40821073], np.float32).reshape(3, 1, 1, 1)
STD = 255 * np.array([0.26862954, 0.26130258, 0.27577711], np.float32).reshape(3, 1, 1, 1)
"""Of RGB in [0, 255], by colour, frame, row and column; those that CLIP was trained with (arXiv 2103.00020)."""


class VisionEncoder:
    """Two frames, hence a notion of motion; a clip of one frame stands still.

    ``size`` in rows and columns need be neither square nor the one that the weights were learned for. ``crop`` keeps
    the middle of a picture as ImageBind does; without it the whole is stretched. No ``weights``: placeholders.
    """

    modality: str = "vision"

    def __init__(
        self,
        tower: Architecture = Architecture(),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        size: tuple[int, int] = (224, 224),
        crop: bool = True,
    ) -> None:
        check_size(size, tower.kernel)
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.size = size
        self.crop = crop

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return self._run.scale

    def prepare(self, clip: Clip) -> Array:
        """Return (3, 2, rows, columns) uint8: RGB of the first and the last frame, resized by a bicubic filter.

        Grey is repeated over the colours. Raise ValueError for an empty clip, or a frame that is not (H, W, 3) or
        (H, W) uint8.
        """
        if not clip.samples:
            raise ValueError(f"{clip.topic}: no sample in [{clip.start}, {clip.end})")
        first = planes(clip.samples[0], self.size, self.crop)
        last = planes(clip.samples[-1], self.size, self.crop) if len(clip.samples) > 1 else first
        return np.ascontiguousarray(np.stack([first, last], axis=1))

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 3, 2, rows, columns), uint8 or float in [0, 255]."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        tower = load_tower(self.modality, self.tower, self.weights, self.seed)
        return Runner(tower, self.execution, MEAN, STD)


def planes(sample: Sample, size: Size, crop: bool, resample: Image.Resampling = Image.Resampling.BICUBIC) -> Array:
    """Return (3, rows, columns) uint8, RGB. Raise ValueError for a frame that is not (H, W, 3) or (H, W) uint8."""
    frame = sample.data
    is_picture = frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)
    if not is_picture or frame.size == 0 or frame.dtype != np.uint8:
        raise ValueError(f"{sample.topic}: a frame is (H, W, 3) or (H, W) uint8, this one {frame.shape} {frame.dtype}")
    picture = fitted(frame, size, crop, resample)
    return np.broadcast_to(picture if picture.ndim == 3 else picture[..., np.newaxis], (*size, 3)).transpose(2, 0, 1)
