"""Convolutions with TensorFlow's padding, which both picture and sound network were trained with."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "": lambda x: x,
    "relu": partial(functional.relu, inplace=True),
    "relu6": partial(functional.relu6, inplace=True),
}
"""What may follow a convolution, by its name."""


class SameConv2d(nn.Conv2d):
    """Pads so that the output has ceil(input / stride) rows and columns; of an odd number, one more after than before.

    What comes out goes through ``activation``.

    >>> SameConv2d(3, 8, 3, stride=2)(torch.zeros(1, 3, 224, 224)).shape
    torch.Size([1, 8, 112, 112])
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: str = ""
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, columns = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
        if rows % 2 or columns % 2:
            x = functional.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
            rows = columns = 0  # else the convolution pads, which spares a copy
        padding = (rows // 2, columns // 2)
        y = functional.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        return ACTIVATIONS[self.activation](y)


def folded(
    weight: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor, beta: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution that does what this one and the batch norm after it did."""
    scale = gamma * torch.rsqrt(variance + eps)
    return weight * scale.reshape(-1, 1, 1, 1), beta - mean * scale
