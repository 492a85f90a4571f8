"""Foxglove's messages, in protobuf as its own library writes them, and in JSON."""

import io
import json
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import foxglove.messages as fox
import numpy as np
import pytest
from films import film, number_of
from mcap.writer import Writer
from PIL import Image

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.messages import NS, Calibration, Sample

START = 1_700_000_000 * NS
SOUND = np.arange(-80, 80, dtype=np.int16).reshape(80, 2)
DELIMITER = b"\0\0\0\1\x09\x10"
"""An access unit without a picture (ITU-T H.264, 7.3.2.4)."""
DEPTH = np.arange(48, dtype=np.uint16).reshape(6, 8)


def jpeg(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (value, 0, 0)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def at(stamp: int) -> Any:
    return fox.Timestamp(sec=stamp // NS, nsec=stamp % NS)


def write(path: Path, topics: dict[str, tuple[str, str, bytes, Iterable[bytes]]]) -> Path:
    """``topics`` have an encoding, the name of a schema, the schema, and messages 100 ms apart."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        for topic, (encoding, name, schema, messages) in topics.items():
            syntax = "jsonschema" if encoding == "json" else encoding
            channel = writer.register_channel(topic, encoding, writer.register_schema(name, syntax, schema))
            for number, data in enumerate(messages):
                stamp = START + number * NS // 10
                writer.add_message(channel, stamp, data, stamp)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def proto(*messages: Any) -> tuple[str, str, bytes, list[bytes]]:
    schema = messages[0].get_schema()
    return "protobuf", schema.name, schema.data, [message.encode() for message in messages]


def read(path: Path) -> tuple[dict[str, list[Sample]], Log]:
    found: dict[str, list[Sample]] = {}
    with Log(path) as log:
        for one in log.samples(log.channels()):
            found.setdefault(one.sample.topic, []).append(one.sample)
    return found, log


def test_pictures_and_sounds_in_protobuf_are_samples(tmp_path: Path) -> None:
    stamp = START + 123_456_789
    path = write(
        tmp_path / "a.mcap",
        {
            "/camera": proto(
                *(fox.CompressedImage(timestamp=at(stamp + n), frame_id="cam", data=jpeg(50 * n), format="jpeg")
                  for n in range(3))
            ),
            "/depth": proto(
                fox.RawImage(timestamp=at(stamp), width=8, height=6, encoding="16UC1", step=16, data=DEPTH.tobytes())
            ),
            "/microphone": proto(
                fox.RawAudio(
                    timestamp=at(stamp), data=SOUND.tobytes(), format="pcm-s16", sample_rate=16_000,
                    number_of_channels=2,
                )
            ),
            "/pose": proto(fox.Pose(position=fox.Vector3(x=1, y=2, z=3))),
        },
    )  # fmt: skip
    found, log = read(path)
    assert {name: topic.modality for name, topic in log.topics.items()} == {
        "/camera": "vision", "/depth": "depth", "/microphone": "audio", "/pose": "",
    }  # fmt: skip
    assert [int(one.data[5, 5, 0]) // 10 for one in found["/camera"]] == [0, 5, 10]
    assert [(one.stamp, one.frame_id) for one in found["/camera"]] == [(stamp + n, "cam") for n in range(3)]
    assert np.array_equal(found["/depth"][0].data, DEPTH)
    assert np.array_equal(found["/microphone"][0].data, SOUND)
    assert log.channels()[2].calibration.sample_rate_hz == 16_000
    assert log.topics["/pose"].skipped == "this message type is not read"
    with Log(path) as again:
        pose = Channel("/pose", "pose", 10.0, calibration=Calibration(shape=(7,)))
        assert [one.sample.data.tolist() for one in again.samples([pose])] == [[1, 2, 3, 0, 0, 0, 0]]


def test_the_same_in_json(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"data": {"type": "string", "contentEncoding": "base64"}}}

    def message(data: bytes, **fields: object) -> bytes:
        stamp = {"sec": START // NS, "nsec": 5}
        return json.dumps({"timestamp": stamp, "data": b64encode(data).decode(), **fields}).encode()

    def topic(name: str, *messages: bytes) -> tuple[str, str, bytes, list[bytes]]:
        return "json", name, json.dumps(schema).encode(), list(messages)

    broken = [b"{", b"[1]", message(b"", format="jpeg").replace(b'"data": ""', b'"data": "?"'),
              message(jpeg(9), format="jpeg").replace(b'"sec"', b'"second"')]  # fmt: skip
    path = write(
        tmp_path / "a.mcap",
        {
            "/camera": topic("foxglove.CompressedImage", message(jpeg(100), format="jpeg", frame_id="cam"), *broken),
            "/depth": topic(
                "foxglove.RawImage", message(DEPTH.tobytes(), width=8, height=6, encoding="16UC1", step=16),
                message(DEPTH.tobytes(), width="8", height=6, encoding="16UC1", step=16),
            ),
            "/microphone": topic(
                "foxglove.RawAudio",
                message(SOUND.tobytes(), format="pcm-s16", sample_rate=16_000, number_of_channels=2),
            ),
        },
    )  # fmt: skip
    found, log = read(path)
    assert [(one.stamp, one.frame_id, int(one.data[5, 5, 0]) // 10) for one in found["/camera"]] == [
        (START + 5, "cam", 10)
    ]
    assert np.array_equal(found["/depth"][0].data, DEPTH)
    assert np.array_equal(found["/microphone"][0].data, SOUND)
    assert dict(log.rejected) == {("/camera", "decode"): 3, ("/camera", "stamp"): 1, ("/depth", "fields"): 1}


def packets(path: Path) -> list[tuple[int, bytes]]:
    """A film's packets as they are sent, with start codes, each after the time of its frame in tenths of a second."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        filtered = [one for packet in container.demux(stream) for one in annex_b.filter(packet) if one.size]
        return [(round(float((one.pts or 0) * (one.time_base or 0)) * 10), bytes(one)) for one in filtered]


def test_video_is_decoded_from_its_first_key_frame_on(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    with av.open(str(path), "w") as container:  # without frames that are told by later ones, as the message asks
        stream: Any = container.add_stream("libx264", rate=10, options={"bf": "0", "x264opts": "no-scenecut"})
        stream.width, stream.height, stream.gop_size = 64, 48, 10
        for number in range(30):
            picture = np.full((48, 64, 3), 80 if number % 2 else 160, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    sent = [DELIMITER, *(data for _, data in packets(path)[7:])]
    video = proto(*(fox.CompressedVideo(timestamp=at(START + n), data=data, format="h264") for n, data in
                    enumerate(sent)))  # fmt: skip
    found, log = read(write(tmp_path / "a.mcap", {"/camera": video, "/thermal": video}))
    assert dict(log.rejected) == {("/camera", "picture"): 4, ("/thermal", "picture"): 4}
    means = [round(float(one.data.mean()) / 80) for one in found["/camera"]]
    assert means == [2 - number % 2 for number in range(10, 30)]
    assert found["/thermal"][0].data.shape == (48, 64)


def test_frames_that_later_ones_complete_are_never_given_to_those(tmp_path: Path) -> None:
    sent = packets(film(tmp_path / "walk.mp4", frames=60))
    assert [number for number, _ in sent] != list(range(60))  # there are some
    video = [fox.CompressedVideo(timestamp=at(START + number), data=data, format="h264") for number, data in sent]
    found, log = read(write(tmp_path / "a.mcap", {"/camera": proto(*video)}))
    frames = found.get("/camera", [])
    assert all(abs(number_of(one.data) - (one.stamp - START)) <= 1 for one in frames)
    assert len(frames) + log.rejected["/camera", "picture"] == 60


def test_a_video_that_nobody_knows_is_counted(tmp_path: Path) -> None:
    odd = proto(fox.CompressedVideo(timestamp=at(START), data=b"x", format="theora"))
    found, log = read(write(tmp_path / "a.mcap", {"/camera": odd}))
    assert (found, dict(log.rejected)) == ({}, {("/camera", "encoding"): 1})


@pytest.mark.parametrize(
    ("encoding", "schema"),
    [("protobuf", b"\xff\xff"), ("protobuf", b""), ("json", b"{"), ("json", b'{"properties": 3}')],
)
def test_a_schema_that_does_not_parse_is_told(tmp_path: Path, encoding: str, schema: bytes) -> None:
    path = write(tmp_path / "a.mcap", {"/camera": (encoding, "foxglove.CompressedImage", schema, [b"{}"])})
    with Log(path) as log:
        assert "its definition does not parse" in log.topics["/camera"].skipped
        with pytest.raises(LogError, match="its definition does not parse"):
            list(log.samples([Channel("/camera", "vision", 10.0)]))
