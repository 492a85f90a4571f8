"""Events go to files as JSON lines, one by one, and to Python's log."""

import json
import logging
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.messages import NS, Event
from pipeline.sinks import JsonLines
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
