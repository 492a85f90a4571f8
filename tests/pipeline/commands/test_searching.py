"""``rigbind index`` and ``rigbind search``, as somebody types them."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from golden import golden
from layouts import noise, picture

from pipeline.commands.__main__ import main

SOUND = golden("audio_mono16k_short.wav")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of some files, and the folder that they are in."""
    folder = tmp_path_factory.mktemp("things")
    for number in range(4):
        picture(folder / f"{number}.png", seed=number)
        noise(folder / f"{number}.wav", seed=number)
    shutil.copy(SOUND, folder / "meant.wav")
    (folder / "broken.jpg").write_bytes(b"no picture")
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert rigbind(monkeypatch, "index", str(folder), "--into", str(folder / "db"), "--note", "altitude=120") == 2
    return folder


def rigbind(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; return its exit code."""
    monkeypatch.setattr("sys.argv", ["rigbind", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def find(index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The names of what is found."""
    assert rigbind(monkeypatch, "search", *words, "--db", str(index / "db"), "--json") == 0
    return [Path(json.loads(line)["log"]).name for line in capsys.readouterr().out.splitlines()]


def test_a_sound_finds_itself(index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert find(index, monkeypatch, capsys, "--sound", str(SOUND), "-n", "2")[0] == "meant.wav"
    assert len(find(index, monkeypatch, capsys, "a dog", "--modality", "vision")) == 4
    assert find(index, monkeypatch, capsys, "a dog", "--note", "altitude=120", "-n", "99") != []
    assert find(index, monkeypatch, capsys, "a dog", "--note", "altitude>100", "-n", "99") != []
    assert find(index, monkeypatch, capsys, "a dog", "--note", "altitude=12") == []


def test_the_command_beside_a_moment_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Also of the first window, which begins before the log does."""
    log = tmp_path / "the patrol.mcap"
    shutil.copy(Path(__file__).parents[2] / "data" / "0.1.0" / "patrol.mcap", log)
    assert rigbind(monkeypatch, "index", str(log), "--into", str(tmp_path / "db")) == 0
    capsys.readouterr()
    assert rigbind(monkeypatch, "search", "a dog", "--db", str(tmp_path / "db"), "--json", "-n", "99") == 0
    commands = {json.loads(line)["replay"] for line in capsys.readouterr().out.splitlines()}
    assert any("--start 0.0" in command for command in commands)
    for command in commands:
        assert rigbind(monkeypatch, *shlex.split(command)[1:]) == 0, command


def test_sums_and_differences(index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = str(index / "1.png"), str(index / "2.png")
    assert set(find(index, monkeypatch, capsys, one, two, "-n", "2", "--modality", "vision")) == {"1.png", "2.png"}
    assert find(index, monkeypatch, capsys, one, "--minus", two, "-n", "9", "--modality", "vision")[-1] == "2.png"


def test_what_is_there_is_not_indexed_again_unless_it_has_changed(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(index, tmp_path / "copy")
    words = ("index", str(tmp_path / "copy"), "--into", str(tmp_path / "db"))
    for rows in (9, 9):
        rigbind(monkeypatch, *words)
        assert f"{rows} rows of mini" in capsys.readouterr().out
    picture(tmp_path / "copy" / "4.png", seed=9)
    rigbind(monkeypatch, *words)
    told = capsys.readouterr()
    assert "10 rows of mini" in told.out
    assert "broken.jpg" in told.err


def test_the_page_shows_pictures_and_escapes(index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    assert rigbind(monkeypatch, "search", "a dog", "--db", str(index / "db"), "--html", str(page)) == 0
    text = page.read_text()
    assert "data:image/jpeg;base64," in text
    assert "http" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["search"], "there is nothing to search for"),
        (["search", "x" * 100_000], "a term of 100000 characters is too long"),
        (["search", "--like", "a.mcap"], "is not LOG@SECONDS"),
        (["search", "a dog", "--after", "soon"], "'soon' is no time"),
        (["search", "a dog", "--note", "altitude"], "is not KEY=VALUE"),
        (["search", "a dog", "--where", "bananas"], "cannot be asked"),
        (["search", "nowhere.wav"], "nowhere.wav"),
        (["index", "nowhere.mcap"], "nowhere.mcap: there is no such file"),
    ],
)
def test_what_cannot_be_done_is_told(
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    told: str,
) -> None:
    place = ("--db", str(index / "db")) if words[0] == "search" else ("--into", str(tmp_path))
    assert rigbind(monkeypatch, *words, *place) == 2
    assert told in capsys.readouterr().err


def test_a_place_without_index_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rigbind(monkeypatch, "search", "a dog", "--db", str(tmp_path / "none")) == 2
    assert "there is no index here; `rigbind index LOG --into" in capsys.readouterr().err
