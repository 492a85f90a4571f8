"""A recording read back repeats the run, and what is left of a broken one is exact up to the break."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from makers import CAMERA, IMU, MICROPHONE, RIG, T0, received, sample, stream, streams
from mcap.writer import Writer
from msgspec.structs import replace
from recordings import CONFIG, many, parts, whole

from pipeline.config import Config, Model, Part, Windowing
from pipeline.digest import Digest
from pipeline.errors import ConfigError, LogError
from pipeline.logs.recorded import Recorded, is_recorded
from pipeline.logs.recorder import Recorder
from pipeline.logs.rows import EmbeddingRow, Tick, WindowRow
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Embedding, Observation, Received, Window
from pipeline.sync import Synchronizer

DIGESTS = {"windows": "a", "embeddings": "b", "events": "c"}


def recorded_from(path: Path, items: Iterable[Received], config: Config = CONFIG) -> Recorded:
    recorder = Recorder(path, config)
    for one in items:
        recorder.sample(one)
    recorder.close(DIGESTS)
    return Recorded(path)


def test_the_rig_comes_back_as_it_was(tmp_path: Path) -> None:
    config = Config(
        channels=[*RIG[:4], replace(MICROPHONE, sensor=Part("sensors.microphone:Microphone", {"device": 1}))],
        window=Windowing(stride_s=0.25),
        model=Model(preset={"vision": "mini"}, engine="local"),
        operators=[Part("operators.anomaly:Anomaly")],
    )
    assert recorded_from(tmp_path / "log.mcap", [], config).config == config


def test_a_rig_that_this_version_does_not_know_is_a_sentence(tmp_path: Path) -> None:
    config = Config(channels=[replace(CAMERA, topic="no slash")])
    with pytest.raises(ConfigError, match=r"log\.mcap: its rig: channels\[0\]\.topic: .*'no slash'"):
        _ = recorded_from(tmp_path / "log.mcap", [], config).config


def test_only_our_recordings_are_recorded(tmp_path: Path) -> None:
    recorded_from(tmp_path / "log.mcap", [])
    assert is_recorded(tmp_path / "log.mcap")
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "text.mcap").write_text("no log at all")
    (tmp_path / "magic.mcap").write_bytes(b"\x89MCAP0\r\n")
    with (tmp_path / "foreign.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.add_metadata("rosbag2", {"rigbind": "no"})
        writer.finish()  # type: ignore[no-untyped-call]
    (tmp_path / "bent.mcap").write_bytes(b"?" + (tmp_path / "log.mcap").read_bytes()[1:])
    for name in ("bent.mcap", "empty.mcap", "text.mcap", "magic.mcap", "foreign.mcap", "absent.mcap", "."):
        assert not is_recorded(tmp_path / name)
        with pytest.raises(LogError, match="the file is no recording"):
            Recorded(tmp_path / name)


def test_samples_come_in_the_order_of_their_arrival_whatever_their_times_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    items = [replace(one, received=int(T0 + rng.integers(3))) for one in received(streams(RIG, 0, 3))]
    rng.shuffle(items)
    assert [parts(one) for one in recorded_from(tmp_path / "log.mcap", items).samples()] == [parts(i) for i in items]


def test_cut_at_any_byte_it_gives_all_that_was_flushed_and_nothing_else(tmp_path: Path) -> None:
    """A hundred random places in a recording of ten seconds that was flushed each second."""
    path, items = tmp_path / "log.mcap", list(many(2000, seed=11))
    writer = LogWriter(path, CONFIG)
    flushed = [(path.stat().st_size, 0)]
    for index, one in enumerate(items, 1):
        writer.sample(one)
        if index % 200 == 0:
            writer.flush()
            flushed.append((path.stat().st_size, index))
    writer.finish({"digests": "{}"})
    content, expected = path.read_bytes(), [parts(one) for one in items]
    rng = np.random.default_rng(12)
    for place in rng.integers(flushed[0][0], flushed[-1][0], 100):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(content[:place])
        recorded = Recorded(cut)
        found, said = whole(recorded)
        safe = max(count for size, count in flushed if size <= place)
        assert len(found) >= safe
        assert [parts(one) for one in found] == expected[: len(found)]
        assert recorded.config == CONFIG
        assert not recorded.complete
        assert place in [size for size, _ in flushed] or "the log is cut" in said


def test_a_flipped_bit_is_told_with_its_place_and_never_read_as_data(tmp_path: Path) -> None:
    items = list(many(600, seed=13))
    path = tmp_path / "log.mcap"
    writer = LogWriter(path, CONFIG)
    begins = path.stat().st_size
    for index, one in enumerate(items, 1):
        writer.sample(one)
        if index % 100 == 0:
            writer.flush()
    ends = path.stat().st_size
    writer.finish({})
    content, expected = path.read_bytes(), [parts(one) for one in items]
    rng = np.random.default_rng(14)
    told = 0
    for place in rng.integers(begins, ends, 60):
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "broken.mcap").write_bytes(broken)
        found, said = whole(Recorded(tmp_path / "broken.mcap"))
        assert [parts(one) for one in found] == expected[: len(found)]
        assert said or len(found) == len(items)  # some bits are of no consequence: in the index of a chunk
        told += bool(said)
    assert told > 40


def test_what_else_stands_in_the_file_is_passed_over(tmp_path: Path) -> None:
    """Somebody annotated a copy: a ROS topic and a metadata record that are not ours."""
    path, items = tmp_path / "log.mcap", received(list(stream(IMU, 0, 0.1)))
    writer = LogWriter(path, CONFIG)
    for one in items:
        writer.sample(one)
    schema = writer._writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
    channel = writer._writer.register_channel("/note", "cdr", schema, {})
    writer._writer.add_message(channel, T0, [b"\0\1\0\0\1\0\0\0\0"], T0)
    writer._writer.add_metadata("somebody", {"model": "theirs"})
    writer.finish({"digests": msgspec.json.encode(DIGESTS).decode(), "dropped": "{}"})
    recorded = Recorded(path)
    assert [parts(one) for one in recorded.steps() if isinstance(one, Received)] == [parts(one) for one in items]
    assert recorded.complete
    assert (recorded.digests, recorded.model) == (DIGESTS, "")


# --- live equals replay -----------------------------------------------------------------------------------------------


class Run:
    """A line up to its windows, and what came of it."""

    def __init__(self, config: Config) -> None:
        self.sync = Synchronizer(config.window, config.channels)
        self.digest = Digest()
        self.windows: list[Window] = []

    def take(self, windows: list[Window]) -> list[Window]:
        for window in windows:
            self.digest.observation(Observation(window=window, embeddings={}, fused=np.zeros(1), weights={}))
        self.windows += windows
        return windows


def live(path: Path, arrivals: Iterable[tuple[int, Received | None]]) -> Run:
    """Run at times of receipt, with a tick after each batch, and record."""
    run, recorder = Run(CONFIG), Recorder(path, CONFIG)
    for now, one in arrivals:
        if one is not None:
            recorder.sample(one)
            for window in run.take(run.sync.push(one.sample)):
                recorder.closed(window)
                recorder.skipped(window)
            continue
        before = run.sync._closed, run.sync._next
        for window in run.take(run.sync.tick(now)):
            recorder.closed(window)
            recorder.skipped(window)
        if (run.sync._closed, run.sync._next) != before:
            recorder.tick(now)
    run.take(run.sync.finish())
    recorder.close(run.digest.hex())
    return run


def replayed(recorded: Recorded) -> Run:
    run = Run(recorded.config)
    for step in recorded.steps():
        if isinstance(step, Tick):
            run.take(run.sync.tick(step.now))
        elif isinstance(step, Received):
            run.take(run.sync.push(step.sample))
    run.take(run.sync.finish())
    return run


def troubled(seed: int) -> Iterator[tuple[int, Received | None]]:
    """Half a minute of a rig whose streams jitter, stall, fall silent together for 12 s, and come back late."""
    rng = np.random.default_rng(seed)
    arrivals = []
    for channel in RIG:
        stall = rng.uniform(2, 6)
        for item in [*stream(channel, 0, 9), *stream(channel, 21, 30)]:
            at_s = (item.stamp - T0) / NS
            delay_s = float(rng.exponential(0.03)) + (1.5 if stall < at_s < stall + 1 else 0)
            if 21 <= at_s < 21.05:
                delay_s += 0.4
            arrivals.append(Received(sample=item, received=item.stamp + round(delay_s * NS)))
    arrivals.sort(key=lambda one: one.received)
    due = iter(arrivals)
    waiting = next(due, None)
    for now in range(T0, T0 + 33 * NS, NS // 20):
        while waiting is not None and waiting.received <= now:
            yield now, waiting
            waiting = next(due, None)
        yield now, None


@pytest.mark.parametrize("seed", range(3))
def test_replay_gives_the_windows_of_life_also_those_that_left_at_their_deadline(tmp_path: Path, seed: int) -> None:
    run = live(tmp_path / "log.mcap", troubled(seed))
    recorded = Recorded(tmp_path / "log.mcap")
    again = replayed(recorded)
    assert {window.closed_by for window in run.windows} >= {"watermark", "deadline"}
    assert again.digest.hex() == run.digest.hex() == recorded.digests
    assert again.sync.ledger.rows() == run.sync.ledger.rows()
    closed = [(row.start, row.end, row.closed_by, row.coverage) for row in recorded.closings()]
    assert closed == [
        (window.start, window.end, window.closed_by, dict(window.coverage))
        for window in run.windows
        if window.closed_by != "end"
    ]


def test_without_the_ticks_a_replay_would_not_be_life(tmp_path: Path) -> None:
    live(tmp_path / "log.mcap", troubled(0))
    recorded = Recorded(tmp_path / "log.mcap")
    run = Run(recorded.config)
    for one in recorded.samples():
        run.take(run.sync.push(one.sample))
    run.take(run.sync.finish())
    assert run.digest.hex()["windows"] != recorded.digests["windows"]


def test_rows_tell_who_answered_and_what(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "log.mcap", CONFIG)
    recorder.sample(Received(sample=sample(), received=T0))
    window = Window(start=T0, end=T0 + NS, clips={}, coverage={"/imu": 1.0, "/camera": 0.0}, states={"/imu": "ok"})
    vector = np.array([0.6, 0.8], np.float32)
    embedding = Embedding(topic="/imu", modality="imu", stamp=T0 + NS, vector=vector)
    recorder.closed(window)
    recorder.observed(Observation(window=window, embeddings={"/imu": embedding}, fused=vector, weights={"/imu": 1.0}))
    recorder.close(DIGESTS)
    recorded = Recorded(tmp_path / "log.mcap")
    (row,) = recorded.rows(WindowRow)
    assert (row.after, row.skipped, row.answered, row.states) == (1, False, ["/imu"], {"/imu": "ok"})
    (told,) = recorded.rows(EmbeddingRow)
    assert (told.topic, told.modality, told.stamp) == ("/imu", "imu", T0 + NS)
    assert np.array(told.vector, np.float32).tobytes() == vector.tobytes()
    assert recorded.version
