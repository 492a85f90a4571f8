import json
from math import log

import numpy as np
import pytest
import torch
from golden import golden, tensors
from torch import Tensor

from operators.encoders.checkpoint import load_tower
from operators.encoders.tokens import PatchTokens
from operators.encoders.tower import FORMS, Architecture, Tower, seeded_tower
from operators.encoders.trunk import Attention

TINY = json.loads(golden("tiny_args.json").read_text())
PATCHES = {"vision": ((14, 14), None), "audio": ((16, 16), (10, 10)), "imu": ((1, 8), None)}
INPUTS = tensors("tiny_inputs.safetensors")
CASES = [(name, name.partition("_")[0], name in ("vision_video", "audio_clips")) for name in INPUTS]
"""Name, modality, and whether it holds several clips, of which the mean is taken."""

OUTPUTS = tensors("tiny_outputs.safetensors")
INSIDE = tensors("tiny_intermediates.safetensors")


def tiny(modality: str) -> Tower:
    kernel, stride = PATCHES.get(modality, ((16, 16), None))
    architecture = Architecture(
        dim=TINY["out_embed_dim"],
        width=TINY[f"{modality}_embed_dim"],
        depth=TINY[f"{modality}_num_blocks"],
        heads=TINY[f"{modality}_num_heads"],
        kernel=kernel,
        stride=stride,
    )
    return load_tower(modality, architecture, str(golden("tiny_state_dict.safetensors"))).eval()


def golden_input(name: str) -> Tensor:
    array = INPUTS[name]
    return torch.from_numpy(array).long() if name == "text" else torch.from_numpy(array).float()


@pytest.mark.parametrize(("name", "modality", "has_clips"), CASES)
@torch.inference_mode()
def test_outputs_are_those_of_the_reference(name: str, modality: str, has_clips: bool) -> None:
    tower, x = tiny(modality), golden_input(name)
    vectors = tower(x.flatten(0, 1)).unflatten(0, x.shape[:2]).mean(1) if has_clips else tower(x)
    np.testing.assert_allclose(tower.scale * vectors, OUTPUTS[name], rtol=1e-5, atol=1e-5 * tower.scale)


@pytest.mark.parametrize(("name", "modality", "has_clips"), CASES)
@torch.inference_mode()
def test_every_stage_is_that_of_the_reference(name: str, modality: str, has_clips: bool) -> None:
    tower, x = tiny(modality), golden_input(name)
    x = (x.flatten(0, 1) if has_clips else x)[:1]
    tokens = tower.tokens(x)
    after = tower.trunk(tower.pre_norm(tokens))
    stages = {
        "tokens": tokens,
        "trunk_first_token": after[:, 0],
        "trunk_mean": after.mean(1),
        "head": tower.project(x),
        "post": tower.scale * tower(x),
    }
    for stage, values in stages.items():
        due = INSIDE[f"{name}.{stage}"]
        np.testing.assert_allclose(
            values.reshape(-1), due.reshape(-1), rtol=1e-5, atol=1e-5 * np.abs(due).max(), err_msg=stage
        )


def test_temperature_stands_apart_and_is_clamped() -> None:
    assert tiny("text").scale == pytest.approx(31)
    assert tiny("depth").scale == 100  # the file says 180
    assert tiny("vision").scale == 1
    assert seeded_tower("audio", Architecture(kernel=(16, 12)), 0).scale == pytest.approx(20)


@pytest.mark.parametrize(
    ("modality", "shape"),
    [
        ("vision", (3, 224, 336)),
        ("vision", (3, 2, 112, 448)),
        ("depth", (1, 100, 224)),
        ("thermal", (1, 512, 640)),
        ("audio", (1, 128, 1004)),
        ("imu", (6, 400)),
        ("imu", (6, 8000)),
    ],
)
@torch.inference_mode()
def test_sizes_that_are_not_the_models_own_have_unit_vectors(modality: str, shape: tuple[int, ...]) -> None:
    vectors = tiny(modality)(torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)))
    assert vectors.shape == (2, 40)
    np.testing.assert_allclose(torch.linalg.norm(vectors, dim=1), 1, rtol=1e-5)


@torch.inference_mode()
def test_interpolated_positions_of_the_own_grid_are_the_learned_ones() -> None:
    tokens = tiny("depth").tokens
    assert isinstance(tokens, PatchTokens)
    assert tokens._positions_of((14, 14)) is tokens.positions
    wide = tokens._positions_of((14, 28))
    assert wide.shape == (1, 1 + 14 * 28, 20)
    assert torch.equal(wide[:, 0], tokens.positions[:, 0])


@pytest.mark.parametrize("shape", [(1, 15, 224), (1, 224, 15), (2, 224, 224), (3, 3, 224, 224), (1, 1, 1)])
def test_an_input_that_holds_no_patch_or_wrong_channels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"an input of"):
        tiny("depth")(torch.zeros(1, *shape))


@torch.inference_mode()
def test_a_still_picture_is_a_clip_of_two_equal_frames() -> None:
    tower, x = tiny("vision"), golden_input("vision_image")
    np.testing.assert_allclose(tower(x), tower(torch.stack([x, x], dim=2)), rtol=1e-6, atol=1e-7)


@torch.inference_mode()
def test_text_after_the_end_mark_changes_nothing() -> None:
    tower, tokens = tiny("text"), golden_input("text")
    changed = tokens.clone()
    for row in changed:
        row[row.argmax() + 1 :] = 7
    assert not torch.equal(changed, tokens)
    np.testing.assert_allclose(tower(changed), tower(tokens), rtol=1e-5, atol=1e-6)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="width 30 is not a multiple of heads 4"):
        Attention(30, 4)


@torch.inference_mode()
def test_the_extra_key_is_attended_to() -> None:
    attention = Attention(8, 2, bias_kv=True)
    assert attention.bias_v is not None
    x = torch.rand(1, 3, 8, generator=torch.Generator().manual_seed(0))
    before = attention(x)
    attention.bias_v.add_(1)
    assert (attention(x) - before).abs().max() > 1e-3


@pytest.mark.parametrize("modality", FORMS)
def test_seeded_weights_depend_on_the_seed_alone(modality: str) -> None:
    kernel = {"imu": (1, 16), "audio": (16, 12)}.get(modality, (32, 32))
    architecture = Architecture(width=32, depth=1, kernel=kernel)
    state = torch.random.get_rng_state()
    a, b, c = (seeded_tower(modality, architecture, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["head.weight"], c["head.weight"])
    if FORMS[modality].scale != 1:
        assert a["log_scale"].item() == pytest.approx(log(FORMS[modality].scale))
