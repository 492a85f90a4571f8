"""What a run knows outlives it, also when it is killed; one run at a time has the folder."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from fakes import Kept
from lines import CONFIG, THIS, line_of, moved
from makers import IMU, received, streams
from wires import room_for, taking, waited_for

import pipeline.keeping
from pipeline.control import Reply, Request
from pipeline.errors import InputError
from pipeline.keeping import Keeping
from pipeline.line import Line
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import Recorder
from pipeline.messages import Event, SetLabel

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import sys, time
from pathlib import Path
from wires import event
from pipeline.outbox import Outbox
from pipeline.sinks import JsonLines
from pipeline.sinks.webhook import Webhook

folder, url, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
outbox = Outbox(folder, [JsonLines(str(folder / "lines")), Webhook(url)])
for closed in outbox.interrupted:
    outbox.write(closed)
print("ready", flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    number = time.time_ns()
    outbox.write(event(number))
    time.sleep(0.003)
    outbox.write(event(number, "closed"))
    if number % 3 == 0:
        outbox.save()
outbox.close()
"""


def child(folder: Path, url: str, seconds: float) -> subprocess.Popen[bytes]:
    """A run that has said that it is ready."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", CHILD, str(folder), url, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.slow
def test_killed_at_any_time_each_event_is_opened_once_and_closed_once_everywhere(tmp_path: Path) -> None:
    rng = random.Random(0)
    with taking() as taker:
        taker.codes = [503] * 3
        for _ in range(3):
            process = child(tmp_path, taker.url, 60)
            time.sleep(rng.uniform(0.01, 0.25))
            process.send_signal(signal.SIGKILL)
            process.communicate()
        process = child(tmp_path, taker.url, 0.1)
        process.communicate(timeout=30)
        assert process.returncode == 0
    lines = Counter((one["id"], one["phase"]) for one in map(json.loads, (tmp_path / "lines").read_text().splitlines()))
    arrived = {key for key, _ in taker.taken}
    ids = {id_ for id_, _ in lines}
    assert len(ids) > 20
    assert lines == {(id_, phase): 1 for id_ in ids for phase in ("opened", "closed")}
    assert arrived == {f"{id_}/{phase}" for id_ in ids for phase in ("opened", "closed")}


def kept_run(folder: Path, line: Line, *requests: Request) -> list[Event]:
    """Eight seconds of an IMU, with the requests in their middle, through a line whose state is kept."""
    sink = Kept()
    line.tell(sink)
    with closing(Keeping(folder, line)) as keeping:
        keeping.begin()
        steps = received(streams([IMU], 0, 8))
        moved(line, [*steps[:800], *requests, *steps[800:]])
        keeping.save()
    return sink.events


def test_a_label_that_was_added_is_still_looked_for_and_the_recording_knows(tmp_path: Path) -> None:
    replies: list[Reply] = []
    ask = Request(SetLabel(label="shaking", examples=(THIS,)), 5, replies.append)
    kept_run(tmp_path / "state", line_of(), ask)
    assert replies[0].is_done
    second = line_of(Recorder(tmp_path / "run.mcap", CONFIG))
    events = kept_run(tmp_path / "state", second)
    assert {event.label for event in events} == {"shaking"}
    recorded = Recorded(tmp_path / "run.mcap")
    again = line_of(recorded=recorded)
    moved(again, list(recorded.steps()))
    assert again.digest.hex() == recorded.digests == second.digest.hex()


def test_what_was_open_when_a_run_was_killed_is_closed_by_the_next_for_all_sinks(tmp_path: Path) -> None:
    lost = Event(id="a@1", phase="opened", start=1, end=2, label="a", score=1.0, source="anomaly")
    first = line_of()
    with closing(Keeping(tmp_path, first)) as keeping:
        first.emit(lost)
        keeping.outbox.close()
    (closed, *_) = kept_run(tmp_path, line_of())
    assert (closed.id, closed.phase) == ("a@1", "closed")
    assert "a@1" not in {event.id for event in kept_run(tmp_path, line_of())}


def test_two_runs_cannot_have_one_folder(tmp_path: Path) -> None:
    with closing(Keeping(tmp_path, line_of())) as keeping:
        with pytest.raises(InputError, match="another run keeps its state there"):
            Keeping(tmp_path, line_of())
        keeping.outbox.close()
    with pytest.raises(InputError, match="no state can be kept there"):
        Keeping(Path("/dev/null/state"), line_of())


def test_learning_of_something_else_is_left_aside_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept_run(tmp_path, line_of())
    other = line_of()
    other.operators = other.steering.operators = other.operators[::-1]
    kept_run(tmp_path, other)
    assert "what operators.tagging:Tagger had learned is of no use to lines:Forgetful" in caplog.text
    (tmp_path / "learned.msgpack").write_bytes(b"\xc1")
    with pytest.raises(InputError, match="cannot be read"):
        kept_run(tmp_path, line_of())


def test_a_full_disk_stops_no_line_and_what_was_learned_before_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept_run(tmp_path, line_of(), Request(SetLabel(label="shaking", examples=(THIS,)), 5))
    learned = (tmp_path / "learned.msgpack").read_bytes()
    line = line_of()
    with room_for(200):
        events = kept_run(tmp_path, line)
    assert {event.label for event in events} == {"shaking"}
    assert (tmp_path / "learned.msgpack").read_bytes() == learned
    assert "learned.msgpack: File too large: it holds what it held before" in caplog.text


def test_what_a_person_said_is_written_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = line_of()
    with closing(Keeping(tmp_path, line)) as keeping:
        keeping.begin()
        monkeypatch.setattr(pipeline.keeping, "ARRIVED_S", 0.0)
        keeping.save_when_due()
        assert not (tmp_path / "learned.msgpack").exists()
        line.asked(Request(SetLabel(label="shaking", examples=(THIS,)), 5))
        keeping.save_when_due()
        waited_for((tmp_path / "learned.msgpack").exists)
        keeping.outbox.close()
