"""Every recording that others made goes through the line, and every reading of it is accounted for."""

import asyncio
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from pipeline.commands.assembly import assemble
from pipeline.commands.playing import Playing, play
from pipeline.config import Config, Model, Part
from pipeline.errors import LogError
from pipeline.line import Line
from pipeline.logs import Log
from pipeline.logs.source import UNDATED
from pipeline.messages import NS
from pipeline.transport import Transport

DRONES, CLIPS = "drone_ir_visible_audio", "audio_esc10/clips"


def replayed(*paths: Path | str, end_s: float = 1e6) -> tuple[Line, dict[str, int]]:
    """Replay the first seconds with encoders that cost nothing; return the line, and what of each topic was used."""
    playing = Playing([Path(path) for path in paths])
    modalities = {channel.modality for channel in playing.rig.channels}
    encoders = {one: Part("fakes:Counting", {"modality": one, "dim": 512}) for one in modalities}
    playing.rig = Config(channels=playing.rig.channels, model=Model(engine="local", encoders=encoders))
    line = assemble(playing.rig)

    async def session() -> None:
        async for _ in play(line, playing, Transport(end=playing.start + round(end_s * NS))):
            pass
        await line.close()

    asyncio.run(session())
    rows = {channel.topic: line.ledger.row(channel.topic) for channel in playing.rig.channels}
    assert all(row["received"] == row["used"] for row in rows.values())
    return line, {topic: row["used"] for topic, row in rows.items()}


def told(folder: Path) -> dict[str, dict[str, int]]:
    """What the set's own README says of its logs: the messages of each topic, by file."""
    lines = re.findall(r"^- (\S+): .* msgs; (.*)$", (folder / "README.md").read_text(), re.MULTILINE)
    return {name: {t: int(n) for t, n in re.findall(r"(/\S+) \[\S+\] x(\d+)", topics)} for name, topics in lines}


def test_every_native_log_holds_what_its_readme_says(shared_data: Path) -> None:
    folder = shared_data / "logs_native"
    files = sorted([*folder.glob("*.bag"), *folder.glob("*.mcap")])
    assert sorted(path.name for path in files) == sorted(told(folder))
    for path in files:
        with Log(path) as log:
            assert {name: topic.count for name, topic in log.topics.items()} == told(folder)[path.name]
            assert all(topic.skipped for topic in log.topics.values() if not topic.modality)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("ardrone_imu.bag", "/ardrone/imu"),
        ("sparkfun_razor.bag", "/imu/data_raw"),
        ("husky_imu_gps_odom.bag", "/imu/data"),
        ("raspicam_aruco_images.bag", "/raspicam_node/image/compressed"),
    ],
)
def test_native_logs_replay_to_the_last_message(shared_data: Path, name: str, topic: str) -> None:
    _, used = replayed(shared_data / "logs_native" / name)
    assert used == {topic: told(shared_data / "logs_native")[name][topic]}


@pytest.mark.parametrize(
    "name", ["audio_applause.bag", "audio_speech_wave.bag", "container_only_turtlesim_lz4.bag", "nav2_turtlebot.mcap"]
)
def test_logs_without_a_sense_say_so(shared_data: Path, name: str) -> None:
    with pytest.raises(LogError, match=f"{name}: none of its topics can be read as a sensor"):
        Playing([shared_data / "logs_native" / name])


def test_a_kinect_folder_as_published(shared_data: Path, tmp_path: Path) -> None:
    """The set holds all of the tables, and the pictures of the first two rows of each."""
    folder = shared_data / "rgbd_imu_tum_fr1_rpy"
    _, used = replayed(folder / "tum_fr1_rpy_a")
    assert used == {"/camera/rgb/image_color/compressed": 60, "/camera/depth/image": 61, "/imu": 1000}
    for name in ("rgb.txt", "depth.txt", "accelerometer.txt", "groundtruth.txt"):
        shutil.copy(folder / name, tmp_path)
    for name in ("rgb", "depth"):
        (tmp_path / name).symlink_to(folder / "original_png" / name)
    with Log(tmp_path) as log:
        counts = {name: topic.count for name, topic in log.topics.items()}
        samples = [one.sample for one in log.samples(log.channels())]
        assert dict(log.rejected) == {("/rgb", "missing"): 59, ("/depth", "missing"): 59}
    assert counts == {"/accelerometer": 2890, "/depth": 61, "/groundtruth": 557, "/rgb": 61}
    depth = next(one for one in samples if one.topic == "/depth")
    assert depth.stamp == 1305031229528784000
    assert_allclose(depth.data, np.asarray(Image.open(tmp_path / "depth/1305031229.528784.png")) / 5, atol=0.5)
    assert sum(one.topic == "/accelerometer" for one in samples) == 2890


