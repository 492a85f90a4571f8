"""Networks of senses that have an image: a picture network, and what is read out of its maps.

N = images, M = dimensions of meaning, A = of layout, K = classes that came with the network, C = concepts learned.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.mini.concepts import Concepts
from operators.encoders.mini.efficientnet import CLASSES, HEAD, MIDDLE_CHANNELS, EfficientNetLite0, pooled
from operators.encoders.mini.joint import LAYOUT, joined

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
        cells = functional.adaptive_avg_pool2d(middle, GRID).flatten(2)
        layout_NA: Tensor = self.project((cells - cells.mean(2, keepdim=True)).flatten(1))
        return layout_NA


class Sight(nn.Module):
    """Pictures (N, 3, H, W) in [0, 255], or images (N, 1, H, W) in [0, 1], to vectors (N, D).

    An image of temperatures or of nearness is shown to the picture network as a grey one: with less certainty, it
    knows its classes still.
    """

    def __init__(self, learned: int) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.classes = nn.Linear(HEAD, CLASSES)
        self.concepts = Concepts(CLASSES, 2 * HEAD, learned)
        self.layout = Layout()

    def forward(self, images: Tensor) -> Tensor:
        middle, final = self.trunk(images if images.shape[1] == 3 else WHITE * images.expand(-1, 3, -1, -1))
        features = pooled(final)
        known_NK = torch.softmax(self.classes(features[:, :HEAD]), dim=-1)
        return joined(self.concepts(known_NK, features), self.layout(middle))
