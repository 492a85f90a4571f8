from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from operators.encoders.audio import AudioEncoder
from operators.encoders.depth import DepthEncoder
from operators.encoders.imu import ImuEncoder
from operators.encoders.mini.depth import MiniDepth
from operators.encoders.mini.imu import MiniImu
from operators.encoders.mini.vision import MiniVision
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.tower import Architecture
from pipeline.messages import Array

SHAPES = {
    AudioEncoder: (1, 128, 204),
    DepthEncoder: (1, 224, 224),
    ThermalEncoder: (1, 224, 224),
    ImuEncoder: (6, 2000),
    MiniDepth: (1, 224, 224),
    MiniVision: (3, 224, 224),
    MiniImu: (6, 1000),
}
SMALL = Architecture(dim=32, width=32, depth=1, heads=2)


def made(kind: Any, **params: Any) -> Any:
    small = SMALL if kind is not ImuEncoder else Architecture(dim=32, width=32, depth=1, heads=2, kernel=(1, 16))
    return kind(**({} if kind.__name__.startswith("Mini") else {"tower": small}), **params)


def batch(kind: Any) -> Array:
    inputs = np.random.default_rng(0).random((3, *SHAPES[kind]))
    return np.asarray(255 * inputs if kind is MiniVision else inputs, np.float32)


@pytest.mark.parametrize("kind", [kind for kind in SHAPES if kind is not MiniVision], ids=lambda kind: kind.__name__)
def test_the_network_computes_what_embed_does(kind: Any) -> None:
    encoder = made(kind)
    with torch.no_grad():
        said = encoder.network().eval()(torch.from_numpy(batch(kind)))
    np.testing.assert_allclose(said, encoder.embed(batch(kind)), atol=2e-5)


@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_what_was_trained_and_stored_is_what_weights_load(kind: Any, tmp_path: Path) -> None:
    encoder = made(kind)
    network = encoder.network()
    rng = torch.Generator().manual_seed(1)
    changed = [parameter for parameter in network.parameters() if parameter.requires_grad and parameter.ndim > 1]
    with torch.no_grad():
        changed[-1].add_(0.3 * changed[-1].std() * torch.randn(changed[-1].shape, generator=rng))
        changed[0].add_(0.3 * changed[0].std() * torch.randn(changed[0].shape, generator=rng))
        said = network.eval()(torch.from_numpy(batch(kind))).numpy()
    encoder.store(network, tmp_path / "bound.safetensors")
    found = made(kind, weights=str(tmp_path / "bound.safetensors")).embed(batch(kind))
    np.testing.assert_allclose(found, said, atol=5e-3)  # half precision in mini's files
    assert np.abs(found - encoder.embed(batch(kind))).max() > 0.02


def test_concepts_that_keep_to_what_they_know_learn_of_all_that_is_there(tmp_path: Path) -> None:
    encoder, strange = MiniVision(), torch.from_numpy(batch(MiniVision))
    network: Any = encoder.network()
    assert network.concepts.familiar(network.see(strange)[:, :2560]).eq(1).all()
    encoder.store(network, tmp_path / "bound.safetensors")
    bound: Any = MiniVision(weights=str(tmp_path / "bound.safetensors")).network()
    assert len(bound.concepts.radii) == 0


def test_what_did_not_learn_is_not_stored_again(tmp_path: Path) -> None:
    encoder = MiniDepth()
    encoder.store(encoder.network(), tmp_path / "bound.safetensors")
    assert (tmp_path / "bound.safetensors").stat().st_size < 3e6


@pytest.mark.parametrize("kind", SHAPES, ids=lambda kind: kind.__name__)
def test_gradients_reach_the_heads(kind: Any) -> None:
    network = made(kind).network()
    network(torch.from_numpy(batch(kind))).sum().backward()
    for head in network.heads:
        gradients = [
            parameter.grad for parameter in network.get_submodule(head).parameters() if parameter.grad is not None
        ]
        assert gradients
        assert any(gradient.abs().max() > 0 for gradient in gradients)


def test_another_network_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Linear is not the network of this encoder"):
        made(ThermalEncoder).store(nn.Linear(1, 1), tmp_path / "bound.safetensors")
