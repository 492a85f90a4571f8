"""What the driver's tool says of GPUs, and what becomes of a host that has none."""

from pathlib import Path

import pytest

from pipeline.monitor.gpus import gpus


def tool(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_each_gpu_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, 'echo "NVIDIA H200, 37, 1024, 143771"; echo "NVIDIA H200, 0, 3, 143771"', monkeypatch)
    assert gpus() == ["NVIDIA H200 37 %, memory 1024 of 143771 MiB", "NVIDIA H200 0 %, memory 3 of 143771 MiB"]


@pytest.mark.parametrize("script", ["exit 9", "echo nonsense"])
def test_a_tool_that_knows_nothing_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    tool(tmp_path, script, monkeypatch)
    assert gpus() == []


def test_a_host_without_the_tool_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
