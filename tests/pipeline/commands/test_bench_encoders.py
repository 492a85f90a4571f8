"""``bench encoders`` counts as it should, compares with an equal model, and writes the figures that others rely on."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from operators.encoders.presets import preset
from operators.encoders.tower import FORMS, Architecture, Tower, seeded_tower
from pipeline.commands.bench.encoders import Case, _figures, encoders, flop, inputs
from pipeline.commands.bench.plain import plain_tower
from pipeline.errors import InputError

GFLOP = {"vision": 335.0, "text": 47.1, "audio": 40.9, "depth": 9.1, "thermal": 35.0, "imu": 10.3}
"""Of one input of ImageBind's model, counted by hand from its sizes."""

KERNELS = {"imu": (1, 8), "audio": (16, 16), "vision": (28, 28)}


@pytest.mark.parametrize("modality", FORMS)
def test_operations_are_those_counted_by_hand(modality: str) -> None:
    with torch.device("meta"):
        tower = Tower(modality, Architecture(**preset("imagebind:")[modality]["params"]["tower"]))
    assert flop(tower) / 1e9 == pytest.approx(GFLOP[modality], abs=0.05)


@pytest.mark.parametrize("modality", FORMS)
@torch.inference_mode()
def test_the_plain_tower_is_the_same_model(modality: str) -> None:
    architecture = Architecture(dim=32, width=48, depth=2, kernel=KERNELS.get(modality, (32, 32)))
    tower = seeded_tower(modality, architecture, 0)
    for name, parameter in tower.named_parameters():
        if "bias" in name:  # seeded ones are 0 and would hide where they go
            parameter.uniform_(-0.5, 0.5)
    x = torch.from_numpy(inputs(modality, 2))
    x = x if modality == "text" else x.float() / 100
    torch.testing.assert_close(plain_tower(tower)(x), tower(x), rtol=0, atol=1e-6)


def test_figures_tell_latency_of_few_and_throughput_of_many() -> None:
    seconds = {"plain": 0.4, "float32": 0.2, "bfloat16": 0.1, "float32 matmul": 0.02, "bfloat16 matmul": 0.01}
    few = Case("imu", 1, {name: value / 8 for name, value in seconds.items()}, 1e9, 1e9)
    many = Case("imu", 8, seconds, 1e9, 1e9)
    assert _figures("imu", [few, many]) == pytest.approx(
        {
            "imu_ms": 25,
            "imu_bf16_ms": 12.5,
            "imu_bf16_per_s": 80,
            "imu_bf16_gflops": 80,  # 8 inputs of 1 GFLOP in 0.1 s
            "imu_fp32_speedup": 2,
            "imu_bf16_speedup": 4,
            "imu_share_of_matmul": 0.8,  # of 1 GFLOP in 0.01 s
        }
    )


@pytest.mark.slow
def test_a_tower_is_measured_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoders(device="cpu", modality=["imu"], batch="2", json=tmp_path / "encoders.json")
    report = json.loads((tmp_path / "encoders.json").read_text())
    figures = report["figures"]
    assert report["model"] == "tiny"
    assert {f"imu_{name}" for name in ("ms", "fp32_speedup", "bf16_speedup", "bf16_cosine", "share_of_matmul")} < set(
        figures
    )
    assert all(np.isfinite(value) and value > 0 for value in figures.values())
    assert figures["imu_bf16_cosine"] > 0.999
    assert set(report["aims"]) == {
        f"imu_{name}" for name in ("fp32_speedup", "bf16_speedup", "bf16_cosine", "fp16_cosine")
    }
    assert "imu" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"batch": "1,none"}, "--batch '1,none' is no list of numbers from 1"),
        ({"batch": "0"}, "--batch '0'"),
        ({"batch": ""}, "--batch ''"),
        ({"modality": ["smell"]}, "preset 'tiny' has no encoder for smell; it has vision"),
        ({"device": "toaster"}, "there is no 'toaster' here"),
        ({"model": "huge"}, "there is no preset 'huge'"),
        ({"model": "openclip:RN50", "modality": ["text"]}, "text has no tower of ours"),
        ({"model": "imagebind:nowhere.pth", "modality": ["imu"]}, "nowhere.pth"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        encoders(**wrong)  # type: ignore[arg-type]
