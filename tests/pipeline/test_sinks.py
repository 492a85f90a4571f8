"""Events go to files as JSON lines, one by one, and to Python's log."""

import asyncio
import errno
import json
import logging
import os
from contextlib import closing, suppress
from pathlib import Path

import pytest
from fakes import Kept
from lines import line_of
from msgspec.structs import replace
from wires import room_for

import pipeline.sinks.appender
from pipeline.messages import NS, Event
from pipeline.sinks import JsonLines
from pipeline.sinks.letters import json_of
from pipeline.sinks.log import Log

EVENT = Event(id="novelty@5", phase="opened", start=5, end=9, label="novelty", score=3.5, source="novelty")


def test_each_event_is_a_line_at_once(tmp_path: Path) -> None:
    path = tmp_path / "made" / "events.jsonl"
    with closing(JsonLines(str(path))) as sink:
        sink.write(EVENT)
        (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "id": "novelty@5",
        "phase": "opened",
        "start": 5,
        "end": 9,
        "label": "novelty",
        "score": 3.5,
        "source": "novelty",
        "evidence": {},
        "severity": "info",
        "weights": {},
        "history": [],
        "nearest": 0,
        "pictures": {},
        "sounds": {},
    }


def test_a_second_run_adds_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        with closing(JsonLines(str(path))) as sink:
            sink.write(EVENT)
    assert len(path.read_text().splitlines()) == 2


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(JsonLines()) as sink:
        sink.write(EVENT)
    assert json.loads(capsys.readouterr().out)["id"] == "novelty@5"


def test_a_line_that_was_cut_is_taken_away_and_known_events_are_known(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with closing(JsonLines(str(path))) as sink:
        sink.write(EVENT)
    with path.open("a") as file:
        file.write('{"id": "nov')
    with closing(JsonLines(str(path))) as again:
        assert again.holds(EVENT)
        assert not again.holds(replace(EVENT, phase="closed"))
        again.write(replace(EVENT, phase="closed"))
    assert [json.loads(line)["phase"] for line in path.read_text().splitlines()] == ["opened", "closed"]


def test_pictures_can_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with closing(JsonLines(str(path), attachments=False)) as sink:
        sink.write(replace(EVENT, pictures={"/camera": b"jpeg"}))
    assert json.loads(path.read_text())["pictures"] == {}


def test_the_log_has_what_opens_and_closes_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rigbind.events"), closing(Log()) as sink:
        sink.write(replace(EVENT, end=5 + 2 * NS, severity="critical"))
        sink.write(replace(EVENT, phase="updated"))
        sink.write(replace(EVENT, phase="closed"))
    assert [record.levelname for record in caplog.records] == ["CRITICAL", "INFO"]
    assert caplog.messages[0] == "novelty@5 opened: 'novelty' for 2.0 s, score 3.50, by novelty"


def test_a_full_disk_holds_lines_up_and_loses_none(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = [replace(EVENT, id=f"e{number}") for number in range(6)]
    with closing(JsonLines(str(path))) as sink:
        sink.write(events[0])
        with room_for(path.stat().st_size + 100):  # the next line is cut
            for event in events[1:5]:
                sink.write(event)
            assert sink.acknowledged == 1
            assert "1 written, 4 left waiting; last trouble: File too large" in sink.told()
        sink.write(events[5])
        assert sink.acknowledged == 6
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == [f"e{n}" for n in range(6)]


def test_what_waits_for_the_disk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.sinks.appender, "MAX_WAITING", 3)
    with closing(JsonLines(str(tmp_path / "events.jsonl"))) as sink:
        with room_for(100):
            for number in range(9):
                sink.write(replace(EVENT, id=f"e{number}"))
        assert sink.acknowledged == 0
    kept = [json.loads(line)["id"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert kept == ["e0", "e7", "e8"]  # the first was half written
    assert "3 written, 6 dropped" in sink.told()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"notes of somebody", b"notes of somebody\n"),
        (b'x\n{"i', b"x\n"),
        (b'x\n{"id": 5, "pha', b"x\n"),
        (b"x\n" + json_of(EVENT, True), b"x\n" + json_of(EVENT, True) + b"\n"),
    ],
)
def test_only_an_event_that_was_cut_is_taken_away(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "notes"
    path.write_bytes(before)
    JsonLines(str(path)).close()
    assert path.read_bytes() == after


class Raising(Kept):
    """A sink of somebody's own that says so when its disk is full."""

    def write(self, event: Event) -> None:
        """Fail."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_sink_that_raises_is_told_of_once_and_keeps_no_event_from_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = line_of()
    line.sinks.insert(0, Raising())
    for number in range(3):
        line.emit(replace(EVENT, id=f"e{number}"))
    (kept,) = [sink.events for sink in line.sinks if type(sink) is Kept]
    assert [event.id for event in kept] == ["e0", "e1", "e2"]
    assert [record.message for record in caplog.records] == [
        "Raising: [Errno 28] No space left on device: events are missing there"
    ]
    asyncio.run(line.close())


def test_standard_output_that_takes_nothing_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = JsonLines()
    with suppress(OSError), open("/dev/full", "w") as full:  # which cannot be flushed at its end either
        monkeypatch.setattr("sys.stdout", full)
        sink.write(EVENT)
        monkeypatch.undo()
    assert sink.told() == "lines -: last trouble: No space left on device"
    assert sink.acknowledged == 1


def test_a_logger_lets_all_through_unless_it_has_a_level() -> None:
    quiet = logging.getLogger("rigbind.events.quiet")
    quiet.setLevel(logging.ERROR)
    for name in ("rigbind.events.quiet", "rigbind.events.new"):
        Log(name)
    assert (quiet.level, logging.getLogger("rigbind.events.new").level) == (logging.ERROR, logging.INFO)
