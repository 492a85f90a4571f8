"""What the encoders of pictures have in common: how weights, seed and execution reach their towers."""

import json
from typing import Any

import numpy as np
import pytest
from golden import golden, tensors
from situations import clip

from operators.encoders.depth import DepthEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.tower import Architecture
from operators.encoders.vision import MEAN, STD, VisionEncoder
from pipeline.messages import Execution

TINY = json.loads(golden("tiny_args.json").read_text())
WEIGHTS = str(golden("tiny_state_dict.safetensors"))
SIZES = {"width": "embed_dim", "depth": "num_blocks", "heads": "num_heads"}
ENCODERS: list[Any] = [VisionEncoder, DepthEncoder, ThermalEncoder]


def tiny(modality: str) -> Architecture:
    patch = 14 if modality == "vision" else 16
    sizes = {name: TINY[f"{modality}_{theirs}"] for name, theirs in SIZES.items()}
    return Architecture(dim=TINY["out_embed_dim"], kernel=(patch, patch), **sizes)


def test_golden_pictures_have_golden_vectors() -> None:
    encoder = VisionEncoder(tiny("vision"), WEIGHTS)
    pixels = tensors("tiny_inputs.safetensors")["vision_image"].astype(np.float32)[:, :, np.newaxis] * STD + MEAN
    vectors = encoder.scale * encoder.embed(pixels.repeat(2, axis=2))
    np.testing.assert_allclose(vectors, tensors("tiny_outputs.safetensors")["vision_image"], atol=1e-5)


@pytest.mark.parametrize("encoder", [DepthEncoder, ThermalEncoder])
def test_golden_depths_and_temperatures_have_golden_vectors(encoder: Any) -> None:
    built = encoder(tiny(encoder.modality), WEIGHTS, mean=0.0, std=1.0)
    vectors = built.scale * built.embed(tensors("tiny_inputs.safetensors")[encoder.modality].astype(np.float32))
    due = tensors("tiny_outputs.safetensors")[encoder.modality]
    np.testing.assert_allclose(vectors, due, atol=1e-5 * built.scale)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_another_seed_makes_other_placeholders(encoder: Any) -> None:
    batch = encoder().prepare(clip(encoder.modality))[np.newaxis]
    one, same, other = (encoder(seed=seed).embed(batch)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one @ other < 0.9


@pytest.mark.parametrize("encoder", ENCODERS)
def test_half_precision_points_the_same_way(encoder: Any) -> None:
    batch = encoder().prepare(clip(encoder.modality))[np.newaxis]
    half = encoder(execution=Execution(device="cpu", dtype="bfloat16")).embed(batch)[0]
    assert half.dtype == np.float32
    assert half @ encoder().embed(batch)[0] > 0.999
    assert not np.array_equal(half, encoder().embed(batch)[0])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_weights_of_other_sizes_are_refused_by_name(encoder: Any) -> None:
    with pytest.raises(ValueError, match=r"tiny_state_dict.safetensors: does not fit this"):
        encoder(weights=WEIGHTS).embed(encoder().prepare(clip(encoder.modality))[np.newaxis])