def test_a_px4_flight(shared_data: Path) -> None:
    (path,) = (shared_data / "px4_ulog").glob("*.ulg")
    line, used = replayed(path)
    assert used == {"/sensor_combined": 17_070}
    assert 135 <= line.windows <= 140  # 69 s
    with Log(path) as log:
        assert len(log.topics) == 15
        assert log.duration / NS == pytest.approx(68.993, abs=0.01)
        imu = log.topics["/sensor_combined"]
        assert len(imu.gaps) >= 4  # the log's own count of dropouts
        turned = np.array([one.sample.data for one in log.samples(log.channels())])
    assert imu.rate_hz == pytest.approx(250, abs=3)
    assert np.median(turned[:, 2]) == pytest.approx(-9.81, abs=1)  # forward, right, down


def test_a_minute_of_a_car(shared_data: Path) -> None:
    _, used = replayed(shared_data / "car_imu_gnss_comma2k19")
    assert used == {"/imu": 6256}
    with Log(shared_data / "car_imu_gnss_comma2k19") as log:
        counts = {name: topic.count for name, topic in log.topics.items()}
        first = next(log.samples(log.channels())).sample
    assert len(counts) == 12
    assert (counts["/CAN/speed"], counts["/GNSS/live_gnss_ublox"], counts["/IMU/magnetometer"]) == (4974, 579, 592)
    folder = shared_data / "car_imu_gnss_comma2k19/IMU/accelerometer"
    assert first.data[:3].tolist() == np.load(folder / "value.npy")[0].tolist()
    assert first.stamp - UNDATED == round(np.load(folder / "t.npy")[0] * NS)
    assert np.linalg.norm(first.data[:3]) == pytest.approx(9.81, abs=1)


def test_every_drone_film_and_sound(shared_data: Path) -> None:
    """Their README counts 9943 frames in 32 films at 30 Hz, and 120 s in 12 sounds of 44.1 kHz."""
    films = sorted((shared_data / DRONES).glob("video_*/*.mp4"))
    sounds = sorted((shared_data / DRONES).glob("audio/*.flac"))
    frames, seconds = 0, 0.0
    for path in films:
        with Log(path) as log:
            (topic,) = log.topics.values()
            frames += topic.count
            assert (topic.modality, topic.type) == (
                "thermal" if path.parent.name == "video_ir" else "vision",
                "video/h264",
            )
            assert log.is_dated
    for path in sounds:
        with Log(path) as log:
            (topic,) = log.topics.values()
            seconds += sum(len(one.sample.data) for one in log.samples(log.channels())) / 44_100
    assert (len(films), frames, len(sounds)) == (32, 9943, 12)
    assert seconds == pytest.approx(120, abs=1)


def test_a_drone_is_seen_warm_and_heard_as_one_rig(shared_data: Path) -> None:
    folder = shared_data / DRONES
    warm, seen = sorted(folder.glob("video_ir/IR_DRONE*.mp4"))[0], sorted(folder.glob("video_v/V_DRONE*.mp4"))[0]
    line, used = replayed(f"thermal={warm}", f"microphone={folder}/audio/DRONE_001.flac", end_s=2)
    assert used == {"/thermal": 60, "/microphone": 22}
    assert line.windows == 4
    _, used = replayed(f"camera={seen}", end_s=1)
    assert used == {"/camera": 30}


def test_every_clip_of_the_sounds(shared_data: Path) -> None:
    """All of ESC's clips are five seconds of 44.1 kHz."""
    clips = sorted((shared_data / CLIPS).glob("*.ogg"))
    assert len(clips) == 160
    for number, path in enumerate(clips):
        with Log(path) as log:
            (topic,) = log.topics.values()
            assert (topic.audio.sample_rate_hz, topic.audio.num_channels) == (44_100, 1)
            if number % 20 == 0:
                found = list(log.samples(log.channels()))
                assert len(found) == topic.count
                assert sum(len(one.sample.data) for one in found) == pytest.approx(220_500, abs=1000)
    line, used = replayed(clips[0])
    assert list(used.values()) == [252]
    assert line.windows == 10
