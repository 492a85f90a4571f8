"""Networks of senses that have an image: a picture network, and what is read out of its maps.

N = images, M = dimensions of meaning, A = of layout, K = classes that came with the network, C = concepts learned, F
= cells of a layout, 16 a channel.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.mini.concepts import PROTOTYPES, Concepts
from operators.encoders.mini.efficientnet import CLASSES, HEAD, MIDDLE_CHANNELS, EfficientNetLite0, pooled
from operators.encoders.mini.joint import LAYOUT, joined, one_by_one

GRID = 4
"""Cells of a layout, each way."""

WHITE = 255.0


class Layout(nn.Module):
    """Where things are: the middle map in 4 × 4 cells, as deviations from the image's own mean, read by (A,) rows.

    The mean over its cells is what an image is made of, its colours or its palette of temperatures; without it a
    thermal image lies where the picture of the same place does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(MIDDLE_CHANNELS * GRID**2, LAYOUT)

    def forward(self, middle: Tensor) -> Tensor:
        layout_NA: Tensor = self.project(cells_of(middle))
        return layout_NA


def cells_of(middle: Tensor) -> Tensor:
    """Return (N, F): the cells of a map, channel by channel, less the mean of each channel."""
    cells = functional.adaptive_avg_pool2d(middle, GRID).flatten(2)
    return (cells - cells.mean(2, keepdim=True)).flatten(1)


class Sight(nn.Module):
    """Pictures (N, 3, H, W) in [0, 255], or images (N, 1, H, W) in [0, 1], to vectors (N, D).

    An image of temperatures or of nearness is shown to the picture network as a grey one: with less certainty, it
    knows its classes still.
    """

    heads = ("concepts.learned", "layout.project")

    def __init__(self, learned: int, prototypes: int = PROTOTYPES) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.classes = nn.Linear(HEAD, CLASSES)
        self.concepts = Concepts(CLASSES, 2 * HEAD, learned, prototypes)
        self.layout = Layout()

    def forward(self, images: Tensor) -> Tensor:
        seen = self.see(images)
        return self.read(seen) if self.training else one_by_one(self.read, seen)

    def see(self, images: Tensor) -> Tensor:
        """Return (N, 2 * HEAD + F): what the trunk makes of images, its pooled features and the cells of a layout."""
        middle, final = self.trunk(images if images.shape[1] == 3 else WHITE * images.expand(-1, 3, -1, -1))
        return torch.cat([pooled(final), cells_of(middle)], dim=1)

    def read(self, seen: Tensor) -> Tensor:
        """Return (N, D) for what was seen."""
        features, cells = seen[:, : 2 * HEAD], seen[:, 2 * HEAD :]
        known_NK = torch.softmax(self.classes(features[:, :HEAD]), dim=-1)
        return joined(self.concepts(known_NK, features), self.layout.project(cells))
