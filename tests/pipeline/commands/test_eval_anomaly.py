"""``rigbind eval`` on the sets in which something goes wrong: figures, a picture, and what is said of mistakes."""

import json
from pathlib import Path

import numpy as np
import pytest

from operators.evaluation.anomaly_sets import ANOMALY_SETS
from pipeline.commands.__main__ import main


def rigbind(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["rigbind", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours alone: others have a test of their own."""
    monkeypatch.setattr("operators.evaluation.anomaly_sets.baselines", lambda: ({}, ("river", "pyod")))


def moves(folder: Path, seed: int = 0) -> Path:
    """Ten moves that went well, and five that did not."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for number in range(15):
        forces = rng.integers(-3, 4, (15, 6)) + (40 if number > 9 else 0)
        head = "collision" if number > 9 else "normal"
        blocks.append("\n".join([head, *("\t" + "\t".join(map(str, row)) for row in forces)]))
    (folder / "lp1.data.txt").write_text("\n\n\n".join(blocks))
    return folder


SET = "robot_execution_failures_uci"


def test_figures_are_written_and_the_trade_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    figures, plot = tmp_path / "figures.json", tmp_path / "a" / "plot.png"
    words = [SET, str(moves(tmp_path / "set")), "--json", str(figures), "--plot", str(plot)]
    assert rigbind(monkeypatch, "eval", *words) == 0
    told = json.loads(figures.read_bytes())
    assert told["command"] == f"eval {SET}"
    assert told["figures"]["auroc"] == 1
    assert told["figures"]["n"] == 15
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "pip install rigbind[bench]" in capsys.readouterr().out


def test_what_is_learned_from_may_be_another_folder_and_not_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here, there = moves(tmp_path / "here"), moves(tmp_path / "there", seed=1)
    assert rigbind(monkeypatch, "eval", SET, str(here), "--fit", str(there)) == 0
    assert rigbind(monkeypatch, "eval", SET, str(here), "--fit", str(here)) == 2
    assert "is the folder that is tested" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("name", ANOMALY_SETS)
def test_a_folder_that_is_empty_or_not_there_is_told_in_a_sentence(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rigbind(monkeypatch, "eval", name, str(tmp_path)) == 2
    assert "Traceback" not in (told := capsys.readouterr().err)
    assert "there is no" in " ".join(told.split())
    assert rigbind(monkeypatch, "eval", name, str(tmp_path / "nowhere")) == 2
    assert "there is no such folder" in " ".join(capsys.readouterr().err.split())


def test_a_misspelt_set_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rigbind(monkeypatch, "eval", "uav_alfa_falt", str(tmp_path)) == 2
    assert "did you mean uav_alfa_fault?" in " ".join(capsys.readouterr().err.split())


def test_all_of_them_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert rigbind(monkeypatch, "eval") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in ANOMALY_SETS)
