"""What a picture network finds that never saw another sense: what bound towers have to be ahead of."""

from functools import cached_property
from typing import cast

from torch import Tensor, nn

from operators.encoders.execution import Runner
from operators.encoders.mini.efficientnet import HEAD
from operators.encoders.mini.sight import Sight
from operators.encoders.mini.vision import MiniVision
from operators.evaluation.embedder import Embedder
from operators.space import Space
from pipeline.messages import Array, Clip, Execution


def picture_network(embedder: Embedder) -> Embedder:
    """Return an embedder of pictures by ``PictureFeatures``, which keeps its vectors where ``embedder`` does."""
    use = f"{PictureFeatures.__module__}:{PictureFeatures.__name__}"
    return Embedder(Space("mini", encoders={"vision": {"use": use}}), embedder.cache, embedder.tell)


class PictureFeatures:
    """EfficientNet-lite0, trained on ImageNet alone: the mean over the picture of its last map's 1280 channels."""

    modality: str = "vision"

    def __init__(self, execution: Execution = Execution()) -> None:
        self.execution = execution

    @property
    def dim(self) -> int:
        return HEAD

    def prepare(self, clip: Clip) -> Array:
        """Return (3, 224, 224) uint8, as ``MiniVision`` does."""
        return MiniVision().prepare(clip)

    def embed(self, batch: Array) -> Array:
        """Return (N, 1280) float32 with unit rows."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        return Runner(_Pooled(), self.execution)


class _Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sight = cast(Sight, MiniVision().network())

    def forward(self, pictures: Tensor) -> Tensor:
        return self.sight.see(pictures)[:, :HEAD]
