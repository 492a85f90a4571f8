"""Thermal images for ``mini``."""

from functools import cached_property
from pathlib import Path

from torch import nn

from operators.encoders.execution import Runner
from operators.encoders.mini.concepts import sizes_in
from operators.encoders.mini.joint import DIM
from operators.encoders.mini.sight import Sight
from operators.encoders.mini.storage import loaded, stored
from operators.encoders.picture import Size
from operators.encoders.thermal import ThermalEncoder
from pipeline.messages import Array, Clip, Execution


class MiniThermal:
    """Temperatures in ``[low_c, high_c]`` become [0, 1], the same in every frame; grey images stay as they are.

    The range is that of living things and warm machines: a fire is beyond it, hence white. The frame nearest to the
    clip's centre is stretched to ``size``. No ``weights``: those that are shipped.
    """

    modality: str = "thermal"

    def __init__(
        self,
        weights: str = "",
        execution: Execution = Execution(),
        size: Size = (224, 224),
        low_c: float = -10.0,
        high_c: float = 50.0,
    ) -> None:
        self._front = ThermalEncoder(size=size, crop=False, low_c=low_c, high_c=high_c)
        self.weights = weights
        self.execution = execution
        self.size = size
        self.low_c = low_c
        self.high_c = high_c

    @property
    def dim(self) -> int:
        return DIM

    def prepare(self, clip: Clip) -> Array:
        """Return (1, rows, columns) float16 in [0, 1]; raise ValueError as ``ThermalEncoder`` does."""
        return self._front.prepare(clip)

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
