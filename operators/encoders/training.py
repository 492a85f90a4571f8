"""Towers as what is trained: from prepared inputs to unit vectors, and back into a file."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from operators.encoders.checkpoint import state_of
from operators.encoders.tower import Tower
from pipeline.messages import Array


class Standardized(nn.Module):
    """``tower`` of ``(x - mean) / std``: what a runner computes, with gradients. N = inputs, W = width of the tower.

    ``mean`` and ``std`` are in the units of the input and broadcast over one input's dimensions.
    """

    def __init__(self, tower: Tower, mean: Array | float = 0.0, std: Array | float = 1.0) -> None:
        super().__init__()
        self.tower = tower
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32), persistent=False)
        self.register_buffer("std", torch.as_tensor(std, dtype=torch.float32), persistent=False)

    heads = ("tower.norm", "tower.head")
    mean: Tensor
    std: Tensor

    def forward(self, x: Tensor) -> Tensor:
        vectors_ND: Tensor = self.tower((x - self.mean) / self.std)
        return vectors_ND


def store(network: nn.Module, path: Path) -> None:
    """Write a trained ``Standardized`` by ImageBind's keys. Raise ValueError for another network."""
    if not isinstance(network, Standardized):
        raise ValueError(f"{type(network).__name__} is not the network of this encoder")
    save_file(state_of(network.tower), path)
