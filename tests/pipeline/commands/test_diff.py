"""Two rigs or two models on one log, beside each other."""

import json
from pathlib import Path

import pytest
from rigs import recording, rig_file

from pipeline.commands.diff import diff
from pipeline.errors import ConfigError, InputError


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("log") / "walk.mcap", 4.0)


def test_a_rig_is_like_itself_in_all(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig = str(rig_file(tmp_path))
    diff(rig, rig, [log], json=tmp_path / "d.json")
    told = json.loads((tmp_path / "d.json").read_text())
    assert (told["windows"], told["windows_only_a"], told["windows_only_b"]) == (8, 0, 0)
    assert (len(told["shared"]), told["only_a"], told["only_b"]) == (1, [], [])
    assert {topic: one["cosine"] for topic, one in told["embeddings"].items()} == pytest.approx(
        {"/camera": 1, "/imu": 1, "/microphone": 1}
    )
    assert told["embeddings"]["/imu"]["agreement"] == pytest.approx(1)
    printed = capsys.readouterr().out
    assert "windows: 8 in both, 0 only in" in printed
    assert "events: 1 in both" in printed


def test_another_stride_and_label_are_told_apart(log: Path, tmp_path: Path) -> None:
    a, b = rig_file(tmp_path, "fire"), rig_file(tmp_path, "flood")
    b.write_text("[window]\nstride_s = 1.0\n" + b.read_text())
    diff(str(a), str(b), [log], json=tmp_path / "d.json")
    told = json.loads((tmp_path / "d.json").read_text())
    assert (told["windows"], told["windows_only_a"], told["windows_only_b"]) == (4, 4, 0)
    assert ([one["label"] for one in told["only_a"]], [one["label"] for one in told["only_b"]]) == (["fire"], ["flood"])
    assert told["shared"] == []


def test_what_cannot_be_compared_is_told(log: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.preset: "):
        diff(str(rig_file(tmp_path)), "no such model", [log])
    with pytest.raises(InputError, match="no figures can be written there"):
        diff(str(rig_file(tmp_path)), str(rig_file(tmp_path)), [log], json=tmp_path)
