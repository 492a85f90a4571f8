"""The page of a log: what it is told before it begins, and what is no log."""

from pathlib import Path

import pytest
from rigs import CHANNELS, samples

from pipeline.commands.monitor import monitor
from pipeline.commands.playing import Playing
from pipeline.commands.showing import known
from pipeline.config import Config
from pipeline.errors import PipelineError
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Event, Phase

CONFIGS = Path(__file__).parents[3] / "configs"


def told(number: int, phase: Phase) -> Event:
    start = 1_700_000_000 * NS + number
    return Event(id=str(number), phase=phase, start=start, end=start + 1, label="bump", score=1.0, source="anomaly")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second, in which one event began and ended, and one was cut off."""
    path = tmp_path_factory.mktemp("log") / "walk.mcap"
    writer = LogWriter(path, Config(channels=CHANNELS))
    for one in samples(1.0):
        writer.sample(one)
    for event in (told(1, "opened"), told(2, "opened"), told(1, "closed")):
        writer.row(event, event.end)
    writer.finish({})
    return path


def test_a_page_knows_the_events_of_a_log_and_that_they_are_over(log: Path) -> None:
    assert sorted((event.id, event.phase) for event in known(Playing([log]))) == [("1", "closed"), ("2", "closed")]


def test_a_moment_of_a_log_has_a_time_since_its_start_or_since_1970(log: Path) -> None:
    playing = Playing([log])
    assert playing.at("0.25") == playing.start + NS // 4
    assert playing.at(f"@{playing.start // NS}.250") == playing.start // NS * NS + NS // 4


@pytest.mark.parametrize("start", ["soon", "9", "-1", "@12", "@nan", "@", "@1e999999999"])
def test_a_start_that_is_not_in_the_log_is_refused(log: Path, start: str) -> None:
    with pytest.raises(PipelineError, match=r"^('|--start ')"):
        monitor(log, start=start)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nope.mcap", "there is no such file"),
        ("../../../../../../../../../nope/passwd", "there is no such file"),
        ("/dev/null", "is empty"),
        (".", "the folder is no log"),
        ("x" * 5000, "cannot be read: File name too long"),
        ("a=" + "x" * 5000, "cannot be read: File name too long"),
        ("nope.toml", "No such file or directory"),
    ],
)
def test_what_is_no_log_is_said_in_a_sentence(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=why):
        monitor(Path(name))


def test_a_log_that_is_cut_is_said_to_be(log: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(log.read_bytes()[:-2000])
    with pytest.raises(PipelineError, match=r"cut\.mcap: the log is cut: the file ends at byte"):
        monitor(cut)


def test_options_of_a_log_are_not_for_a_rig_nor_those_of_a_rig_for_a_log(log: Path) -> None:
    with pytest.raises(PipelineError, match="--start is for a log"):
        monitor(CONFIGS / "demo.toml", start="1")
    with pytest.raises(PipelineError, match="--events for a rig"):
        monitor(log, events=log)


@pytest.mark.parametrize("line", ["{}", "no", "\udcff"])
def test_what_are_no_events_is_said_in_a_sentence(line: str, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(line.encode("utf-8", "surrogateescape"))
    with pytest.raises(PipelineError, match="these are no events"):
        monitor(CONFIGS / "demo.toml", events=events)
