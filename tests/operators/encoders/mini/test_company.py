"""What is embedded together is embedded as if alone, to the last bit: a replay, which batches, repeats its run."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from operators.encoders.mini.audio import MiniAudio
from operators.encoders.mini.depth import MiniDepth
from operators.encoders.mini.imu import MiniImu
from operators.encoders.mini.thermal import MiniThermal
from operators.encoders.mini.vision import MiniVision
from pipeline.messages import Array

SHAPES = {
    MiniVision: (3, 224, 224),
    MiniThermal: (1, 224, 224),
    MiniDepth: (1, 224, 224),
    MiniAudio: (3, 96, 64),
    MiniImu: (6, 1000),
}


def waves(number: int, shape: tuple[int, ...]) -> Array:
    """Return (number, *shape) float32 in [0, 1], each of a frequency of its own."""
    places = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    return np.stack([0.5 + 0.5 * np.sin(places * 40 * (n + 2)) for n in range(number)]).astype(np.float32)


@pytest.mark.parametrize("kind", SHAPES)
def test_as_many_as_may_go_together_come_out_as_each_alone(kind: Any) -> None:
    encoder = kind()
    batch = waves(encoder.rows_at_once(), SHAPES[kind])
    alone = np.concatenate([encoder.embed(row[np.newaxis]) for row in batch])
    np.testing.assert_array_equal(encoder.embed(batch), alone)
    assert len(np.unique(alone, axis=0)) == len(batch)


@pytest.mark.parametrize("kind", SHAPES)
def test_rows_are_read_one_by_one_but_in_training(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network: nn.Module = kind().network()
    read: Any = network.read
    sizes: list[int] = []

    def counted(seen: Tensor) -> Tensor:
        sizes.append(len(seen))
        vectors: Tensor = read(seen)
        return vectors

    monkeypatch.setattr(network, "read", counted)
    batch = torch.from_numpy(waves(3, SHAPES[kind]))
    with torch.inference_mode():
        vectors = network.eval()(batch)
        torch.testing.assert_close(network.train()(batch), vectors, atol=1e-5, rtol=0)
    assert sizes == [1, 1, 1, 3]
