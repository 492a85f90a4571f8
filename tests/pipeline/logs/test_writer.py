"""What is written opens in other programs with the right values, and is laid out so that a cut costs little."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import RIG, T0, received, sample, stream, streams
from mcap.reader import make_reader
from msgspec.structs import replace
from recordings import CONFIG, many, parts
from rosbags.highlevel import AnyReader

from pipeline.config import Config
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.recorded import Recorded
from pipeline.logs.rows import Tick
from pipeline.logs.writer import MAX_FORMS, LogWriter
from pipeline.messages import Calibration, Event, Received

SENT = [replace(one, sent=one.received - 1, session="s") for one in received(streams(RIG, 0, 2), 5_000_000)]
EVENT = Event(id="a", phase="opened", start=T0, end=T0 + 1, label="bump", score=0.5, source="novelty")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Two seconds of the whole rig, an event and a tick."""
    return write(tmp_path / "log.mcap", SENT)


def write(path: Path, items: list[Received], config: Config = CONFIG) -> Path:
    writer = LogWriter(path, config, "mini")
    for one in items:
        writer.sample(one)
    writer.row(EVENT, T0 + 1)
    writer.row(Tick(now=T0 + 2), T0 + 2)
    writer.finish({"windows": "4"})
    return path


def test_the_mcap_library_reads_it_and_checks_its_sums(written: Path) -> None:
    with written.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = list(reader.iter_messages())
        summary: Any = reader.get_summary()
        metadata = list(reader.iter_metadata())
    counts = Counter(channel.topic for _, channel, _ in found)
    assert counts == {
        **Counter(one.sample.topic for one in SENT), "/rigbind/events": 1, "/rigbind/ticks": 1,
    }  # fmt: skip
    imu = [message for _, channel, message in found if channel.topic == "/imu"]
    sent = [one for one in SENT if one.sample.topic == "/imu"]
    assert [(m.sequence, m.log_time, m.publish_time) for m in imu] == [
        (one.sample.seq, one.received, one.sent) for one in sent
    ]
    assert {chunk.compression for chunk in summary.chunk_indexes} == {"zstd"}
    assert [record.name for record in metadata] == ["rigbind", "rigbind"]
    assert json.loads(metadata[0].metadata["config"])["rig"] == {"name": "rig"}
    assert metadata[1].metadata == {"windows": "4"}


def test_a_channel_says_what_its_messages_leave_out(written: Path) -> None:
    with written.open("rb") as file:
        summary: Any = make_reader(file).get_summary()
    told = {channel.topic: channel.metadata for channel in summary.channels.values()}
    assert told["/microphone"]["session"] == "s"
    assert told["/microphone"]["dtype"] == "<i2"
    assert told["/microphone"]["modality"] == "audio"
    assert json.loads(told["/microphone"]["calibration"])["sample_rate_hz"] == 16_000


def test_rosbags_reads_it(written: Path) -> None:
    sent = {topic: [one for one in SENT if one.sample.topic == topic] for topic in ("/camera", "/imu", "/microphone")}
    read: dict[str, list[Any]] = {topic: [] for topic in sent}
    with AnyReader([written]) as reader:
        for connection, log_time, raw in reader.messages():
            if connection.topic in sent:
                read[connection.topic].append((log_time, reader.deserialize(raw, connection.msgtype)))
    for topic, messages in read.items():
        assert [log_time for log_time, _ in messages] == [one.received for one in sent[topic]]
    for (_, message), one in zip(read["/camera"], sent["/camera"], strict=True):
        assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == one.sample.stamp
        np.testing.assert_array_equal(message.data.reshape(120, 160, 3), one.sample.data)
    gravity = read["/imu"][0][1].linear_acceleration
    assert (gravity.x, gravity.y, gravity.z) == (0, 0, 9.81)
    assert read["/microphone"][0][1].sample_rate == 16_000


def test_a_camera_whose_focal_length_is_known_is_described(tmp_path: Path) -> None:
    depth = replace(RIG[2], calibration=Calibration(focal_px=70.0))
    items = received(list(stream(depth, 0, 1)))
    path = write(tmp_path / "log.mcap", items, Config(channels=[depth]))
    with AnyReader([path]) as reader:
        infos = [connection for connection in reader.connections if connection.topic == "/depth/camera_info"]
        ((_, log_time, raw),) = reader.messages(infos)
        told: Any = reader.deserialize(raw, infos[0].msgtype)
    assert (told.height, told.width, log_time) == (60, 80, items[0].received)
    np.testing.assert_array_equal(told.k.reshape(3, 3), [[70, 0, 39.5], [0, 70, 29.5], [0, 0, 1]])
    assert [parts(one) for one in Recorded(path).samples()] == [parts(one) for one in items]


