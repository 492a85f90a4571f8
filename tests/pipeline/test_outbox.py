"""After a restart each event is opened once and closed once, wherever events are acknowledged."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fakes import Kept
from wires import event, room_for

import pipeline.outbox
from pipeline.messages import Event, Sink
from pipeline.outbox import Outbox
from pipeline.sinks import JsonLines
from pipeline.sinks.letters import key_of


class Slow(Kept):
    """A sink that has acknowledged only so many."""

    name = "slow"

    def __init__(self, acknowledged: int = 0) -> None:
        super().__init__()
        self.acknowledged = acknowledged

    def holds(self, event: Event) -> bool:
        """It cannot say."""
        return False

    def acknowledge(self, number: int) -> None:
        """Have had so many more."""
        self.acknowledged += number


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Callable[..., Outbox]]:
    """Makes outboxes in one folder, each after the last was killed."""
    made: list[Outbox] = []

    def make(*sinks: Sink) -> Outbox:
        for outbox in made:
            outbox._scribe.close()
            outbox._file.close()  # which writes nothing more
        made.append(Outbox(tmp_path, sinks))
        return made[-1]

    yield make
    made[-1]._file.close()


Box = Callable[..., Outbox]


def keys(sink: Kept) -> list[str]:
    return [key_of(one) for one in sink.events]


def test_what_had_not_arrived_is_sent_again_and_nothing_else(box: Box) -> None:
    slow = Slow()
    before = box(slow)
    for number in range(4):
        before.write(event(number))
        before.write(event(number, "closed"))
    slow.acknowledge(5)
    before.save()  # and then the process is killed
    again = Slow()
    after = box(again)
    assert keys(again) == ["e2/closed", "e3/opened", "e3/closed"]
    assert not after.interrupted
    again.acknowledge(3)
    after.save()
    last = Slow()
    box(last)
    assert not keys(last)


def test_what_was_open_is_closed_once(box: Box) -> None:
    before = box(Slow())
    before.write(event(0))
    before.write(event(0, "updated", 3.0))
    sink = Slow()
    after = box(sink)
    (closed,) = after.interrupted
    assert (closed.id, closed.phase, closed.score) == ("e0", "closed", 3.0)
    after.write(closed)
    assert keys(sink) == ["e0/opened", "e0/updated/5/3", "e0/closed"]
    assert not box(Slow()).interrupted


def test_a_sink_that_is_new_gets_no_old_news(box: Box) -> None:
    before = box()
    before.write(event(0))
    before.save()
    last = Slow()
    box(last)
    assert not keys(last)


def test_lines_that_a_file_holds_are_not_written_twice(tmp_path: Path, box: Box) -> None:
    path = str(tmp_path / "lines")
    with closing(JsonLines(path)) as lines:
        before = box(lines)
        before.write(event(0))
        before.write(event(1))
    with (tmp_path / "lines").open("r+b") as file:  # the second line was cut, and nothing acknowledged was noted
        file.truncate(len(file.read()) - 20)
    box(JsonLines(path)).close()
    assert [json.loads(line)["id"] for line in Path(path).read_text().splitlines()] == ["e0", "e1"]


@pytest.mark.parametrize("harm", [b'{"number": 7, "event": {"id": "x"', b"\xff\xfe\n", b"[1, 2]\n"])
def test_a_file_that_was_harmed_keeps_the_rest(tmp_path: Path, box: Box, harm: bytes) -> None:
    box(Slow()).write(event(0))
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(harm)
    (tmp_path / "acknowledged.json").write_bytes(b"{")
    assert [one.id for one in box(Slow()).interrupted] == ["e0"]


def test_what_has_arrived_everywhere_is_forgotten(tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.outbox, "MAX_BYTES", 2000)
    slow = Slow()
    outbox = box(slow)
    outbox.write(event(1000))  # stays open
    for number in range(50):
        outbox.write(event(number))
        outbox.write(event(number, "closed"))
        slow.acknowledge(2)
        outbox.save()
    assert (tmp_path / "events.jsonl").stat().st_size < 4000
    assert [one.id for one in box(Slow()).interrupted] == ["e1000"]


def test_a_full_disk_keeps_no_event_from_the_sinks(tmp_path: Path, box: Box) -> None:
    slow = Slow()
    outbox = box(slow)
    outbox.write(event(0))
    with room_for(100):
        outbox.write(event(0, "closed"))
        outbox.write(event(1))
        slow.acknowledge(1)
        outbox.save()
    assert keys(slow) == ["e0/opened", "e0/closed", "e1/opened"]
    outbox.save()
    assert '"e1"' in (tmp_path / "events.jsonl").read_text()
    after = Slow()
    assert [one.id for one in box(after).interrupted] == ["e1"]
    assert keys(after) == ["e0/closed", "e1/opened"]


def test_a_book_that_cannot_be_written_anew_grows_and_is_not_tried_all_the_time(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline.outbox, "MAX_BYTES", 1000)
    outbox = box(Slow())
    for number in range(5):
        outbox.write(event(number))
    with room_for(500):
        outbox.save()
        outbox.save()
    assert caplog.text.count("until there is room to write it anew") == 1
    outbox.write(event(5))
    assert [one.id for one in box(Slow()).interrupted] == [f"e{number}" for number in range(6)]


def test_two_sinks_of_one_name_are_two(box: Box) -> None:
    quick, slow = Slow(), Slow()
    before = box(quick, slow)
    for number in range(3):
        before.write(event(number))
        quick.acknowledge(1)
        before.save()
    slow.acknowledge(1)
    before.save()
    again = Slow(), Slow()
    box(*again)
    assert [keys(sink) for sink in again] == [[], ["e1/opened", "e2/opened"]]
