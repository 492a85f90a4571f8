"""A recording holds what the line received, whatever the disk does; and the line never waits for it."""

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import Kept
from makers import CAMERA, IMU, RIG, T0, received, sample, stream, streams
from mcap.reader import make_reader
from recordings import CONFIG, many, parts, whole
from rigs import rig_file

import pipeline.logs.recorder
from pipeline.commands.assembly import assemble, load_checked
from pipeline.errors import LogError
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import GIVES_WAY, Recorder
from pipeline.logs.rows import Row, Tick, WindowRow
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Event, Received, Window
from pipeline.run import paced, run

DIGESTS = {"windows": "a", "embeddings": "b", "events": "c"}
TESTS = Path(__file__).resolve().parents[2]


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_thousands_of_random_samples_come_back_in_order_and_bit_for_bit(tmp_path: Path) -> None:
    """Among them equal receipts, receipts and stamps that go back, restarts, odd dtypes."""
    items = list(many(3000, seed=7))
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    for one in items:
        recorder.sample(one)
    recorder.close(DIGESTS)
    assert recorder.error == ""
    recorded = Recorded(tmp_path / "log.mcap")
    assert recorded.complete
    assert [parts(one) for one in recorded.samples()] == [parts(one) for one in items]


def test_a_second_after_it_came_a_sample_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    recorder = Recorder(path, CONFIG)
    items = received(list(stream(IMU, 0, 0.5)))
    for one in items:
        recorder.sample(one)
    until(lambda: len(whole(Recorded(path))[0]) == len(items), 3.0)
    recorder.close(DIGESTS)


class Slow(LogWriter):
    """A disk that takes nothing until it is told to."""

    gate = threading.Event()

    def sample(self, received: Received) -> None:
        """Wait, then write."""
        self.gate.wait(30)
        super().sample(received)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    Slow.gate = threading.Event()
    monkeypatch.setattr(pipeline.logs.recorder, "LogWriter", Slow)
    yield Slow.gate
    Slow.gate.set()


def test_what_a_slow_disk_does_not_take_is_counted_and_costs_the_line_nothing(
    tmp_path: Path, slow: threading.Event
) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG, queue_mb=1.0)
    items = received(streams([CAMERA, IMU], 0, 4))
    started = time.perf_counter()
    for one in items:
        recorder.sample(one)
    recorder.tick(T0)
    assert time.perf_counter() - started < 1.0
    lost = sum(recorder.dropped.values())
    assert recorder.dropped["/camera"] > 0
    slow.set()
    recorder.close(DIGESTS)
    recorded = Recorded(tmp_path / "log.mcap")
    kept = list(recorded.steps())
    assert len(kept) + lost == len(items) + 1
    assert 0.8e6 < sum(one.sample.data.nbytes for one in kept if isinstance(one, Received)) < 1.1e6
    assert recorded.dropped == dict(recorder.dropped)
    assert recorded.digests == DIGESTS
    assert not recorded.complete


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one thread give way")
def test_who_records_gives_way_to_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    writing: list[int] = []
    monkeypatch.setattr(LogWriter, "sample", lambda *_: writing.append(nice()))
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    recorder.sample(received([sample()])[0])
    recorder.close(DIGESTS)
    assert recorder.error == ""
    assert writing == [min(19, nice() + GIVES_WAY)]


def test_a_sample_larger_than_the_queue_is_taken_when_nothing_else_waits(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG, queue_mb=0.01)
    recorder.sample(Received(sample=sample("/camera", data=np.zeros((120, 160, 3), np.uint8)), received=T0))
    recorder.close(DIGESTS)
    assert not recorder.dropped
    assert len(list(Recorded(tmp_path / "log.mcap").samples())) == 1


def test_windows_know_how_many_samples_came_before_them_in_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    first, second = (Window(start=T0, end=T0 + k * NS, clips={}, coverage={"/imu": 0.5}) for k in (1, 2))
    items = received(list(stream(IMU, 0, 0.1)))
    for index, one in enumerate(items):
        recorder.sample(one)
        if index == 4:
            recorder.closed(first)
        if index == 11:
            recorder.closed(second)
            recorder.skipped(second)
    recorder.skipped(first)  # answered later than the next one
    recorder.close(DIGESTS)
    rows = list(Recorded(tmp_path / "log.mcap").rows(WindowRow))
    assert [(row.end, row.after, row.skipped) for row in rows] == [(T0 + 2 * NS, 12, True), (T0 + NS, 5, True)]


class Faulty(LogWriter):
    """Goes wrong as software does, and cannot even be let go of."""

    def row(self, row: Row, log_time: int) -> None:
        """Raise what is no OSError."""
        raise RuntimeError("bits fell out")

    def abandon(self) -> None:
        """Close, and complain all the same, as a full disk does of what is buffered."""
        super().abandon()
        raise OSError("No space left on device")


