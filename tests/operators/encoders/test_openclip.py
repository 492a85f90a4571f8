"""Against open_clip itself, on architectures small enough to be quick; no weights are fetched."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from msgspec.structs import replace
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from situations import clip_of, observe
from tiny_openclip import MODELS, tiny_models

from operators.encoders.openclip import OpenClipText, OpenClipVision
from operators.encoders.openclip_model import load
from operators.tagging import Tagger
from pipeline.messages import Array, Execution

SENTENCES = ["a dog", "", "the sound of breaking glass <end_of_text>, café"]


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with tiny_models(tmp_path_factory.mktemp("models")):
        yield


def picture(height: int = 90, width: int = 140, seed: int = 0) -> Array:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def prepared(encoder: OpenClipVision, *frames: Array) -> Array:
    return np.stack([encoder.prepare(clip_of([frame], "vision")) for frame in frames])


def preprocessed(encoder: OpenClipVision, *frames: Array) -> torch.Tensor:
    """What open_clip's own preprocessing makes of ``frames``, by the settings that the encoder found."""
    own = image_transform_v2(PreprocessCfg(**vars(encoder._known.look)), is_train=False)
    return torch.stack([own(Image.fromarray(frame)) for frame in frames])


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_pictures_have_open_clips_vectors(name: str) -> None:
    encoder = OpenClipVision(name, seed=3)
    model: Any = load(name, 3).eval()
    batch = prepared(encoder, picture(), picture(300, 64, seed=1))
    mean, std = (np.float32(x).reshape(3, 1, 1) for x in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    due = model.encode_image(torch.from_numpy((batch / np.float32(255) - mean) / std), normalize=True)
    assert due.shape == (2, encoder.dim)
    np.testing.assert_allclose(encoder.embed(batch), due, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_sentences_have_open_clips_tokens_and_vectors(name: str) -> None:
    encoder = OpenClipText(name, seed=3)
    model: Any = load(name, 3).eval()
    tokens = open_clip.get_tokenizer(name)(SENTENCES)
    np.testing.assert_array_equal(encoder.tokenize(SENTENCES), tokens)
    due = model.encode_text(tokens, normalize=True)
    assert due.shape == (3, encoder.dim)
    np.testing.assert_allclose(encoder.embed(tokens.numpy()), due, atol=1e-6)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(
    ("name", "resize_mode"), [("tiny-vit", "shortest"), ("tiny-vit", "squash"), ("tiny-convnext", "squash")]
)
def test_pictures_are_preprocessed_as_open_clip_does(
    name: str, resize_mode: str, interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag: dict[str, Any] = {
        "mean": (0.5, 0.4, 0.3),
        "std": (0.5, 0.6, 0.7),
        "resize_mode": resize_mode,
        "interpolation": interpolation,
    }
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, name, {"tag": tag})
    encoder = OpenClipVision(f"{name}/tag")
    frames = picture(90, 140), picture(480, 640), picture(301, 120)
    mean, std = (np.float32(tag[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    ours = (prepared(encoder, *frames) / np.float32(255) - mean) / std
    np.testing.assert_allclose(ours, preprocessed(encoder, *frames), atol=2.5 / 255 / 0.5)  # two grey levels


def test_only_the_half_that_is_needed_is_kept() -> None:
    vision = [name for name, _ in OpenClipVision("tiny-vit")._run.module.named_modules() if name]
    text = [name for name, _ in OpenClipText("tiny-vit")._run.module.named_modules()]
    assert all(name.startswith("visual") for name in vision)
    assert "model.transformer" in text
    assert not any(name.startswith("model.visual.") for name in text)


@pytest.mark.parametrize("name", MODELS)
def test_half_numbers_give_nearly_the_same(name: str) -> None:
    half = Execution(dtype="bfloat16")
    batch = prepared(OpenClipVision(name), picture())
    assert (OpenClipVision(name, execution=half).embed(batch) @ OpenClipVision(name).embed(batch).T).item() > 0.999
    tokens = OpenClipText(name).tokenize(["a dog"])
    assert (OpenClipText(name, execution=half).embed(tokens) @ OpenClipText(name).embed(tokens).T).item() > 0.999


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="a text is a string, this one is 7"):
        OpenClipText("tiny-vit").tokenize(["a dog", 7])  # type: ignore[list-item]


def test_a_tokenizer_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ValueError, match="ViT-B-16-SigLIP: its tokenizer is not here: "):
        OpenClipText("ViT-B-16-SigLIP").tokenize(["a dog"])


def test_labels_can_be_sentences_of_open_clip() -> None:
    encoder = OpenClipText("tiny-vit")
    fire = encoder.embed(encoder.tokenize(["a fire burning"]))[0]
    text = {"use": "operators.encoders.openclip:OpenClipText", "params": {"model": "tiny-vit"}}
    tagger = Tagger({"fire": ["a fire burning"]}, ["nothing unusual"], text=text)
    usual = np.random.default_rng(0).normal(size=(60, len(fire))).astype(np.float32)
    fused = [*(usual / np.linalg.norm(usual, axis=1, keepdims=True)), *[fire] * 4]
    events = [event for number, row in enumerate(fused) for event in tagger(replace(observe(number, {}), fused=row))]
    assert [(event.phase, event.label) for event in events if event.phase == "opened"] == [("opened", "fire")]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-32", "RN50", "ViT-B-16-SigLIP"])
@torch.inference_mode()
def test_a_whole_real_architecture_gives_open_clips_answers(name: str) -> None:
    encoder = OpenClipVision(name, seed=1)
    frames = picture(480, 640), picture(300, 200, seed=1)
    model: Any = load(name, 1).eval()
    due = model.encode_image(preprocessed(encoder, *frames), normalize=True)
    assert np.einsum("nd,nd->n", encoder.embed(prepared(encoder, *frames)), due).min() > 0.9999
