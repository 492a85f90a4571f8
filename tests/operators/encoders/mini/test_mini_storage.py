import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from operators.encoders.mini import storage
from operators.encoders.mini.storage import FOLDER, GROUP, loaded, read, write

GENERATOR = torch.Generator().manual_seed(0)
MATRIX = torch.randn(300, 256, generator=GENERATOR) * torch.logspace(-3, 1, 300)[:, None]
STATE = {"large": MATRIX, "small": MATRIX[:4], "vector": MATRIX[0], "kernel": MATRIX.view(300, 16, 4, 4)}


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 2), nn.Linear(2, 1)


def pair(_: Mapping[str, Tensor]) -> nn.Module:
    return Pair()


def test_numbers_come_back_as_float32_with_half_their_digits(tmp_path: Path) -> None:
    write(tmp_path / "w", STATE)
    found = read(tmp_path / "w")
    assert found.keys() == STATE.keys()
    for name, tensor in found.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, STATE[name], rtol=2**-11, atol=1e-7)


def test_large_matrices_become_integers_with_a_scale_a_group(tmp_path: Path) -> None:
    write(tmp_path / "whole", STATE)
    write(tmp_path / "w", STATE, integers=True)
    found = read(tmp_path / "w")
    assert found.keys() == STATE.keys()
    groups = MATRIX.view(300, -1, GROUP)
    steps = groups.abs().amax(2, keepdim=True) / 127
    wrong = found["large"].view(300, -1, GROUP) - groups
    assert (wrong.abs() <= 0.56 * steps).all()  # half a step, and the scale's own digits
    for name in ("small", "vector", "kernel"):
        torch.testing.assert_close(found[name], STATE[name], rtol=2**-11, atol=1e-7)
    spared = MATRIX.numel() - 2 * MATRIX.numel() // GROUP
    assert abs((tmp_path / "whole").stat().st_size - (tmp_path / "w").stat().st_size - spared) < 200


def test_integers_with_one_scale_a_row_are_read_too(tmp_path: Path) -> None:
    save_file(
        {"a": torch.tensor([[1, -2], [3, 4]], dtype=torch.int8), "a.scale": torch.tensor([2.0, 10.0])}, tmp_path / "w"
    )
    assert read(tmp_path / "w")["a"].tolist() == [[2, -4], [30, 40]]


def test_a_matrix_that_has_no_whole_groups_keeps_its_digits(tmp_path: Path) -> None:
    odd = MATRIX[:, :250]
    write(tmp_path / "w", {"odd": odd}, integers=True)
    torch.testing.assert_close(read(tmp_path / "w")["odd"], odd, rtol=2**-11, atol=1e-7)


def test_a_row_of_zeros_stays_zeros(tmp_path: Path) -> None:
    write(tmp_path / "w", {"large": torch.cat([torch.zeros(1, 256), MATRIX])}, integers=True)
    assert not read(tmp_path / "w")["large"][0].any()


def test_files_of_others_are_read_in_their_own_numbers(tmp_path: Path) -> None:
    save_file({"a": MATRIX, "b": torch.arange(5, dtype=torch.int8)}, tmp_path / "w")
    assert torch.equal(read(tmp_path / "w")["a"], MATRIX)
    assert read(tmp_path / "w")["b"].tolist() == [0, 1, 2, 3, 4]


def test_a_file_that_is_not_there_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file: .*nowhere"):
        read(tmp_path / "nowhere")
    (tmp_path / "w").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path))}/w: damaged, or no safetensors file"):
        read(tmp_path / "w")
    with pytest.raises(OSError, match=str(tmp_path)):
        read(tmp_path)


def test_where_shipped_weights_are_absent_it_is_told_what_makes_them() -> None:
    with pytest.raises(OSError, match=r"`rigbind weights mini` makes it anew.*unheard-of.safetensors"):
        loaded(pair, "", "unheard-of")


def test_a_network_is_built_with_the_weights_of_a_file(tmp_path: Path) -> None:
    due = Pair()
    write(tmp_path / "w", due.state_dict())
    before = torch.get_rng_state()
    found = loaded(pair, str(tmp_path / "w"), "")
    assert torch.equal(torch.get_rng_state(), before)
    for name, parameter in found.named_parameters():
        np.testing.assert_allclose(parameter.detach(), due.state_dict()[name], atol=1e-3)
        assert parameter.requires_grad


def test_what_a_file_leaves_out_is_in_the_frozen_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "FOLDER", tmp_path)
    shipped, bound = Pair(), Pair()
    write(tmp_path / "picture.safetensors", shipped.state_dict())
    write(tmp_path / "bound", {key: tensor for key, tensor in bound.state_dict().items() if "second" in key})
    found = loaded(pair, str(tmp_path / "bound"), "", frozen="picture").state_dict()
    for name, tensor in found.items():
        due = bound if "second" in name else shipped
        np.testing.assert_allclose(tensor, due.state_dict()[name], atol=1e-3)


def test_weights_of_another_network_are_refused_by_their_keys(tmp_path: Path) -> None:
    write(tmp_path / "w", {"first.weight": torch.zeros(2, 3), "first.bias": torch.zeros(9), "third": torch.zeros(1)})
    told = "w: not the weights of Pair: 4 keys differ: first.bias, second.bias, second.weight, third"
    with pytest.raises(ValueError, match=told):
        loaded(pair, str(tmp_path / "w"), "")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.safetensors")), ids=lambda path: path.name)
def test_shipped_weights_are_finite(path: Path) -> None:
    assert all(torch.isfinite(tensor).all() for tensor in read(path).values())


def test_shipped_weights_are_as_small_as_was_promised() -> None:
    sizes = {path.stem: path.stat().st_size for path in FOLDER.glob("*.safetensors")}
    assert {"text", "picture", "vision", "audio", "depth", "thermal", "imu"} <= sizes.keys()
    assert max(sizes.values()) < 50e6
    assert sum(sizes.values()) <= 64e6
