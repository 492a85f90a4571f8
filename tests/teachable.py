"""An anchor and an encoder to be bound to it, both small enough to see what they learn: how bright, and how warm."""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from operators.encoders.execution import Runner
from pipeline.messages import Array, Clip, Execution

DIM, WAVES = 16, np.arange(1, 9) * 1.5


class Brightness:
    """The mean of a picture, as a point on a curve on which what is alike is near."""

    modality: str = "vision"
    dim: int = DIM

    def prepare(self, clip: Clip) -> Array:
        """(1,) float32 in [0, 1]."""
        return np.array([clip.samples[0].data.mean() / 255], np.float32)

    def embed(self, batch: Array) -> Array:
        """(N, 16) float32."""
        angles = batch * WAVES
        waves: Array = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / WAVES.size**0.5
        return waves.astype(np.float32)


class Warmth:
    """The mean of a thermal image, by a network that has to find out what it means."""

    modality: str = "thermal"
    dim: int = DIM

    def __init__(self, weights: str = "", execution: Execution = Execution()) -> None:
        self.weights = weights
        self.execution = execution

    def prepare(self, clip: Clip) -> Array:
        """(1,) float32. Raise ValueError for an image that is colder than anything."""
        level = clip.samples[0].data.mean()
        if level < 1:
            raise ValueError(f"{clip.topic}: nothing is that cold")
        return np.array([level / 65535], np.float32)

    def embed(self, batch: Array) -> Array:
        """(N, 16) float32."""
        return self._run(batch)

    def network(self) -> nn.Module:
        """Two layers."""
        torch.manual_seed(0)
        network = Layers()
        if self.weights:
            network.load_state_dict(load_file(self.weights))
        return network

    def store(self, network: nn.Module, path: Path) -> None:
        """As safetensors."""
        save_file(network.state_dict(), path)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self.network(), self.execution)


class Layers(nn.Module):
    """(N, 1) to (N, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.project = nn.Linear(1, 128), nn.Linear(128, DIM)
        nn.init.uniform_(self.wide.weight, -20, 20)
        nn.init.uniform_(self.wide.bias, -10, 10)

    def forward(self, x: Tensor) -> Tensor:
        vectors: Tensor = self.project(torch.tanh(self.wide(x)))
        return vectors
