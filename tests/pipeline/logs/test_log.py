"""A log's messages come out as samples, whole, in order, and by the conventions of ``messages.Sample``."""

import io
import logging
import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.pictures import demosaic
from pipeline.messages import NS, Array, Calibration, Received
from pipeline.wire import picture_in

START = 1_700_000_000 * NS
MS = NS // 1000
IMU = "sensor_msgs/msg/Imu"
IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
AUDIO = "audio_common_msgs/msg/AudioData"
RNG = np.random.default_rng(2)


def header(stamp: int = 0, frame_id: str = "") -> dict[str, Any]:
    return {"stamp": stamp, "frame_id": frame_id}


def read(path: Any, channels: list[Channel] | None = None) -> list[Received]:
    with Log(path) as log:
        return list(log.samples(log.channels() if channels is None else channels))


def only_data(path: Any, modality: Any = None) -> Array:
    """Return the data of the first sample; of a channel of ``modality``, or as inferred."""
    with Log(path) as log:
        channels = log.channels() if modality is None else [channel(next(iter(log.topics)), modality)]
        assert len(channels) == 1
        return next(iter(log.samples(channels))).sample.data


def channel(topic: str, modality: Any, rate_hz: float = 10, sample_rate_hz: float = 0.0) -> Channel:
    calibration = Calibration(sample_rate_hz=sample_rate_hz)
    return Channel(topic=topic, modality=modality, rate_hz=rate_hz, calibration=calibration)


def add_image(recording: Any, encoding: str, rows: Array, width: int, topic: str = "/camera", **fields: Any) -> None:
    """Add a raw picture whose rows of bytes, (H, step), are given."""
    size = {"height": rows.shape[0], "width": width, "step": rows.shape[1]}
    data = np.ascontiguousarray(rows).tobytes()
    recording.add(topic, IMAGE, START, encoding=encoding, data=data, **(size | fields))


def test_imu_keeps_stamp_frame_order_and_values(recording: Any) -> None:
    for i in range(5):
        recording.add(
            "/imu", IMU, START + i * 10 * MS,
            header=header(START + i * 10 * MS - 3 * MS, "base"),
            linear_acceleration={"x": 1.5, "y": -2.0, "z": 9.81 + i},
            angular_velocity={"x": 0.1, "y": 0.2, "z": 0.3},
        )  # fmt: skip
    received = read(recording.write())
    assert [r.received for r in received] == [START + i * 10 * MS for i in range(5)]
    assert [r.sample.stamp for r in received] == [START + i * 10 * MS - 3 * MS for i in range(5)]
    assert [r.sample.seq for r in received] == [0, 1, 2, 3, 4]
    assert {(r.sample.topic, r.sample.frame_id, r.session, r.sent) for r in received} == {("/imu", "base", "", 0)}
    assert_array_equal(received[4].sample.data, [1.5, -2.0, 13.81, 0.1, 0.2, 0.3])


def test_imu_without_gyroscope_has_three_values(recording: Any) -> None:
    no_gyroscope = [-1.0] + [0.0] * 8
    recording.add("/imu", IMU, START, linear_acceleration={"z": 9.81}, angular_velocity_covariance=no_gyroscope)
    assert_array_equal(only_data(recording.write()), [0, 0, 9.81])


def test_imu_without_acceleration_is_counted_not_delivered(recording: Any) -> None:
    recording.add("/imu", IMU, START, linear_acceleration_covariance=[-1.0] + [0.0] * 8)
    with Log(recording.write()) as log:
        assert list(log.samples(log.channels())) == []
        assert log.rejected == {("/imu", "acceleration"): 1}


def test_stamp_is_log_time_where_header_is_zero(recording: Any) -> None:
    recording.add("/imu", IMU, START + 7, header=header(0))
    assert read(recording.write())[0].sample.stamp == START + 7


