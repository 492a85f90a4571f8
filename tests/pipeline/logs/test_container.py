"""Every format opens by what is in it, and what is broken is told in a sentence, never by a traceback."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer

from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.messages import NS

START = 1_700_000_000 * NS
IMU = "sensor_msgs/msg/Imu"
COUNT = 300


def filled(recording: Any, count: int = COUNT) -> Any:
    for i in range(count):
        recording.add("/imu", IMU, START + i, linear_acceleration={"x": float(i)}, header={"frame_id": "x" * 900})
    return recording


def values(log: Log) -> list[float]:
    return [float(r.sample.data[0]) for r in log.samples(log.channels())]


def read_all(path: Path) -> list[float]:
    """Read as `replay` does: raise LogError at the cut, if there is one."""
    with Log(path) as log:
        return values(log)


def until_error(log: Log) -> tuple[list[float], str]:
    """Return what a log gives, and what it says where it ends early."""
    told: list[float] = []
    try:
        for received in log.samples(log.channels()):
            told.append(float(received.sample.data[0]))
    except LogError as error:
        return told, str(error)
    return told, ""


def test_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"absent\.bag: there is no such file"):
        Log(tmp_path / "absent.bag")


@pytest.mark.parametrize("name", ["a.bag", "a.mcap", "a.db3"])
def test_an_empty_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(LogError, match=rf"{re.escape(name)}: the file is empty"):
        Log(tmp_path / name)


@pytest.mark.parametrize("name", ["a.bag", "a.mcap", "a.db3", "a.txt"])
def test_a_file_that_is_no_log_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"time,x,y\n0,1,2\n")
    with pytest.raises(LogError, match=r"the file is no log: it begins with b'time,x,y'; what is read are ROS 1 bags"):
        Log(tmp_path / name)


def test_a_folder_that_is_no_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="the folder is no log"):
        Log(tmp_path)


@pytest.mark.parametrize("magic", [b"#ROSBAG V2.0\n", b"\x89MCAP0\r\n", b"SQLite format 3\0"])
def test_random_bytes_after_a_good_beginning_are_told(tmp_path: Path, magic: bytes) -> None:
    rng = np.random.default_rng(0)
    for i in range(30):
        path = tmp_path / f"{i}.db3"
        path.write_bytes(magic + rng.bytes(int(rng.integers(0, 5000))))
        with pytest.raises(LogError, match=re.escape(str(path))):
            read_all(path)


def test_a_cut_ros1_bag_tells_where(record: Callable[[str], Any]) -> None:
    path = filled(record("ros1")).write()
    whole = path.read_bytes()
    cut = path.with_name("cut.bag")
    for size in (4000, 5000, len(whole) // 2):
        cut.write_bytes(whole[:size])
        with pytest.raises(LogError, match=rf"cut\.bag: the bag .*the file ends at byte {size}"):
            Log(cut)
    for size in (14, 60, len(whole) - 1, len(whole) - 200):
        cut.write_bytes(whole[:size])
        with pytest.raises(LogError, match=r"cut\.bag: the "):
            read_all(cut)


def test_a_bag_whose_recorder_never_finished_is_told(record: Callable[[str], Any]) -> None:
    path = filled(record("ros1")).write()
    whole = path.read_bytes()
    place = whole.index(b"index_pos=") + len(b"index_pos=")
    path.write_bytes(whole[:place] + bytes(8) + whole[place + 8 :])
    with pytest.raises(LogError, match="its index was never written"):
        Log(path)


def chunked_mcap(path: Path, recording: Any, compression: Any) -> None:
    """Write the messages of ``recording`` in chunks of about ten."""
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=12_000, compression=CompressionType[compression])
        writer.start(profile="")
        definition, _ = recording.store.generate_msgdef(IMU, ros_version=2)
        schema = writer.register_schema(IMU, "ros2msg", definition.encode())
        channel = writer.register_channel("/imu", "cdr", schema)
        for _, _, log_time, data in recording.messages:
            writer.add_message(channel, log_time, data, log_time)
        writer.finish()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("compression", ["NONE", "LZ4", "ZSTD"])
def test_a_cut_mcap_gives_what_is_whole_then_tells_the_cut(
    record: Callable[[str], Any], tmp_path: Path, compression: str
) -> None:
    whole = tmp_path / "whole.mcap"
    chunked_mcap(whole, filled(record("mcap")), compression)
    assert read_all(whole) == list(range(COUNT))
    content = whole.read_bytes()
    given = []
    for share in (0.2, 0.5, 0.8, 0.999):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(content[: int(len(content) * share)])
        with Log(cut) as log:
            told, error = until_error(log)
            assert f"cut.mcap: the log is cut: the file ends at byte {cut.stat().st_size}, in the record" in error
            assert str(log.damage) == error
            assert log.topics["/imu"].count == len(told)
        assert told == list(range(len(told)))
        given.append(len(told))
    assert given == sorted(given)
    assert given[1] >= 0.4 * COUNT
    assert given[3] == COUNT


def test_a_flipped_bit_in_an_mcap_chunk_is_told(record: Callable[[str], Any], tmp_path: Path) -> None:
    path = tmp_path / "flipped.mcap"
    chunked_mcap(path, filled(record("mcap")), "NONE")
    content = bytearray(path.read_bytes())
    content[content.index(b"x" * 900) + 400] ^= 1
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"flipped\.mcap: the log is damaged before its first message: crc validation"):
        read_all(path)


def test_a_damaged_chunk_of_a_bag_is_told_after_the_whole_ones(record: Callable[[str], Any]) -> None:
    path = filled(record("ros1"), 3000).write()  # rosbags begins a new chunk after each mebibyte
    content = bytearray(path.read_bytes())
    second = content.index(b"op=\x05", content.index(b"op=\x05") + 1)
    place = content.index(b"op=\x02", second)
    content[place : place + 4] = b"oops"
    path.write_bytes(content)
    with Log(path) as log:
        told, error = until_error(log)
    assert told == list(range(len(told)))
    assert len(told) > 500
    assert f"log.bag: the log is damaged after the message of /imu at {START + len(told) - 1} ns: " in error


@pytest.mark.parametrize("kind", ["ros1", "mcap", "sqlite3"])
def test_bytes_flipped_anywhere_never_raise_anything_but_a_log_error(record: Callable[[str], Any], kind: str) -> None:
    path = filled(record(kind), 40).write()
    path = next(path.glob("*.db3")) if path.is_dir() else path
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    outcomes = set()
    for _ in range(150):
        broken = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 20)):
            broken[place] = rng.integers(256)
        path.write_bytes(broken[: int(rng.integers(1, len(whole)))] if rng.random() < 0.3 else broken)
        try:
            read_all(path)
            outcomes.add("read")
        except LogError as error:
            outcomes.add("told" if str(path) in str(error) else str(error))
    assert outcomes == {"read", "told"}


def test_ros2_folder_file_and_split_files_give_the_same(record: Callable[[str], Any], tmp_path: Path) -> None:
    path = filled(record("mcap")).write()
    assert read_all(path) == read_all(path.parent) == list(range(COUNT))
    split = tmp_path / "split"
    split.mkdir()
    halves = record("mcap"), record("mcap")
    for i, message in enumerate(filled(record("mcap")).messages):
        halves[i >= COUNT // 2].messages.append(message)
    for name, half in zip(("split_10", "split_9"), halves, strict=True):  # file names do not sort by time
        shutil.copy(half.write(name), split)
    assert read_all(split) == list(range(COUNT))


def test_a_sqlite_file_and_its_folder_give_the_same(record: Callable[[str], Any]) -> None:
    folder = filled(record("sqlite3")).write()
    assert read_all(next(folder.glob("*.db3"))) == read_all(folder) == list(range(COUNT))


@pytest.mark.parametrize("mode", ["FILE", "MESSAGE"])
@pytest.mark.parametrize("plugin", ["SQLITE3", "MCAP"])
def test_compressed_ros2_folders_are_read(record: Callable[[str], Any], tmp_path: Path, mode: str, plugin: str) -> None:
    recording = filled(record("sqlite3"))
    writer = Ros2Writer(tmp_path / "packed", version=9, storage_plugin=StoragePlugin[plugin])
    writer.set_compression(CompressionMode[mode], CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection("/imu", IMU, typestore=recording.store)
        for _, _, log_time, data in recording.messages:
            writer.write(connection, log_time, data)
    assert read_all(tmp_path / "packed") == list(range(COUNT))


def test_mcap_with_ros1_messages_is_read_and_other_encodings_are_skipped(
    record: Callable[[str], Any], tmp_path: Path
) -> None:
    recording = filled(record("ros1"))
    path = tmp_path / "mixed.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros1")
        definition, _ = recording.store.generate_msgdef(IMU)
        schema = writer.register_schema("sensor_msgs/Imu", "ros1msg", definition.encode())
        channel = writer.register_channel("/imu", "ros1", schema)
        odd_schema = writer.register_schema("sensor_msgs/msg/Imu", "ros2msg", b"")
        odd_channel = writer.register_channel("/odd", "cbor", odd_schema)
        bare_channel = writer.register_channel("/bare", "", 0)
        for _, _, log_time, data in recording.messages:
            writer.add_message(channel, log_time, data, log_time)
        writer.add_message(odd_channel, START, b"{}", START)
        writer.add_message(bare_channel, START, b"?", START)
        writer.finish()  # type: ignore[no-untyped-call]
    with Log(path) as log:
        assert values(log) == list(range(COUNT))
        assert log.topics["/odd"].skipped == "cbor encoding is not read"
        assert log.topics["/bare"].skipped == "this message type is not read"


def test_a_log_without_definitions_is_read_by_the_well_known_ones(record: Callable[[str], Any], tmp_path: Path) -> None:
    recording = filled(record("sqlite3"), 3)
    path = tmp_path / "bare.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file)
        writer.start(profile="ros2")
        channel = writer.register_channel("/imu", "cdr", writer.register_schema(IMU, "", b""))
        for _, _, log_time, data in recording.messages:
            writer.add_message(channel, log_time, data, log_time)
        writer.finish()  # type: ignore[no-untyped-call]
    assert read_all(path) == [0, 1, 2]


def test_a_log_without_messages_has_no_channels(recording: Any) -> None:
    with Log(recording.write()) as log:
        assert log.channels() == []
        assert (log.start, log.end, log.duration, log.damage) == (0, 0, 0, None)
