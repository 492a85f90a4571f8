import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from golden import golden
from safetensors.torch import load_file, save_file
from torch import Tensor

from operators.encoders.checkpoint import CONSTANTS, imagebind_key, load_tower, modalities_of, opened, state_of
from operators.encoders.presets import preset
from operators.encoders.tower import Architecture, Tower, seeded_tower
from pipeline.messages import MODALITIES

TINY = golden("tiny_state_dict.safetensors")
DEPTH = Architecture(dim=40, width=20, depth=2, heads=5, kernel=(16, 16))


def huge(modality: str) -> Architecture:
    return Architecture(**preset("imagebind:")[modality]["params"]["tower"])


def huge_keys() -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and role of every entry in ImageBind's released file."""
    lines = (line.split("\t") for line in golden("imagebind_huge_keys.txt").read_text().splitlines())
    return {key: (ast.literal_eval(shape), role) for key, shape, _, role in lines}


def test_the_huge_model_has_every_key_shape_and_parameter_of_the_reference() -> None:
    with torch.device("meta"):
        towers = [Tower(modality, huge(modality)) for modality in MODALITIES]
    ours = {
        imagebind_key(tower.modality, name): tensor for tower in towers for name, tensor in tower.state_dict().items()
    }
    due = huge_keys()
    assert len(due) == 1311
    assert ours.keys() == due.keys() - set(CONSTANTS)
    for key, tensor in ours.items():
        assert tensor.numel() == torch.Size(due[key][0]).numel(), key
        assert tensor.shape[:1] == due[key][0][:1], key
    assert sum(parameter.numel() for tower in towers for parameter in tower.parameters()) == 1_200_781_057
    learned = {imagebind_key(tower.modality, name) for tower in towers for name, _ in tower.named_parameters()}
    assert learned == {key for key, (_, role) in due.items() if role == "param"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["huge.safetensors", "huge.pth"])
def test_one_tower_of_a_huge_file_is_read_without_the_others(name: str, tmp_path: Path) -> None:
    """A process that asks for one tower of 4.8 GB, and uses it, never holds more than the tower and torch itself."""
    generator = torch.Generator().manual_seed(0)
    shapes = {key: shape for key, (shape, _) in huge_keys().items()}
    state = {key: torch.empty(shape).uniform_(-0.1, 0.1, generator=generator) for key, shape in shapes.items()}
    path = tmp_path / name
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    state.clear()
    code = """
import sys, resource, torch
from operators.encoders.checkpoint import load_tower
from operators.encoders.presets import preset
from operators.encoders.tower import Architecture
torch.set_num_threads(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tower = load_tower("thermal", Architecture(**preset("imagebind:")["thermal"]["params"]["tower"]), sys.argv[1])
with torch.inference_mode():
    assert tower(torch.zeros(1, 1, 224, 224)).shape == (1, 1024)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    path.unlink()  # pytest keeps the folders of several sessions
    tower_bytes = 4 * 86_211_072
    assert int(done.stdout) < 1.2 * tower_bytes + 150e6  # torch's own libraries and activations come with the first use


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_both_formats_give_the_same_tower(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"tiny{suffix}"
    torch.save(load_file(TINY), path) if suffix == ".pth" else path.write_bytes(TINY.read_bytes())
    a, b = load_tower("depth", DEPTH, str(path)).state_dict(), load_tower("depth", DEPTH, str(TINY)).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_state_dict_may_lie_within_a_training_checkpoint(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": load_file(TINY)}, tmp_path / "epoch_3.pt")
    a, b = (load_tower("depth", DEPTH, str(path)).state_dict() for path in (tmp_path / "epoch_3.pt", TINY))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    tower = seeded_tower("imu", Architecture(width=32, depth=1, kernel=(1, 16)), 5)
    save_file(state_of(tower), tmp_path / "imu.safetensors")
    again = load_tower("imu", tower.architecture, str(tmp_path / "imu.safetensors"))
    assert all(torch.equal(a, again.state_dict()[name]) for name, a in tower.state_dict().items())


def changed(tmp_path: Path, **changes: Tensor | None) -> str:
    """Return the path of the tiny file with keys replaced, added, or removed by None."""
    state = load_file(TINY)
    for key, tensor in changes.items():
        if tensor is None:
            del state[key]
        else:
            state[key] = tensor
    save_file(state, tmp_path / "changed.safetensors")
    return str(tmp_path / "changed.safetensors")


HEAD = "modality_heads.depth.2.weight"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({HEAD: None}, f"missing: {HEAD}"),
        ({"modality_heads.depth.9.weight": torch.zeros(1)}, r"unexpected: modality_heads.depth.9.weight"),
        ({HEAD: torch.zeros(20, 40)}, r"of another shape: .*\(20, 40\), \(40, 20\) was due"),
    ],
)
def test_keys_that_do_not_fit_are_named(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        load_tower("depth", DEPTH, changed(tmp_path, **changes))


def test_the_keys_of_other_modalities_do_not_matter(tmp_path: Path) -> None:
    load_tower("depth", DEPTH, changed(tmp_path, **{"modality_heads.audio.2.weight": None}))


def test_a_file_without_the_modality_says_what_it_has(tmp_path: Path) -> None:
    save_file(state_of(seeded_tower("thermal", Architecture(), 0)), tmp_path / "t.safetensors")
    with pytest.raises(ValueError, match="no weights for depth; it has thermal"):
        load_tower("depth", DEPTH, str(tmp_path / "t.safetensors"))
    with opened(tmp_path / "t.safetensors") as file:
        assert modalities_of(file) == ["thermal"]


class Malicious:
    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_pickled_code_is_refused_and_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weights": Malicious()}, tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"evil.pth: refused"):
        load_tower("depth", DEPTH, str(tmp_path / "evil.pth"))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("size", [0, 7, 100, 30_000])
def test_a_damaged_file_is_named(suffix: str, size: int, tmp_path: Path) -> None:
    path = tmp_path / f"cut{suffix}"
    torch.save(load_file(TINY), path) if suffix == ".pth" else path.write_bytes(TINY.read_bytes())
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=rf"cut{suffix}: no checkpoint, or a damaged one"):
        load_tower("depth", DEPTH, str(path))


@pytest.mark.parametrize("content", [[1, 2], {"model": {"nested": 1}}, 5])
def test_a_file_that_is_no_state_dict_says_so(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other.pth: no state dict"):
        load_tower("depth", DEPTH, str(tmp_path / "other.pth"))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_tower("depth", DEPTH, "nowhere.safetensors")
