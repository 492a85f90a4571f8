from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from golden import golden
from safetensors.torch import save_file
from tiny_openclip import tiny_models

from operators.encoders.checkpoint import load_tower
from operators.encoders.from_openclip import imagebind_state, is_openclip
from operators.encoders.openclip_model import load
from operators.encoders.tower import Architecture


def tiny(folder: Path, name: str) -> Any:
    with tiny_models(folder):
        return load(name, 1).eval()


@torch.inference_mode()
def test_a_vit_in_imagebinds_layout_gives_the_same_answers(tmp_path: Path) -> None:
    model = tiny(tmp_path, "tiny-vit")
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-6  # ImageBind's
    model.logit_scale.fill_(3)
    weights = str(tmp_path / "vit.safetensors")
    save_file(imagebind_state(model.state_dict()), weights)
    vision = load_tower("vision", Architecture(dim=48, width=64, depth=2, heads=4, kernel=(14, 14)), weights).eval()
    x = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(vision(x), model.encode_image(x, normalize=True), atol=1e-5)
    text = load_tower("text", Architecture(dim=48, width=32, depth=2, heads=4), weights).eval()
    tokens = open_clip.get_tokenizer("ViT-B-32")(["a dog", "a cat on a mat"])
    np.testing.assert_allclose(text(tokens), model.encode_text(tokens, normalize=True), atol=1e-5)
    assert text.scale == pytest.approx(np.exp(3))


def test_vit_h_14_has_the_keys_and_shapes_of_imagebinds_vision_and_text() -> None:
    lines = (line.split("\t") for line in golden("imagebind_huge_keys.txt").read_text().splitlines())
    due = {key: shape for key, shape, *_ in lines if key.split(".")[1] in ("vision", "text") and ".mask" not in key}
    with torch.device("meta"):
        state = open_clip.CLIP(**open_clip.get_model_config("ViT-H-14")).state_dict()
    assert {key: str(tuple(tensor.shape)) for key, tensor in imagebind_state(state).items()} == due


@pytest.mark.parametrize(
    ("name", "key"),
    [("tiny-resnet", "visual.bn1.weight"), ("tiny-convnext", "visual.trunk."), ("tiny-coca", "text.cls_emb")],
)
def test_other_architectures_are_refused_by_their_keys(name: str, key: str, tmp_path: Path) -> None:
    state = tiny(tmp_path, name).state_dict()
    assert is_openclip(state)
    with pytest.raises(ValueError, match=f"no ViT as ImageBind's towers are: .*{key}"):
        imagebind_state(state)


@pytest.mark.parametrize("key", ["visual.proj", "logit_scale"])
def test_either_half_is_known_as_openclips(key: str) -> None:
    assert is_openclip(["transformer.resblocks.0.ln_1.weight", key])
    assert not is_openclip(["modality_trunks.vision.blocks.0.attn.in_proj_weight"])
