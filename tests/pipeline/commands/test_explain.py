"""`rigbind explain` draws all that is known of an event, from a recording or from a file of events."""

from pathlib import Path

import numpy as np
import pytest
import typer
from lines import CONFIG, THIS, line_of, moved
from makers import IMU, received, streams
from PIL import Image
from typer.testing import CliRunner
from wires import event

from pipeline.commands.explain.command import explain
from pipeline.commands.explain.story import from_lines, from_log
from pipeline.control import Request
from pipeline.errors import InputError, LogError
from pipeline.logs.recorder import Recorder
from pipeline.messages import NS, SetLabel
from pipeline.sinks.letters import json_of


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twelve seconds in which "shaking" was asked for after four."""
    path = tmp_path_factory.mktemp("explained") / "run.mcap"
    steps = received(streams([IMU], 0, 12))
    ask = Request(SetLabel(label="shaking", examples=(THIS,), severity="critical"), steps[800].received)
    moved(line_of(Recorder(path, CONFIG)), [*steps[:800], ask, *steps[800:]])
    return path


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """Two events of which the second is open, and a line that was cut."""
    path = tmp_path / "events.jsonl"
    told = [event(1), event(1, "closed"), event(2)]
    path.write_bytes(b"".join(json_of(one, attachments=False) + b"\n" for one in told) + b'{"id": "e3"')
    return path


def said(*arguments: str | Path) -> str:
    app = typer.Typer()
    app.command()(explain)
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_recording_tells_what_was_felt_and_how_unlike_it_was(log: Path) -> None:
    story = from_log(log, "tagging/shaking")
    assert (story.event.phase, story.event.severity) == ("closed", "critical")
    assert story.told[0].phase == "opened"
    seconds = story.motion["/imu"][:, 0]
    assert -5 <= seconds.min() < seconds.max() < (story.event.end - story.event.start) / NS + 5
    np.testing.assert_allclose(story.motion["/imu"][:, 3], 9.81)
    stamps, unlike = story.unlike["/imu"].T
    assert (np.diff(stamps) == 0.5).all()
    assert unlike[0] == pytest.approx(0, abs=1e-6)
    assert unlike[-1] == pytest.approx(1 - np.cos(0.9))  # from 100 readings to 1000: an angle of 0.9


def test_a_picture_is_drawn_and_the_story_is_said(log: Path, tmp_path: Path) -> None:
    told = said("last", "--log", log, "--out", tmp_path)
    (path,) = tmp_path.glob("tagging_shaking@*.png")
    assert "'shaking', critical, closed" in told
    assert "spoke for it: /imu" in told
    assert f"drawn in {path}" in told
    pixels = np.asarray(Image.open(path).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50


def test_a_file_of_events_tells_less_and_a_cut_line_nothing(lines: Path, tmp_path: Path) -> None:
    story = from_lines(lines, "e1")
    assert [one.phase for one in story.told] == ["opened", "closed"]
    assert [one.id for one in story.beside] == ["e2"]
    said("e2", "--events", lines, "--out", tmp_path / "made" / "x.png")
    assert (tmp_path / "made" / "x.png").is_file()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("e", "2 events are called 'e': e1, e2"), ("x", "there is no event 'x'; there is e1, e2")],
)
def test_events_that_are_not_there_are_named(lines: Path, name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        from_lines(lines, name)


def test_what_holds_no_events_is_refused(lines: Path, tmp_path: Path) -> None:
    for arguments in (["last"], ["last", "--log", lines, "--events", lines]):
        with pytest.raises(InputError, match="name either the recording"):
            said(*arguments)
    with pytest.raises(LogError, match=r"events\.jsonl"):
        said("last", "--log", lines)
    with pytest.raises(InputError, match="No such file"):
        said("last", "--events", tmp_path / "nowhere")
    lines.write_bytes(b"[]\n" + lines.read_bytes())
    with pytest.raises(InputError, match=r"events\.jsonl:1: this is no event"):
        said("last", "--events", lines)
    lines.write_bytes(json_of(event(1), attachments=False) + b"\n")
    with pytest.raises(InputError, match="nothing can be drawn there"):
        said("e1", "--events", lines, "--out", lines / "x.png")
