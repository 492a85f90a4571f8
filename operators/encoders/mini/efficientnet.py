"""EfficientNet-lite0: 4.7 M parameters, ImageNet's 1000 classes, batch norms folded into the convolutions.

Tan and Le, "EfficientNet", ICML 2019, table 1; the lite variant has no squeeze-and-excitation, ReLU6 for swish, and
stem and head of their own size (TensorFlow's TPU models repository, efficientnet/lite).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from operators.encoders.convolution import SameConv2d

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Blocks, kernel, stride of the first, expansion and outputs of each stage."""

STEM, HEAD, CLASSES = 32, 1280, 1000

MIDDLE = 4
"""The last stage at a sixteenth of the picture's size: still sharp, and no longer about colours."""

MIDDLE_CHANNELS = STAGES[MIDDLE][4]

MEAN, STD = 127.0, 128.0
"""Of RGB in [0, 255], all colours alike."""


class EfficientNetLite0(nn.Module):
    """Pictures (N, 3, H, W) in [0, 255] to two maps, (N, 112, H/16, W/16) and (N, 1280, H/32, W/32).

    It was trained on pictures of 224 × 224.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, STEM, 3, stride=2, activation="relu6")
        widths = pairwise((STEM, *(stage[4] for stage in STAGES)))
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    _Block(inputs if n == 0 else outputs, outputs, kernel, stride if n == 0 else 1, expansion)
                    for n in range(blocks)
                )
            )
            for (blocks, kernel, stride, expansion, _), (inputs, outputs) in zip(STAGES, widths, strict=True)
        )
        self.head = SameConv2d(STAGES[-1][4], HEAD, 1, activation="relu6")

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem((pictures - MEAN) / STD)
        middle = x
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number == MIDDLE:
                middle = x
        return middle, self.head(x)


class _Block(nn.Module):
    """Wider, over the neighbourhood channel by channel, and narrower again; around it where nothing changes size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = SameConv2d(inputs, wide, 1, activation="relu6") if expansion > 1 else nn.Identity()
        self.depthwise = SameConv2d(wide, wide, kernel, stride, groups=wide, activation="relu6")
        self.project = SameConv2d(wide, outputs, 1)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


def pooled(final: Tensor) -> Tensor:
    """Return (N, 2560): mean and maximum over the picture of each of the last map's channels."""
    return torch.cat([final.mean((2, 3)), final.amax((2, 3))], dim=1)
