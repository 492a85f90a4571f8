from pathlib import Path

import pytest
import torch
from golden import golden
from safetensors.torch import load_file, save_file

from operators.encoders.checkpoint import load_tower, state_of
from operators.encoders.conversion import contents, convert, sha256
from operators.encoders.tower import Architecture, seeded_tower
from pipeline.messages import MODALITIES

TINY = golden("tiny_state_dict.safetensors")


def test_contents_are_those_of_the_file() -> None:
    towers = {tower.modality: tower for tower in contents(TINY)}
    assert set(towers) == set(MODALITIES)
    assert (towers["depth"].width, towers["depth"].blocks, towers["depth"].dim) == (20, 2, 40)
    assert towers["imu"].dtypes == "float32"
    state = load_file(TINY)
    assert sum(tower.parameters for tower in towers.values()) == sum(t.numel() for t in state.values()) - 77 * 77


def test_a_part_in_half_the_size_keeps_its_answers(tmp_path: Path) -> None:
    torch.save(load_file(TINY), tmp_path / "tiny.pth")
    part = tmp_path / "part.safetensors"
    assert sorted(convert(tmp_path / "tiny.pth", part, ["imu", "depth"], "bfloat16")) == ["depth", "imu"]
    assert {(tower.modality, tower.dtypes) for tower in contents(part)} == {
        ("depth", "bfloat16"),
        ("imu", "bfloat16"),
    }
    sizes = Architecture(dim=40, width=20, depth=2, heads=5, kernel=(16, 16))
    whole, half = (load_tower("depth", sizes, str(path)).float().eval() for path in (TINY, part))
    with torch.inference_mode():
        x = torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
        assert torch.cosine_similarity(whole(x), half(x)).item() > 0.999


def test_a_modality_that_is_not_there_is_named(tmp_path: Path) -> None:
    save_file(state_of(seeded_tower("thermal", Architecture(), 0)), tmp_path / "thermal.safetensors")
    with pytest.raises(ValueError, match=r"thermal.safetensors: has no weights for audio; it has thermal"):
        convert(tmp_path / "thermal.safetensors", tmp_path / "x.safetensors", ["audio"])
    assert not (tmp_path / "x.safetensors").exists()


def test_another_models_keys_are_named(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.safetensors")
    with pytest.raises(ValueError, match=r"resnet.safetensors: neither ImageBind's nor OpenCLIP's keys: conv1.weight"):
        contents(tmp_path / "resnet.safetensors")


def test_the_fingerprint_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc").startswith("ba7816bf8f01cfea")  # FIPS 180-4, appendix B.1
