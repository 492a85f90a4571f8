"""Depth images as disparity, without holes."""

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
from pipeline.messages import Array, Calibration, Clip, Execution

LONG_SIDE = 640
"""Pixels of the frame that disparity is told for: its longer side, so that a camera may stand on end."""


class DepthEncoder:
    """Disparity ``baseline · focal length / depth``: what is near counts (ImageBind, arXiv 2305.05665, appendix A).

    It is told in pixels of a frame 640 wide, so that a driver that halves the frame changes nothing; a disparity of
    ``max_disparity`` or more becomes 1. Focal length and baseline are those of the channel's calibration, else the
    parameters: ``focal_px``, for 640 pixels, is that of the Kinect which recorded NYU Depth v2 (its toolbox), and
    ``baseline_m`` is a Kinect's as Omnivore's authors have it (arXiv 2201.08377; for RealSense and Xtion 0.095).

    Depth is clamped to ``[near_m, far_m]``. A hole (0, NaN) takes the mean disparity of the valid pixels under the
    resampling filter, and a wider one that of the nearest valid pixel; an image without any return is all far.
    The tower sees ``(disparity / max_disparity - mean) / std``. No ``weights``: placeholders, to which 2 m is the
    middle of the range.
    """

    modality: str = "depth"

    def __init__(
        self,
        tower: Architecture = Architecture(),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        size: tuple[int, int] = (224, 224),
        crop: bool = True,
        near_m: float = 0.2,
        far_m: float = 50.0,
        focal_px: float = 518.86,
        baseline_m: float = 0.075,
        max_disparity: float = 200.0,
        mean: float = 0.1,
        std: float = 0.1,
    ) -> None:
        check_size(size, tower.kernel)
        if not 0 < near_m < far_m:
            raise ValueError(f"near_m {near_m} must be above 0 and below far_m {far_m}")
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.size = size
        self.crop = crop
        self.near_m = near_m
        self.far_m = far_m
        self.focal_px = focal_px
        self.baseline_m = baseline_m
        self.max_disparity = max_disparity
        self.mean = mean
        self.std = std
        for name in ("focal_px", "baseline_m", "max_disparity", "std"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} must be above 0")

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return self._run.scale

    def prepare(self, clip: Clip) -> Array:
        """Return (1, rows, columns) float16, disparity in (0, 1], of the frame nearest to the clip's centre.

        Raise ValueError for an empty clip, or a frame that is not (H, W) of uint16 or float.
        """
        frame = central_sample(clip).data
        if frame.ndim != 2 or (frame.dtype != np.uint16 and frame.dtype.kind != "f"):
            raise ValueError(
                f"{clip.topic}: depth is (H, W) of uint16 millimetres or float metres, this is"
                f" {frame.shape} {frame.dtype}"
            )
        metres = frame.astype(np.float32) * np.float32(1 if frame.dtype.kind == "f" else 1e-3)
        valid = metres > 0  # NaN is not
        constant = self._pixel_metres(clip.calibration, max(frame.shape)) / self.max_disparity
        depth = np.clip(metres, self.near_m, self.far_m, where=valid, out=np.full_like(metres, self.far_m))
        disparity = fitted_without_holes(np.minimum(constant / depth, 1), valid, self.size, self.crop)
        if disparity is None:
            disparity = np.full(self.size, min(constant / self.far_m, 1))
        return disparity.astype(np.float16)[np.newaxis]

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

    def _pixel_metres(self, calibration: Calibration, pixels: int) -> float:
        """Return baseline times focal length, for a frame whose long side has ``pixels``."""
        focal_px = calibration.focal_px * LONG_SIDE / pixels if calibration.focal_px > 0 else self.focal_px
        return focal_px * (calibration.baseline_m if calibration.baseline_m > 0 else self.baseline_m)
