"""Events go to files as JSON lines, one by one."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.messages import Event
from pipeline.sinks import JsonLines

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
