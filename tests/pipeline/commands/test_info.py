"""`rigbind info` prints what a log holds, and says where it is broken."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from makers import stream
from mcap.writer import CompressionType, Writer
from msgspec.structs import replace

from pipeline.commands.info import info
from pipeline.config import Channel, Config
from pipeline.errors import LogError
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Received

START = 1_700_000_000 * NS
RAW_AUDIO = (
    "builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\nuint32 number_of_channels"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """100 Hz for a second, a second of silence, 100 Hz for a second; and a topic of an unknown type."""
    path = tmp_path / "walk.mcap"
    with path.open("wb") as file:
        writer = Writer(file, chunk_size=5000, compression=CompressionType.NONE)
        writer.start(profile="ros2")
        sound = writer.register_channel(
            "/sound", "cdr", writer.register_schema("foxglove_msgs/msg/RawAudio", "ros2msg", RAW_AUDIO.encode())
        )
        smell = writer.register_channel("/nose", "cdr", writer.register_schema("a/msg/Smell", "ros2msg", b"int32 it"))
        for i in (*range(100), *range(200, 300)):
            time = START + i * NS // 100
            writer.add_message(sound, time, raw_audio(time), time)
        writer.add_message(smell, START, b"\0\1\0\0\0\0\0\0", START)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def raw_audio(time: int) -> bytes:
    """160 silent samples of 16 kHz as CDR: every number at a multiple of its size."""
    head = struct.pack("<4BiII", 0, 1, 0, 0, *divmod(time, NS), 320)
    return head + bytes(320) + struct.pack("<I8sII", 8, b"pcm-s16\0", 16000, 1)


def test_table_tells_topics_types_counts_rates_gaps_and_what_is_skipped(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    info([log])
    title, head, nose, sound = (line.split() for line in capsys.readouterr().out.splitlines())
    assert title == ["walk.mcap:", "2.99", "s,", "201", "messages"]
    assert head == ["topic", "type", "count", "rate_hz", "gaps", "read", "as"]
    assert nose == ["/nose", "a/msg/Smell", "1", "-", "skipped:", "this", "message", "type", "is", "not", "read"]
    assert sound == ["/sound", "foxglove_msgs/msg/RawAudio", "200", "100.00",
        "1,", "longest", "1.010", "s", "at", "0.99", "s", "audio"]  # fmt: skip


def test_json_tells_the_same_for_machines(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    info([log], as_json=True)
    told = json.loads(capsys.readouterr().out)
    nose, sound = told.pop("topics")
    assert told == {
        "path": str(log), "dated": True, "start_ns": START, "end_ns": START + 2_990_000_001,
        "duration_s": 2.990000001, "damage": None, "recorded": {},
    }  # fmt: skip
    assert nose["skipped"] == "this message type is not read"
    assert sound == {
        "name": "/sound",
        "type": "foxglove_msgs/msg/RawAudio",
        "count": 200,
        "rate_hz": 100.0,
        "first_ns": START,
        "last_ns": START + 2_990_000_000,
        "gaps": [{"start_ns": START + 990_000_000, "length_s": 1.01}],
        "modality": "audio",
        "skipped": None,
    }


def test_a_cut_log_is_told_after_what_is_whole(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = log.read_bytes()
    log.write_bytes(content[: len(content) // 2])
    with pytest.raises(LogError, match=r"walk\.mcap: the log is cut: the file ends at byte"):
        info([log], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert 50 < told["topics"][-1]["count"] < 150
    assert "the log is cut" in told["damage"]


def test_what_is_no_log_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.bag"
    path.write_text("nothing")
    with pytest.raises(LogError, match="is no log"):
        info([path])
    assert capsys.readouterr().out == ""


def test_a_recorded_run_tells_its_rig_its_model_and_its_digests(capsys: pytest.CaptureFixture[str]) -> None:
    info([Path(__file__).parents[2] / "data" / "0.1.0" / "patrol.mcap"], as_json=True)
    recorded = json.loads(capsys.readouterr().out)["recorded"]
    assert (recorded["rig"], recorded["rigbind"]) == ("release", "0.1.0")
    assert "operators.encoders.mini.imu:MiniImu" in recorded["model"]
    assert recorded["windows sha256"].startswith("2fb30f00d2ce2f93")


def test_a_recorded_run_is_read_as_its_rig_says_and_not_as_names_suggest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Floats of an unknown picture would be taken for metres."""
    channel = Channel("/mast", "thermal", 9.0)
    writer = LogWriter(tmp_path / "run.mcap", Config(channels=[channel]))
    for one in stream(channel, 0, 1):
        writer.sample(Received(sample=replace(one, data=np.full((4, 5), 21.5, np.float32)), received=one.stamp))
    writer.finish({})
    info([tmp_path / "run.mcap"], as_json=True)
    (topic,) = json.loads(capsys.readouterr().out)["topics"]
    assert (topic["name"], topic["modality"], topic["skipped"]) == ("/mast", "thermal", None)
    info([tmp_path / "run.mcap"])
    assert "thermal" in capsys.readouterr().out
