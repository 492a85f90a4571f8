"""Depth images for ``mini``."""

from functools import cached_property
from pathlib import Path

from msgspec.structs import replace
from torch import nn

from operators.encoders.depth import DepthEncoder
from operators.encoders.execution import Runner
from operators.encoders.mini.concepts import sizes_in
from operators.encoders.mini.joint import DIM
from operators.encoders.mini.sight import Sight
from operators.encoders.mini.storage import loaded, stored
from operators.encoders.picture import Size
from pipeline.messages import Array, Calibration, Clip, Execution


class MiniDepth:
    """Nearness ``near_m / depth`` in (0, 1], holes filled from around them, whatever the camera's lens.

    The frame nearest to the clip's centre is stretched to ``size``. No ``weights``: those that are shipped.
    """

    modality: str = "depth"

    def __init__(
        self, weights: str = "", execution: Execution = Execution(), size: Size = (224, 224), near_m: float = 0.5
    ) -> None:
        if not near_m > 0:
            raise ValueError(f"near_m {near_m} must be above 0")
        self._front = DepthEncoder(
            size=size,
            crop=False,
            near_m=near_m,
            far_m=max(50.0, 2 * near_m),
            focal_px=1.0,
            baseline_m=near_m,
            max_disparity=1.0,
        )
        self.weights = weights
        self.execution = execution
        self.size = size
        self.near_m = near_m

    @property
    def dim(self) -> int:
        return DIM

    def prepare(self, clip: Clip) -> Array:
        """Return (1, rows, columns) float16; raise ValueError as ``DepthEncoder`` does."""
        return self._front.prepare(replace(clip, calibration=Calibration()))

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, rows, columns)."""
        return self._run(batch)

    def rows_at_once(self) -> int:
        """Return how many images ``embed`` may be given together without changing a bit of any vector."""
        return self._run.rows_at_once((1, *self.size), 1.0)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained."""
        return loaded(lambda state: Sight(*sizes_in(state)), self.weights, self.modality, frozen="picture")

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        stored(network, path, frozen="picture")

    @cached_property
    def _run(self) -> Runner:
        return Runner(self.network(), self.execution)
