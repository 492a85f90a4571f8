"""``rigbind eval``, as somebody types it."""

import json
import re
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
from PIL import Image

from operators.evaluation.protocols import PROTOCOLS
from operators.sets.item import split
from pipeline.commands.__main__ import main
from pipeline.commands.sets import SETS, items_of


def rigbind(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; return its exit code."""
    monkeypatch.setattr("sys.argv", ["rigbind", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return layouts.esc10(tmp_path_factory.mktemp("esc10"))


def ran(monkeypatch: pytest.MonkeyPatch, out: Path, *words: str) -> dict[str, Any]:
    """Run an evaluation with the model of placeholders; return what it wrote."""
    path = out / "figures.json"
    assert rigbind(monkeypatch, "eval", *words, "--model", "tiny", "--json", str(path)) == 0
    told: dict[str, Any] = json.loads(path.read_bytes())
    return told


def test_without_a_set_all_sets_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert rigbind(monkeypatch, "eval") == 0
    told = capsys.readouterr().out
    assert all(name in told for name in (*SETS, "simulator"))


def test_every_set_has_a_protocol() -> None:
    assert set(SETS) == set(PROTOCOLS)


def test_figures_are_written_and_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sounds: Path, tmp_path: Path
) -> None:
    told = ran(monkeypatch, tmp_path, "audio_esc10", str(sounds), "--plot", str(tmp_path / "a" / "plot.png"))
    assert told["command"] == "eval audio_esc10"
    assert told["model"] == "tiny"
    assert set(told) == {"command", "model", "hardware", "date", "figures", "aims"}
    assert told["figures"]["n"] == 8
    assert told["figures"]["unread"] == 0
    assert {"top1", "map", "auroc", "shot5_top1"} <= set(told["figures"])
    assert told["aims"] == {}  # they are those of mini
    assert "dog bark" in capsys.readouterr().out
    with Image.open(tmp_path / "a" / "plot.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10


def test_what_cannot_be_read_is_named_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    layouts.esc10(tmp_path)
    (tmp_path / "clips" / "1-1000-A.wav").write_bytes(b"RIFF, and then nothing")
    (tmp_path / "clips" / "1-1002-B.wav").unlink()
    told = ran(monkeypatch, tmp_path, "audio_esc10", str(tmp_path))
    assert (told["figures"]["n"], told["figures"]["unread"]) == (6, 2)
    shown = capsys.readouterr().out
    assert "not read: audio_esc10/1-1000-A.wav" in shown
    assert "not read: audio_esc10/1-1002-B.wav" in shown


def test_a_second_run_finds_its_vectors(monkeypatch: pytest.MonkeyPatch, sounds: Path, tmp_path: Path) -> None:
    words = ("audio_esc10", str(sounds), "--cache", str(tmp_path / "cache"))
    first = ran(monkeypatch, tmp_path, *words)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "cache").iterdir()}
    assert sizes
    assert ran(monkeypatch, tmp_path, *words)["figures"] == first["figures"]
    assert {path.name: path.stat().st_size for path in (tmp_path / "cache").iterdir()} == sizes


def test_examples_are_learned_from_another_folder(
    monkeypatch: pytest.MonkeyPatch, sounds: Path, tmp_path: Path
) -> None:
    few = layouts.esc10(tmp_path / "few", takes=1)
    told = ran(monkeypatch, tmp_path, "audio_esc10", str(sounds), "--fit", str(few))
    assert told["figures"]["shot2_top1"] >= 0.5  # the same sounds, under names of their own


def test_what_a_model_has_learned_from_is_not_tested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    many = layouts.esc10(tmp_path / "many", takes=1, recordings=6)
    known, rest = split(items_of("audio_esc10", many), 0.5)
    told = ran(monkeypatch, tmp_path, "audio_esc10", str(many), "--learned", "0.5")
    assert 0 < told["figures"]["n"] == len(rest) < 12
    assert {item.label for item in known} == {"dog bark", "rain"}
    tested = re.findall(r"│ 8 +│ [\d.]+ │ [\d.]+ │ (\d+)", capsys.readouterr().out)
    assert tested == [str(len(rest))]  # all of the rest: examples are of what is known


def test_a_folder_that_teaches_nothing_is_said_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for n in range(3):
        layouts.picture(tmp_path / "vi" / f"{n}.png", seed=n)
        layouts.picture(tmp_path / "ir" / f"{n}.png", (24, 32), seed=n + 9)
    told = ran(monkeypatch, tmp_path, "rgb_thermal_tno", str(tmp_path), "--fit", str(tmp_path / "vi"))
    assert told["figures"]["n"] == 3
    assert {"r1", "r5", "r10", "baseline_r1", "back_r10"} <= set(told["figures"])
    assert "nothing is learned" in capsys.readouterr().out


def test_numbers_of_others_stand_beside_ours_and_not_among_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "meta").mkdir()
    names = {f"1-{n}-A-0.wav": label for n, label in enumerate(("dog", "rain", "dog", "rain"))}
    for seed, name in enumerate(names):
        layouts.noise(tmp_path / "audio" / name, 0.3, seed)
    rows = "\n".join(f"{name},1,0,{label},True,{name[2]},A" for name, label in names.items())
    (tmp_path / "meta" / "esc50.csv").write_text(f"filename,fold,target,category,esc10,src_file,take\n{rows}\n")
    told = ran(monkeypatch, tmp_path, "esc50", str(tmp_path))
    shown = capsys.readouterr().out
    assert "published: Girdhar" in shown
    assert "0.669" in shown
    assert told["figures"]["top1"] in (0, 0.25, 0.5, 0.75, 1)
    assert 0.669 not in told["figures"].values()


def test_a_model_can_be_named_for_each_modality(monkeypatch: pytest.MonkeyPatch, sounds: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    words = ["--model", "audio=tiny", "--model", "text=tiny", "--json", str(path)]
    assert rigbind(monkeypatch, "eval", "audio_esc10", str(sounds), *words) == 0
    assert json.loads(path.read_bytes())["model"] == "audio=tiny, text=tiny"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["audio_esc11", "SOUNDS"], "no set 'audio_esc11'; did you mean audio_esc10?"),
        (["quark", "SOUNDS"], "no set 'quark'; there is audio_esc10"),
        (["audio_esc10"], "needs a folder"),
        (["audio_esc10", "nowhere"], "nowhere: there is no such folder"),
        (["rgb_thermal_tno", "SOUNDS"], "vi: there is no file"),
        (["audio_esc10", "SOUNDS", "--fit", "SOUNDS"], "must not be tested on"),
        (["audio_esc10", "SOUNDS", "--learned", "1"], "--learned 1 is no share"),
        (["audio_esc10", "SOUNDS", "--fit", "nowhere"], "nowhere: there is no such folder"),
        (["audio_esc10", "SOUNDS", "--model", "maxi"], "no preset 'maxi'"),
        (["audio_esc10", "SOUNDS", "--model", "text=tiny"], "no encoder for audio; it has text"),
        (["audio_esc10", "SOUNDS", "--model", "text=tiny", "--model", "tiny"], "has to say its modality"),
        (["audio_esc10", "SOUNDS", "--model", "openclip:RN50"], "no encoder for audio; it has vision, text"),
        (["audio_esc10", "SOUNDS", "--device", "cuda:77", "--model", "tiny"], "cuda:77"),
        (["audio_esc10", "SOUNDS", "--model", "tiny", "--json", "SOUNDS/labels.csv/a.json"], "labels.csv"),
        (["audio_esc10", "SOUNDS", "--model", "tiny", "--plot", "SOUNDS/labels.csv/a.png"], "labels.csv"),
        (["simulator", "--seeds", "3"], "--seeds '3' is not A:B"),
        (["simulator", "--seeds", "4:4"], "--seeds '4:4' is not A:B"),
        (["simulator", "--seconds", "0"], "--seconds 0 must be above 0"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    words: list[str], told: str, sounds: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rigbind(monkeypatch, "eval", *(word.replace("SOUNDS", str(sounds)) for word in words)) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err + captured.out


def test_ctrl_c_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sounds: Path
) -> None:
    def interrupted(folder: Path) -> list[Any]:
        raise KeyboardInterrupt

    monkeypatch.setitem(SETS, "audio_esc10", interrupted)
    assert rigbind(monkeypatch, "eval", "audio_esc10", str(sounds), "--model", "tiny") == 130
    assert "Traceback" not in capsys.readouterr().err
