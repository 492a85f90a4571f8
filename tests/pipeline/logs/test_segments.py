"""A recording in segments is one recording; a quota and a full disk cost the oldest of it, warnings last."""

import errno
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from makers import IMU, RIG, T0, received, sample, stream, streams
from msgspec.structs import replace
from recordings import many, parts, whole

from pipeline.config import Config, Recording, parse
from pipeline.errors import ConfigError, LogError
from pipeline.logs import Log
from pipeline.logs.quota import segments_of
from pipeline.logs.recorded import Recorded, is_recorded
from pipeline.logs.recorder import Recorder
from pipeline.logs.rows import Tick
from pipeline.logs.segments import Segments
from pipeline.logs.stretches import Stretches
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Event, Received, Window

DIGESTS = {"windows": "a", "embeddings": "b", "events": "c"}
QUIET = Event(id="a", phase="opened", start=T0, end=T0 + 1, label="person", score=0.5, source="tagging")
LOUD = replace(QUIET, id="b", label="unusual", severity="warning")


def rig(**record: object) -> Config:
    return Config(channels=RIG, record=Recording(**record))  # type: ignore[arg-type]


def noise(number: int) -> list[Received]:
    """Pictures of 58 kB that nothing makes smaller, ten a second."""
    rng = np.random.default_rng(0)
    return [
        Received(
            sample=sample("/camera", k / 10, k, rng.integers(0, 256, (120, 160, 3), np.uint8)),
            received=T0 + k * NS // 10,
        )
        for k in range(number)
    ]


def numbers(folder: Path) -> list[int]:
    """Return the sequence numbers of what is left in ``folder``."""
    found, said = whole(Recorded(folder))
    assert said == ""
    return [one.sample.seq for one in found]


def test_a_folder_of_segments_is_one_recording(tmp_path: Path) -> None:
    items = received(streams(RIG, 0, 7))
    folder = tmp_path / "run"
    recorder = Recorder(folder, rig(segment_s=2))
    for one in items:
        recorder.sample(one)
    recorder.tick(T0)
    recorder.close(DIGESTS)
    assert [path.name for path in segments_of(folder)] == [f"00000{k}.mcap" for k in range(4)]
    assert is_recorded(folder)
    recorded = Recorded(folder)
    assert [parts(one) for one in recorded.samples()] == [parts(one) for one in items]
    assert list(recorded.rows(Tick)) == [Tick(now=T0)]
    assert (recorded.complete, recorded.digests) == (True, DIGESTS)
    assert next(one.received for one in Recorded(segments_of(folder)[1]).samples()) >= T0 + 2 * NS
    with Log(folder) as log:
        assert sum(topic.count for topic in log.topics.values()) == len(items) + 1
    segments_of(folder)[1].unlink()
    assert not Recorded(folder).complete


def test_a_day_of_segments_is_read_with_few_of_them_open(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "run", rig(segment_s=0.1))
    for one in received(list(stream(IMU, 0, 6))):
        segments.sample(one)
    segments.finish({})
    with Log(tmp_path / "run") as log:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        num_open = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (num_open + 10, hard))
        try:
            seqs = [one.sample.seq for one in log.samples(log.channels())]
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(segments_of(tmp_path / "run")) == 60
    assert seqs == list(range(1200))


def test_segments_are_as_large_as_was_asked_for(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "run", rig(segment_mb=0.5))
    for one in noise(40):
        segments.sample(one)
        segments.flush()
    segments.finish({})
    sizes = [path.stat().st_size for path in segments_of(tmp_path / "run")]
    assert len(sizes) == 5
    assert all(0.49e6 < size < 0.57e6 for size in sizes[:-1])


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    Recorder(tmp_path / "run", rig(segment_s=1)).close({})
    segments = Segments(tmp_path / "run", rig(segment_s=1))
    segments.sample(noise(1)[0])
    segments.finish({})
    with pytest.raises(LogError, match=r"run: no recording can be written there: the folder is not empty"):
        Recorder(tmp_path / "run", rig(segment_s=1))
    with pytest.raises(LogError, match=r"a\.mcap: a recording in several files needs a folder"):
        Recorder(tmp_path / "a.mcap", rig(segment_s=1))
    with pytest.raises(ConfigError, match=r"record\.path: 'a\.mcap' is one file"):
        parse({"record": {"path": "a.mcap", "quota_gb": 1}})


