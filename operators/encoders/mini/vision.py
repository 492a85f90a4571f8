"""Pictures for ``mini``: one frame of a clip."""

from functools import cached_property
from pathlib import Path

from PIL import Image
from torch import nn

from operators.encoders.execution import Runner
from operators.encoders.mini.concepts import sizes_in
from operators.encoders.mini.joint import DIM
from operators.encoders.mini.sight import Sight
from operators.encoders.mini.storage import loaded, stored
from operators.encoders.picture import Size, central_sample
from operators.encoders.vision import planes
from pipeline.messages import Array, Clip, Execution


class MiniVision:
    """The frame nearest to the clip's centre, stretched to ``size``: nothing at its edges is left out.

    No ``weights``: those that are shipped.
    """

    modality: str = "vision"

    def __init__(self, weights: str = "", execution: Execution = Execution(), size: Size = (224, 224)) -> None:
        if min(size) < 64:
            raise ValueError(f"size {list(size)} must be 64 × 64 at least")
        self.weights = weights
        self.execution = execution
        self.size = size

    @property
    def dim(self) -> int:
        return DIM

    def prepare(self, clip: Clip) -> Array:
        """Return (3, rows, columns) uint8, RGB.

        Raise ValueError for an empty clip, or a frame that is not (H, W, 3) or (H, W) uint8.
        """
        return planes(central_sample(clip), self.size, crop=False, resample=Image.Resampling.BICUBIC).copy()

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 3, rows, columns), uint8 or float in [0, 255]."""
        return self._run(batch)

    def rows_at_once(self) -> int:
        """Return how many images ``embed`` may be given together without changing a bit of any vector."""
        return self._run.rows_at_once((3, *self.size), 255.0)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained: its concepts speak of all that they are shown."""
        network = self._network()
        network.concepts.speak_of_everything()
        return network

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        stored(network, path, frozen="picture")

    @cached_property
    def _run(self) -> Runner:
        return Runner(self._network(), self.execution)

    def _network(self) -> Sight:
        return loaded(lambda state: Sight(*sizes_in(state)), self.weights, self.modality, frozen="picture")