def test_messages_come_in_log_order_over_topics(recording: Any) -> None:
    times = RNG.permutation(60)
    for i in times:
        recording.add("/a" if i % 3 else "/b", IMU, START + int(i) * MS)
    received = read(recording.write())
    assert [r.received for r in received] == [START + i * MS for i in range(60)]
    for topic in ("/a", "/b"):
        seqs = [r.sample.seq for r in received if r.sample.topic == topic]
        assert seqs == list(range(len(seqs)))


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8", "8UC3", "8UC4"])
def test_colour_pictures_become_rgb_without_padding(recording: Any, encoding: str) -> None:
    rgb = RNG.integers(0, 256, (4, 5, 3), np.uint8)
    pixels = rgb if encoding.startswith("rgb") else rgb[..., ::-1]
    if encoding.endswith(("a8", "C4")):
        pixels = np.dstack([pixels, np.full((4, 5), 7, np.uint8)])
    rows = pixels.reshape(4, -1)
    padding = np.full((4, 3), 99, np.uint8)
    add_image(recording, encoding, np.hstack([rows, padding]), width=5)
    assert_array_equal(only_data(recording.write()), rgb)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_pictures_stay_grey(recording: Any, encoding: str) -> None:
    grey = RNG.integers(0, 256, (4, 5), np.uint8)
    add_image(recording, encoding, grey, width=5)
    assert_array_equal(only_data(recording.write()), grey)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", "u2"), ("mono16", "u2"), ("32FC1", "f4")])
def test_depth_keeps_values_in_either_byte_order(recording: Any, encoding: str, dtype: str, order: str) -> None:
    depth = RNG.integers(300, 9000, (3, 4)).astype(dtype)
    rows = depth.astype(order + dtype).view(np.uint8)
    add_image(recording, encoding, np.hstack([rows, rows[:, :5]]), width=4, is_bigendian=int(order == ">"))
    data = only_data(recording.write())
    assert data.dtype == np.dtype(dtype)
    assert data.dtype.isnative
    assert_array_equal(data, depth)