def test_a_quota_costs_the_oldest_first_and_warnings_last(tmp_path: Path) -> None:
    """Over two runs: the pattern of their names says that they belong together."""
    pattern = str(tmp_path / "box-%Y")
    config = rig(path=pattern, segment_mb=0.4, quota_gb=0.0021)
    items = noise(60)
    for name, run in (("box-2025", items[:30]), ("box-2026", items[30:])):
        segments = Segments(tmp_path / name, config)
        for one in run:
            segments.sample(one)
            if one.sample.seq == 8:  # in the second segment of the first run; it began in the first
                segments.row(replace(LOUD, start=T0 + NS // 10), one.received)
            segments.sync()
        segments.finish({})
    total = sum(path.stat().st_size for path in tmp_path.glob("*/*"))
    assert 1.6e6 < total <= 2.2e6
    assert [path.name for path in segments_of(tmp_path / "box-2025")] == ["000000.event.mcap", "000001.event.mcap"]
    left = numbers(tmp_path / "box-2026")
    assert left == list(range(left[0], 60))
    assert not Recorded(tmp_path / "box-2026").complete


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_on_a_full_disk_the_oldest_segments_make_room_and_nothing_new_is_lost(small_disk: Path) -> None:
    segments = Segments(small_disk / "run", rig(segment_mb=0.4, quota_gb=1))
    items = noise(90)
    for one in items:
        segments.sample(one)
        if one.sample.seq % 5 == 0:
            segments.sync()
    segments.finish({})
    left = numbers(small_disk / "run")
    assert left == list(range(left[0], 90))
    assert len(left) > 20


def test_a_full_disk_without_a_quota_ends_the_recording_with_an_event(small_disk: Path) -> None:
    recorder = Recorder(small_disk / "log.mcap", rig())
    window = Window(start=T0, end=T0 + NS, clips={}, coverage={})
    assert list(recorder.troubles(window)) == []
    for one in noise(60):
        recorder.sample(one)
    end = time.monotonic() + 10
    while not recorder.error and time.monotonic() < end:
        time.sleep(0.01)
    opened, closed = recorder.troubles(window)
    assert (opened.label, opened.source, opened.severity) == ("recording stopped: disk full", "recorder", "warning")
    assert (opened.phase, closed.phase, opened.id) == ("opened", "closed", closed.id)
    assert list(recorder.troubles(window)) == []
    recorder.close(DIGESTS)
    assert recorder.error == f"{small_disk}/log.mcap: the recording ends here: disk full"
    assert sum(recorder.dropped.values()) > 0
    assert not Recorded(small_disk / "log.mcap").complete


@pytest.fixture
def largest_file(request: pytest.FixtureRequest) -> Iterator[int]:
    """No file may grow beyond so many bytes, as on a file system whose files end at 4 GB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (request.param, hard))
    yield request.param
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("largest_file", [600_000, 6_000_000], indirect=True)
def test_what_a_file_takes_no_more_goes_into_the_next(tmp_path: Path, largest_file: int) -> None:
    """Be it at a flush, or in between, when a chunk is full."""
    segments, often = Segments(tmp_path / "run", rig(segment_s=1000)), 6 if largest_file < 1e6 else 100
    items = noise(2 * often + 40)
    for one in items:
        segments.sample(one)
        if one.sample.seq % often == often - 1:
            segments.flush()
    segments.finish({})
    assert numbers(tmp_path / "run") == list(range(len(items)))
    assert len(segments_of(tmp_path / "run")) > 1


class Stalling(LogWriter):
    """A disk that takes 2.5 s for its first sync, and fails at its third."""

    syncs = 0

    def sync(self) -> None:
        """Wait, or raise."""
        Stalling.syncs += 1
        if Stalling.syncs == 1:
            time.sleep(2.5)
        if Stalling.syncs == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync()


def test_a_disk_that_stalls_loses_nothing_and_one_that_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.logs.recorder.LogWriter", Stalling)
    recorder = Recorder(tmp_path / "log.mcap", rig())
    seq, end = 0, time.monotonic() + 10
    while Stalling.syncs < 3 and time.monotonic() < end:
        began = time.perf_counter()
        recorder.sample(Received(sample=sample("/imu", seq / 200, seq), received=T0 + seq))
        assert time.perf_counter() - began < 0.5
        seq += 1
        time.sleep(0.005)
        assert not recorder.dropped or recorder.error
    while not recorder.error and time.monotonic() < end:
        time.sleep(0.01)
    recorder.close(DIGESTS)
    assert "Input/output error" in recorder.error
    kept = [one.sample.seq for one in Recorded(tmp_path / "log.mcap").samples()]
    assert kept == list(range(len(kept)))
    assert len(kept) >= 0.6 * seq


def test_only_what_lies_around_events_is_recorded(tmp_path: Path) -> None:
    config = rig(mode="events", before_s=2, after_s=3)
    stretches = Stretches(Segments(tmp_path / "run", config), 2, 3)
    for one in received(list(stream(IMU, 0, 40))):
        stretches.sample(one)
        at_s = one.sample.seq / 200
        if at_s in (10, 11, 30):
            stretches.row(replace(QUIET, id=str(at_s)), one.received)
    stretches.finish({"digests": "{}", "dropped": "{}"})
    first, second = (Recorded(path) for path in segments_of(tmp_path / "run"))
    assert [one.sample.seq for one in first.samples()] == list(range(8 * 200, 14 * 200 + 1))
    assert [one.sample.seq for one in second.samples()] == list(range(28 * 200, 33 * 200 + 1))
    assert [event.id for event in Recorded(tmp_path / "run").rows(Event)] == ["10.0", "11.0", "30.0"]
    assert not Recorded(tmp_path / "run").complete


def test_the_ring_is_bounded(tmp_path: Path) -> None:
    stretches = Stretches(Segments(tmp_path / "run", rig(mode="events")), 1000, 1, ring_mb=0.5)
    items = list(many(10)) + noise(100)
    for one in items:
        stretches.sample(one)
    stretches.row(QUIET, items[-1].received)
    stretches.finish({})
    assert numbers(tmp_path / "run") == list(range(92, 100))
