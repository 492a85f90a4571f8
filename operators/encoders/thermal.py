"""Thermal images, on one scale of temperature or stretched as cameras do."""

from functools import cached_property
from pathlib import Path

import numpy as np
from torch import nn

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner
from operators.encoders.holes import fitted_without_holes
from operators.encoders.picture import central_sample, check_size
from operators.encoders.tower import Architecture, Tower
from operators.encoders.training import Standardized, store
from pipeline.messages import Array, Clip, Execution, Sample

ZERO_CELSIUS = 27315
"""In centikelvin."""

GREY = 4
"""Colours this close are grey: a chroma value off by one in Y'CbCr moves them 3 apart (ITU-R BT.601)."""


class ThermalEncoder:
    """Temperatures in ``[low_c, high_c]`` become [0, 1], the same in every frame: 30 °C always looks alike.

    Cameras stretch each frame to full contrast instead, and then a cup of tea shines like a fire. The default
    range spans winter to hot machines; beyond it, values are clamped. With ``percentiles`` frames of temperatures are
    stretched as cameras do, so that these two of a frame become 0 and 1, for weights that have learned from such
    pictures; a frame of one temperature is 0.5 all over. Grey images have lost their temperatures: theirs is the
    camera's own scale, and they stay as they are.

    A dead pixel (NaN, infinite, 0 K) takes the mean of those around it, a wider hole the value of the nearest alive.
    The tower sees ``(value - mean) / std``. No ``weights``: placeholders, to which a room fills the middle of the
    range and ten degrees are 0.7 of a deviation.
    """

    modality: str = "thermal"

    def __init__(
        self,
        tower: Architecture = Architecture(),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        size: tuple[int, int] = (224, 224),
        crop: bool = True,
        low_c: float = -20.0,
        high_c: float = 120.0,
        percentiles: tuple[float, float] | None = None,
        mean: float = 0.3,
        std: float = 0.1,
    ) -> None:
        check_size(size, tower.kernel)
        if not low_c < high_c:
            raise ValueError(f"low_c {low_c} must be below high_c {high_c}")
        if percentiles is not None and not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise ValueError(f"percentiles {list(percentiles)} must rise, within 0 to 100")
        if not std > 0:
            raise ValueError(f"std {std} must be above 0")
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.size = size
        self.crop = crop
        self.low_c = low_c
        self.high_c = high_c
        self.percentiles = percentiles
        self.mean = mean
        self.std = std

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature, that of the contrastive loss."""
        return self._run.scale

    def prepare(self, clip: Clip) -> Array:
        """Return (1, rows, columns) float16 in [0, 1] of the frame nearest to the clip's centre.

        Raise ValueError for an empty clip, a frame that is not (H, W) of uint16, float or uint8, one whose pixels are
        all dead, or one in false colours; three equal colours are grey.
        """
        sample = central_sample(clip)
        frame = _one_channel(sample)
        match frame.dtype:
            case np.uint8:
                alive = np.ones(frame.shape, bool)
                heat = frame / np.float32(255)
            case np.uint16:
                alive = frame > 0
                heat = self._scaled((frame.astype(np.float32) - ZERO_CELSIUS) / 100, alive)
            case _:
                celsius = frame.astype(np.float32)
                alive = np.isfinite(celsius)
                heat = self._scaled(celsius, alive)
        filled = fitted_without_holes(heat, alive, self.size, self.crop)
        if filled is None:
            raise ValueError(f"{clip.topic}: a thermal frame without one live pixel at {sample.stamp}")
        return filled.astype(np.float16)[np.newaxis]

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, rows, columns)."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self._tower(), self.execution, self.mean, self.std)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained."""
        return Standardized(self._tower(), self.mean, self.std)

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        store(network, path)

    def _tower(self) -> Tower:
        return load_tower(self.modality, self.tower, self.weights, self.seed)

    def _scaled(self, celsius: Array, alive: Array) -> Array:
        """Return (H, W) float32 in [0, 1]; where a pixel is dead it means nothing."""
        low, high = self.low_c, self.high_c
        if self.percentiles is not None and alive.any():
            low, high = np.percentile(celsius[alive], self.percentiles)
        if low == high:
            return np.full_like(celsius, 0.5)
        scaled: Array = np.clip((celsius - low) / (high - low), 0, 1)
        return scaled


def _one_channel(sample: Sample) -> Array:
    """Return (H, W) of uint8, uint16 or float."""
    frame = sample.data
    if frame.ndim == 3 and frame.shape[2] == 3 and frame.dtype in (np.uint8, np.uint16):
        if np.ptp(frame, axis=2).max() > GREY:
            raise ValueError(
                f"{sample.topic}: a thermal frame in false colours, {frame.shape} {frame.dtype}: a palette hides the"
                " temperatures, so the camera must send grey or radiometric frames"
            )
        frame = frame[..., 1]
    if frame.ndim != 2 or (frame.dtype not in (np.uint8, np.uint16) and frame.dtype.kind != "f"):
        raise ValueError(
            f"{sample.topic}: thermal is (H, W) of uint16 centikelvin, float °C or uint8 grey, this is"
            f" {frame.shape} {frame.dtype}"
        )
    return frame
