from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from tiny_openclip import tiny_models

from operators.encoders.openclip_model import known, load


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with tiny_models(tmp_path_factory.mktemp("models")):
        yield


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "some.folder/weights.pt"
    path.parent.mkdir()
    torch.save(load("tiny-vit", 5).state_dict(), path)
    return path


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == key and torch.equal(a, b) for (name, a), (key, b) in pairs)


@torch.inference_mode()
def vector(model: Any) -> torch.Tensor:
    noise = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    seen: torch.Tensor = model.eval().encode_image(noise, normalize=True)
    return seen


def test_weights_come_from_a_file_in_either_format(weights: Path) -> None:
    state = torch.load(weights, weights_only=True)
    save_file({f"module.{key}": tensor for key, tensor in state.items()}, weights.with_suffix(".safetensors"))
    for path in (weights, weights.with_suffix(".safetensors")):
        assert same(load(f"tiny-vit/{path}"), load("tiny-vit", 5))
    assert not same(load("tiny-vit"), load("tiny-vit", 5))


def test_random_weights_leave_the_global_state_alone() -> None:
    state = torch.random.get_rng_state()
    assert same(load("tiny-vit", 2), load("tiny-vit/", 2))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_tag_brings_its_own_activation(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"plain": {"file": str(weights)}, "quick": {"file": str(weights), "quick_gelu": True}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-vit", tags)
    quick, plain, file = (vector(load(f"tiny-vit/{name}")) for name in ("quick", "plain", weights))
    assert torch.equal(plain, file)
    assert torch.equal(quick, vector(open_clip.create_model("tiny-vit", str(weights), force_quick_gelu=True)))
    assert not torch.allclose(quick, plain, atol=1e-4)


def test_a_file_is_looked_at_as_all_tags_of_its_architecture_are(weights: Path) -> None:
    assert known(f"ViT-B-16-SigLIP/{weights}").look.resize_mode == "squash"
    assert known(f"ViT-B-16-SigLIP/{weights}").look.mean == (0.5, 0.5, 0.5)
    assert known("ViT-L-14/laion2b_s32b_b82k").look.mean == (0.5, 0.5, 0.5)
    assert known("ViT-L-14/openai").look.mean == known(f"ViT-L-14/{weights}").look.mean == open_clip.OPENAI_DATASET_MEAN


def test_a_file_is_looked_at_as_openais_where_tags_disagree(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tags = {"a": {"resize_mode": "squash"}, "b": {"interpolation": "bilinear"}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-vit", tags)
    look = known(f"tiny-vit/{weights}").look
    assert (look.resize_mode, look.interpolation) == ("shortest", "bicubic")
    assert known("tiny-vit/a").look.resize_mode == "squash"


@pytest.mark.parametrize("tag", ["", "/laion2b_s34b_b79k"])
def test_sizes_are_known_without_weights(tag: str) -> None:
    assert (known(f"ViT-B-32{tag}").dim, known(f"ViT-B-32{tag}").size) == (512, (224, 224))
    assert known("tiny-convnext").size == (64, 96)
    assert known("RN50x4").size == (288, 288)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ViT-B-33", "no architecture 'ViT-B-33'; did you mean 'ViT-B-32'"),
        ("", "no architecture ''"),
        ("hf-hub:someone/something", "no architecture 'hf-hub:someone'"),
        ("ViT-B-32/laion3b", "'laion3b' is no file, and no tag of ViT-B-32: openai, "),
        ("ViT-B-32/nowhere.pt", "'nowhere.pt' is no file, and no tag"),
        ("tiny-vit/.", "'.' is no file, and no tag of tiny-vit: none"),
    ],
)
def test_unknown_names_are_told_what_there_is(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        known(name)


def test_weights_of_another_model_are_named(weights: Path) -> None:
    state = torch.load(weights, weights_only=True)
    state["visual.proj"] = state["visual.proj"][:, :5]
    del state["ln_final.bias"]
    torch.save(state | {"extra": torch.zeros(1)}, weights)
    with pytest.raises(ValueError, match=r"missing: ln_final\.bias; unexpected: extra; of another shape: visual\.proj"):
        load(f"tiny-vit/{weights}")
    with pytest.raises(ValueError, match=r"weights.pt: does not fit this model: missing: .* and \d+ more"):
        load(f"tiny-resnet/{weights}")


def test_a_file_with_code_is_refused(tmp_path: Path) -> None:
    torch.save({"weights": Path("code")}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match=r"code\.pt: refused: it holds more than tensors"):
        load(f"tiny-vit/{tmp_path}/code.pt")


def test_a_tag_without_network_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"ViT-B-32/laion2b_s34b_b79k: its weights could not be fetched: .*connection"):
        load("ViT-B-32/laion2b_s34b_b79k")
    assert not caplog.records


def test_a_part_that_cannot_be_built_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="roberta-ViT-B-32: it cannot be built here: "):
        load("roberta-ViT-B-32")