@pytest.mark.parametrize("tile", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_mosaic_of_one_colour_is_that_colour_everywhere(recording: Any, tile: str) -> None:
    colour = {"r": 200, "g": 90, "b": 30}
    mosaic = np.array([[colour[tile[2 * (y % 2) + x % 2]] for x in range(6)] for y in range(4)], np.uint8)
    add_image(recording, f"bayer_{tile}8", mosaic, width=6)
    assert_array_equal(only_data(recording.write()), np.full((4, 6, 3), [200, 90, 30], np.uint8))


@pytest.mark.parametrize("tile", ["rggb", "bggr", "gbrg", "grbg"])
def test_demosaicing_agrees_with_opencv_inside(tile: str) -> None:
    mosaic = RNG.integers(0, 256, (12, 16), np.uint8)
    theirs = cv2.cvtColor(mosaic, getattr(cv2, f"COLOR_Bayer{tile.upper()}2RGB")).astype(int)
    assert np.abs(demosaic(mosaic, tile) - theirs)[1:-1, 1:-1].max() <= 1  # it rounds halves up, we to even


@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", "u2"), ("mono16", "u2"), ("mono8", "u1")])
def test_thermal_is_known_by_its_topic(recording: Any, encoding: str, dtype: str) -> None:
    data = RNG.integers(0, 250, (3, 4)).astype(dtype)
    add_image(recording, encoding, data.view(np.uint8).reshape(3, -1), width=4, topic="/lepton/image_raw")
    path = recording.write()
    with Log(path) as log:
        assert [c.modality for c in log.channels()] == ["thermal"]
    assert_array_equal(only_data(path), data)


def test_a_rig_file_may_read_depth_as_thermal(recording: Any) -> None:
    add_image(recording, "16UC1", np.full((3, 8), 5, np.uint8), width=4, topic="/cam16")
    assert only_data(recording.write(), "thermal").shape == (3, 4)


def packed(picture: Image.Image, form: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, form)
    return file.getvalue()


def test_compressed_pictures_are_rgb_grey_or_depth(recording: Any) -> None:
    rgb = RNG.integers(0, 256, (6, 8, 3), np.uint8)
    depth = RNG.integers(0, 65535, (6, 8)).astype(np.uint16)
    png = packed(Image.fromarray(depth), "png")
    jpeg = packed(Image.fromarray(rgb), "jpeg")
    add = recording.add
    add("/png", COMPRESSED, START, format="rgb8; png compressed bgr8", data=packed(Image.fromarray(rgb), "png"))
    add("/jpeg", COMPRESSED, START + 1, format="jpeg", data=jpeg)
    add("/grey", COMPRESSED, START + 2, format="mono8; jpeg compressed ", data=packed(Image.new("L", (8, 6)), "jpeg"))
    add("/depth", COMPRESSED, START + 3, format="16UC1; png compressed ", data=png)
    add("/depth/compressedDepth", COMPRESSED, START + 4, format="16UC1; compressedDepth png", data=bytes(12) + png)
    add("/thermal", COMPRESSED, START + 5, format="jpeg", data=jpeg)
    path = recording.write()
    received = {r.sample.topic: r for r in read(path)}
    samples = {topic: one.sample.data for topic, one in received.items()}
    assert_array_equal(samples["/png"], rgb)
    assert_array_equal(samples["/jpeg"], np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")))
    assert samples["/grey"].shape == (6, 8)
    assert_array_equal(samples["/depth"], depth)
    assert_array_equal(samples["/depth/compressedDepth"], depth)
    assert samples["/thermal"].shape == (6, 8)
    kept = {topic: one.compressed for topic, one in received.items()}
    assert {topic: file.format for topic, file in kept.items() if file} == {
        "/png": "png", "/jpeg": "jpeg", "/grey": "jpeg", "/depth": "png", "/depth/compressedDepth": "png",
    }  # fmt: skip
    assert [file.data for topic, file in kept.items() if file and "depth" in topic] == [png, png]
    assert all(np.array_equal(picture_in(file), samples[topic]) for topic, file in kept.items() if file)


def test_audio_takes_its_rate_from_the_channel_and_its_channels_from_the_bytes(recording: Any) -> None:
    stereo = RNG.integers(-32768, 32767, (20, 160, 2)).astype("<i2")
    for i, chunk in enumerate(stereo):
        recording.add("/audio", AUDIO, START + i * 10 * MS, data=chunk.tobytes())
    path = recording.write()
    received = read(path, [channel("/audio", "audio", 100, sample_rate_hz=16000)])
    assert [r.sample.stamp for r in received] == [START + i * 10 * MS for i in range(20)]
    assert_array_equal(np.stack([r.sample.data for r in received]), stereo)
    mono = read(path, [channel("/audio", "audio", 100, sample_rate_hz=32000)])
    assert_array_equal(mono[0].sample.data, stereo[0].reshape(-1))


def test_sound_without_stamps_has_no_hole_where_its_messages_come_in_bursts(recording: Any) -> None:
    for i in range(40):
        recording.add("/audio", AUDIO, START + i // 4 * 40 * MS + i % 4, data=bytes(320))
    for i in range(4):
        recording.add("/audio", AUDIO, START + (3000 + 10 * i) * MS, data=bytes(320))
    received = read(recording.write(), [channel("/audio", "audio", 100, sample_rate_hz=16000)])
    stamps = [r.sample.stamp - START for r in received]
    assert stamps == [*range(0, 400 * MS, 10 * MS), *range(3000 * MS, 3040 * MS, 10 * MS)]


def test_a_sample_rate_that_does_not_fit_the_bytes_is_told(recording: Any, caplog: pytest.LogCaptureFixture) -> None:
    for i in range(20):
        recording.add("/audio", AUDIO, START + i * 10 * MS, data=bytes(882))
    with caplog.at_level(logging.WARNING):
        read(recording.write(), [channel("/audio", "audio", 100, sample_rate_hz=16000)])
    assert " values a second, which is no multiple of the channel's 16000" in caplog.text


def test_audio_without_sample_rate_is_skipped_saying_what_helps(recording: Any) -> None:
    recording.add("/audio", AUDIO, START, data=bytes(320))
    with Log(recording.write()) as log:
        assert log.channels() == []
        assert log.topics["/audio"].skipped == (
            "carries no sample rate; give one in a rig file's channel (calibration.sample_rate_hz)"
        )


def test_audio_info_beside_it_tells_rate_channels_and_format(recording: Any) -> None:
    values = RNG.normal(size=(64, 2)).astype("<f4")
    info = {"channels": 2, "sample_rate": 44100, "sample_format": "F32LE", "coding_format": "wave"}
    recording.add("/mic/audio_info", "audio_common_msgs/msg/AudioInfo", START, **info)
    stamped = "audio_common_msgs/msg/AudioDataStamped"
    recording.add("/mic/audio", stamped, START + 5, header=header(START, "mic"), audio={"data": values.tobytes()})
    path = recording.write()
    with Log(path) as log:
        (found,) = log.channels()
        assert (found.modality, found.calibration.sample_rate_hz) == ("audio", 44100)
        assert log.topics["/mic/audio_info"].skipped == "tells the format of the audio beside it"
    (received,) = read(path)
    assert (received.sample.stamp, received.sample.frame_id) == (START, "mic")
    assert_array_equal(received.sample.data, values)


def test_packed_audio_is_skipped(recording: Any) -> None:
    info = {"channels": 1, "sample_rate": 16000, "sample_format": "S16LE", "coding_format": "mp3"}
    recording.add("/audio_info", "audio_common_msgs/msg/AudioInfo", START, **info)
    recording.add("/audio", AUDIO, START, data=bytes(64))
    with Log(recording.write()) as log:
        assert log.topics["/audio"].skipped == "audio of format 'mp3' 'S16LE' is not read"


def test_raw_audio_of_foxglove_tells_all_itself(recording: Any) -> None:
    values = RNG.integers(-9, 9, (50, 2)).astype("<i2")
    told = {"format": "pcm-s16", "sample_rate": 8000, "number_of_channels": 2}
    recording.add("/sound", "foxglove_msgs/msg/RawAudio", START + 9, timestamp=START, data=values.tobytes(), **told)
    path = recording.write()
    (received,) = read(path)
    assert received.sample.stamp == START
    assert_array_equal(received.sample.data, values)


def test_unknown_message_types_are_listed_and_skipped(recording: Any) -> None:
    recording.add("/nose", "made_up_msgs/msg/Smell", START, strength=1.0)
    recording.add("/imu", IMU, START + 1)
    with Log(recording.write()) as log:
        assert log.topics["/nose"].skipped == "this message type is not read"
        assert log.topics["/nose"].count == 1
        assert [c.topic for c in log.channels()] == ["/imu"]


def test_broken_messages_are_counted_by_topic_and_cause_and_the_rest_go_on(recording: Any) -> None:
    jpeg = packed(Image.new("RGB", (64, 48), "red"), "jpeg")
    for i, data in enumerate([jpeg[: len(jpeg) // 2], jpeg, b"", b"\xff\xd8 no picture"]):
        recording.add("/packed", COMPRESSED, START + i, format="jpeg", data=data)
    grey = np.zeros((4, 5), np.uint8)
    for fields in ({"step": 4}, {"height": 3}, {"width": 0}, {"encoding": "yuv422"}, {}):
        recording.add("/raw", IMAGE, START + 9, **{"encoding": "mono8", "height": 4, "width": 5, "step": 5} | fields,
                      data=grey.tobytes())  # fmt: skip
    recording.add("/imu", IMU, START + 10)
    recording.add_bytes("/imu", IMU, START + 11, b"\0\1\0\0 too short")
    with Log(recording.write()) as log:
        received = list(log.samples(log.channels()))
        assert log.rejected == {
            ("/packed", "picture"): 3,
            ("/raw", "sizes"): 3,
            ("/raw", "encoding"): 1,
            ("/imu", "decode"): 1,
        }
        assert re.search(rf"log(\.\w+)?: /imu at {START + 11} ns: ", log.first_rejected["/imu", "decode"])
    assert sorted(r.sample.topic for r in received) == ["/imu", "/packed", "/raw"]
    assert {r.sample.seq for r in received} == {0}


def test_a_broken_first_message_does_not_cost_the_topic(recording: Any) -> None:
    recording.add_bytes("/imu", IMU, START, b"\0\1\0\0junk")
    recording.add("/imu", IMU, START + 1)
    assert len(read(recording.write())) == 1


def test_channels_tell_rates(recording: Any) -> None:
    for i in range(21):
        recording.add("/imu", IMU, START + i * 20 * MS)
    recording.add("/once", IMU, START)
    with Log(recording.write()) as log:
        assert {c.topic: c.rate_hz for c in log.channels()} == {"/imu": 50.0, "/once": 1.0}
        assert (log.start, log.end, log.duration) == (START, START + 400 * MS + 1, 400 * MS + 1)


def test_a_channel_the_log_does_not_hold_stays_silent(recording: Any) -> None:
    recording.add("/imu", IMU, START)
    path = recording.write()
    assert len(read(path, [channel("/imu", "imu"), channel("/other", "imu")])) == 1
    with pytest.raises(LogError, match=r"none of the channels is in the log; it holds /imu \(imu\)"):
        read(path, [channel("/other", "imu")])


def test_a_channel_its_topic_cannot_be_is_told(recording: Any) -> None:
    recording.add("/imu", IMU, START)
    with pytest.raises(LogError, match="topic /imu holds sensor_msgs/msg/Imu, which cannot be read as depth"):
        read(recording.write(), [channel("/imu", "depth")])


def test_two_passes_give_the_same(record: Callable[[str], Any]) -> None:
    recording = record("mcap")
    for i in range(50):
        recording.add("/imu", IMU, START + i, linear_acceleration={"x": float(i)})
    with Log(recording.write()) as log:
        first, second = ([r.sample.data[0] for r in log.samples(log.channels())] for _ in range(2))
    assert first == second == list(range(50))