def test_our_own_log_reader_takes_every_sense_and_says_what_it_skips(written: Path) -> None:
    with Log(written) as log:
        assert log.damage is None
        read_as = {name: topic.modality for name, topic in log.topics.items() if topic.modality}
        assert read_as == {channel.topic: channel.modality for channel in RIG}
        skipped = {name: (topic.type, topic.skipped) for name, topic in log.topics.items() if topic.skipped}
        assert skipped == {
            "/rigbind/events": ("rigbind.Event", "this message type is not read"),
            "/rigbind/ticks": ("rigbind.Tick", "this message type is not read"),
        }
        samples = list(log.samples(log.channels()))
    assert len(samples) == len(SENT)
    for one, other in zip(samples, sorted(SENT, key=lambda item: item.received), strict=True):
        np.testing.assert_array_equal(one.sample.data, other.sample.data)
        assert one.sample.stamp == other.sample.stamp


@pytest.mark.parametrize("dtype", ["<i2", "<f4", "<f8"])
def test_our_own_log_reader_takes_sound_in_every_format(tmp_path: Path, dtype: str) -> None:
    sound = np.linspace(-1, 1, 320).astype(dtype)
    items = [replace(one, sample=replace(one.sample, data=sound)) for one in received(list(stream(RIG[4], 0, 1)))]
    with Log(write(tmp_path / "log.mcap", items)) as log:
        read = [one.sample.data for one in log.samples(log.channels())]
    assert len(read) == 50
    for data in read:
        assert data.dtype == dtype
        np.testing.assert_array_equal(data, sound)


@pytest.mark.parametrize("dtype", ["<u2", "<f4", "<f8"])
def test_our_own_log_reader_takes_depth_in_every_format(tmp_path: Path, dtype: str) -> None:
    depth = np.arange(12, dtype=dtype).reshape(3, 4)
    items = [replace(one, sample=replace(one.sample, data=depth)) for one in received(list(stream(RIG[2], 0, 1)))]
    with Log(write(tmp_path / "log.mcap", items)) as log:
        read = [one.sample.data for one in log.samples(log.channels())]
    assert len(read) == 10
    assert read[0].dtype == dtype
    np.testing.assert_array_equal(read[0], depth)


def test_a_restart_is_another_channel_of_the_same_topic(tmp_path: Path) -> None:
    first = received(list(stream(RIG[3], 0, 1)))
    again = [replace(one, session="second") for one in first]
    path = write(tmp_path / "log.mcap", [*first, *again])
    assert [parts(one) for one in Recorded(path).samples()] == [parts(one) for one in (*first, *again)]
    with path.open("rb") as file:
        summary: Any = make_reader(file).get_summary()
    sessions = [channel.metadata["session"] for channel in summary.channels.values() if channel.topic == "/imu"]
    assert sessions == ["", "second"]


def test_a_sender_that_starts_anew_with_each_sample_does_not_use_up_the_channels(tmp_path: Path) -> None:
    items = [
        Received(sample=sample("/imu", at_s=k / 200, seq=k), received=T0 + k, session=f"session {k}")
        for k in range(MAX_FORMS + 200)
    ]
    path = write(tmp_path / "log.mcap", items)
    assert [parts(one) for one in Recorded(path).samples()] == [parts(one) for one in items]
    with path.open("rb") as file:
        summary: Any = make_reader(file).get_summary()
    assert len(summary.channels) <= MAX_FORMS + len(RIG) + 2


def test_samples_of_a_topic_that_the_rig_does_not_have_are_kept(tmp_path: Path) -> None:
    items = list(many(200, seed=4))
    path = write(tmp_path / "log.mcap", items, Config())
    assert [parts(one) for one in Recorded(path).samples()] == [parts(one) for one in items]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    path.write_text("dear")
    with pytest.raises(LogError, match=r"log\.mcap: .*there is a file already"):
        LogWriter(path, CONFIG)
    assert path.read_text() == "dear"


def test_folders_are_made_where_they_can_be(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "log.mcap", [])
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match=r"log\.mcap: no recording can be written there: File exists"):
        LogWriter(tmp_path / "file" / "log.mcap", CONFIG)