def test_an_error_of_any_kind_is_told_and_all_the_rest_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.logs.recorder, "LogWriter", Faulty)
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    recorder.tick(T0)
    until(lambda: bool(recorder.error))
    assert recorder.error == f"{tmp_path}/log.mcap: the recording ends here: RuntimeError: bits fell out"
    for one in received(list(stream(IMU, 0, 0.1))):
        recorder.sample(one)
    recorder.close(DIGESTS)
    until(lambda: recorder.dropped["/rigbind/ticks"] == 1)
    assert recorder.dropped == {"/rigbind/ticks": 1, "/imu": 20}


@pytest.fixture
def small_disk() -> Iterator[int]:
    """No file may grow beyond these many bytes: writing raises OSError as on a full disk."""
    size = 300_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    yield size
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_a_sentence_and_leaves_what_was_whole(tmp_path: Path, small_disk: int) -> None:
    path = tmp_path / "log.mcap"
    recorder = Recorder(path, CONFIG)
    rng = np.random.default_rng(0)
    items = [
        Received(sample=sample("/camera", k / 15, k, rng.integers(0, 256, (120, 160, 3), np.uint8)), received=T0 + k)
        for k in range(200)
    ]
    for given, one in enumerate(items, 1):
        recorder.sample(one)
        if given in (2, 4):  # so that two chunks are whole
            time.sleep(1.2)
    until(lambda: bool(recorder.error))
    recorder.sample(items[0])
    recorder.close(DIGESTS)
    assert recorder.error == f"{path}: the recording ends here: File too large"
    assert recorder.dropped["/camera"] > 50
    recorded = Recorded(path)
    assert not recorded.complete
    kept, said = whole(recorded)
    assert said == ""  # what was flushed has got its index
    assert [parts(one) for one in kept] == [parts(one) for one in items[: len(kept)]]
    assert len(kept) >= 4


@pytest.mark.usefixtures("small_disk")
def test_the_line_says_that_its_recording_has_stopped_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.logs.recorder, "FLUSH_S", 0.05)
    rig, kept = load_checked(rig_file(tmp_path)), Kept()
    line = assemble(rig, [kept], record=tmp_path / "log.mcap")
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    async def passed() -> int:
        steps = [Received(sample=sample("/camera", k / 15, k, noise), received=T0 + k * NS // 15) for k in range(75)]
        count = sum([1 async for _ in run(paced(steps, line, 5.0), line)])
        await line.close()
        return count

    assert asyncio.run(passed()) > 5
    told = [event for event in kept.events if event.source == "recorder"]
    assert [(event.phase, event.label) for event in told] == [
        ("opened", "recording stopped: File too large"),
        ("closed", "recording stopped: File too large"),
    ]


def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="no recording can be written there"):
        Recorder(tmp_path, CONFIG)


KILLED = """
import sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
from makers import RIG, received, sample
from recordings import CONFIG
from pipeline.logs.recorder import Recorder
from pipeline.messages import Received
import numpy as np
recorder = Recorder(Path(sys.argv[1]), CONFIG)
seq = 0
while True:
    recorder.sample(Received(sample=sample("/imu", seq / 200, seq), received=time.time_ns()))
    if seq % 13 == 0:
        recorder.sample(Received(sample=sample("/camera", seq, seq,
            np.frombuffer(np.random.bytes(57600), np.uint8).reshape(120, 160, 3)), received=time.time_ns()))
    print(seq, flush=True)
    seq += 1
    time.sleep(0.005)
"""


@pytest.mark.fault
def test_kill_9_loses_at_most_the_last_second(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    code = KILLED.format(paths=[str(TESTS.parent), str(TESTS)])
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    time.sleep(2.7)
    killed = time.time_ns()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    recorded = Recorded(path)
    assert recorded.config == CONFIG
    assert not recorded.complete
    kept, said = whole(recorded)
    assert not said or "the log is cut" in said
    imu = [one.sample.seq for one in kept if one.sample.topic == "/imu"]
    assert imu == list(range(len(imu)))
    assert killed - kept[-1].received < 1.4 * NS  # a second, and what a busy machine takes to flush


def test_everything_that_was_said_comes_back(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG, model="mini 0123")
    events = [
        Event(
            id=str(k),
            phase="opened",
            start=T0,
            end=T0 + k,
            label="ü",
            score=k / 3,
            source="x",
            evidence={"/imu": 1 / 3},
        )
        for k in range(5)
    ]
    for event in events:
        recorder.event(event)
    recorder.tick(T0 + 9)
    recorder.close(DIGESTS)
    recorded = Recorded(tmp_path / "log.mcap")
    assert list(recorded.rows(Event)) == events
    assert list(recorded.rows(Tick)) == [Tick(now=T0 + 9)]
    assert (recorded.model, recorded.digests) == ("mini 0123", DIGESTS)


def test_the_queue_holds_no_sample_longer_than_it_takes_to_write(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    for one in received(streams(RIG, 0, 1)):
        recorder.sample(one)
    until(lambda: not recorder._queue)
    assert recorder._size == 0
    recorder.close(DIGESTS)


def told_by(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return dict(list(make_reader(file).iter_metadata())[-1].metadata)


def test_the_end_of_the_file_tells_of_the_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    recorder.close(DIGESTS)
    told = told_by(tmp_path / "log.mcap")
    assert json.loads(told["digests"]) == DIGESTS
    assert (told["windows"], told["dropped"]) == ("0", "{}")
