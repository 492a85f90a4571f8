"""Real recordings, with the counts that their own README documents."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from pipeline.config import load
from pipeline.logs import Log
from pipeline.messages import NS, Received

CONFIGS = Path(__file__).resolve().parents[3] / "configs" / "logs"
TUM = "rgbd_imu_tum_fr1_rpy"
RGB, DEPTH, IMU = "/camera/rgb/image_color/compressed", "/camera/depth/image", "/imu"


def by_topic(path: Path, config: str = "") -> dict[str, list[Received]]:
    samples: dict[str, list[Received]] = {}
    with Log(path) as log:
        for received in log.samples(load(CONFIGS / config).channels if config else log.channels()):
            samples.setdefault(received.sample.topic, []).append(received)
        assert log.damage is None
        assert log.rejected == Counter()
    return samples


@pytest.mark.parametrize("name", ["tum_fr1_rpy_a", "tum_fr1_rpy_a/tum_fr1_rpy_a.mcap"])
def test_rgbd_camera_with_accelerometer(shared_data: Path, name: str) -> None:
    samples = by_topic(shared_data / TUM / name)
    assert {topic: len(received) for topic, received in samples.items()} == {RGB: 60, DEPTH: 61, IMU: 1000}
    rgb, depth, imu = (samples[topic][0].sample for topic in (RGB, DEPTH, IMU))
    assert (rgb.data.shape, str(rgb.data.dtype), rgb.stamp) == ((480, 640, 3), "uint8", 1305031229528748000)
    assert (depth.data.shape, str(depth.data.dtype)) == ((480, 640), "uint16")
    assert depth.frame_id == "openni_depth_optical_frame"
    assert_allclose(imu.data, [-5.651696, 6.525793, -6.94488])  # no gyroscope: accelerometer.txt has three columns
    assert all(received.sample.stamp == received.received for received in samples[IMU])


def test_pictures_are_those_of_the_original_files(shared_data: Path) -> None:
    """The set's own PNG of the first frames; its depth scale is 5000 to the metre, the log's is millimetres."""
    samples = by_topic(shared_data / TUM / "tum_fr1_rpy_a")
    png = shared_data / TUM / "original_png"
    rgb = np.asarray(Image.open(png / "rgb" / "1305031229.528748.png").convert("RGB")).astype(int)
    assert abs(samples[RGB][0].sample.data - rgb).mean() < 3  # the log holds JPEG; swapped colours would be 20 off
    depth = np.asarray(Image.open(png / "depth" / "1305031229.528784.png")).astype(float) / 5
    assert abs(samples[DEPTH][0].sample.data - depth).max() <= 1


def test_speech_gets_its_rate_from_the_rig_file(shared_data: Path) -> None:
    (received,) = by_topic(shared_data / "logs_native" / "audio_speech_wave.bag", "speech_wave.toml").values()
    assert len(received) == 477
    assert {r.sample.data.shape for r in received} == {(160,)}
    assert received[0].sample.data.dtype == np.int16
    assert_array_equal(received[0].sample.data[:4], [50, -70, 70, 331])
    assert received[0].sample.stamp == 1495805318689386561


def test_applause_is_found_to_be_stereo(shared_data: Path) -> None:
    (received,) = by_topic(shared_data / "logs_native" / "audio_applause.bag", "applause.toml").values()
    assert len(received) == 1603
    assert {r.sample.data.shape for r in received} == {(441, 2)}
    assert set(np.diff([r.sample.stamp for r in received])) == {10_000_000}  # though they were logged in bursts
    left, right = np.concatenate([r.sample.data for r in received]).T.astype(float)
    assert np.corrcoef(left, right)[0, 1] > np.corrcoef(left[:-1], right[1:])[0, 1]


def test_husky_drives_395_seconds(shared_data: Path) -> None:
    path = shared_data / "logs_native" / "husky_imu_gps_odom.bag"
    (received,) = by_topic(path).values()
    assert len(received) == 11865
    assert_allclose(np.median([r.sample.data for r in received], axis=0)[1], 9.8, atol=0.1)  # mounted on its side
    with Log(path) as log:
        assert round(log.duration / NS, 2) == 395.31
        assert log.topics["/fix"].count == 989
        assert log.topics["/imu/data"].gaps == ()


def test_ardrone_shows_its_dropout_of_a_second(shared_data: Path) -> None:
    with Log(shared_data / "logs_native" / "ardrone_imu.bag") as log:
        topic = log.topics["/ardrone/imu"]
        longest = max(topic.gaps, key=lambda gap: gap.length)
        assert round(longest.length / NS, 3) == 1.001
        assert sorted(gap.length for gap in topic.gaps)[-2] < NS // 5
        assert topic.count == 4308
        stamps = [r.sample.stamp for r in log.samples(log.channels())]
    assert round(np.diff(np.sort(stamps)).max() / NS, 1) == 1.0


def test_one_picture_of_a_raspberry_pi(shared_data: Path) -> None:
    ((received,),) = by_topic(shared_data / "logs_native" / "raspicam_aruco_images.bag").values()
    assert received.sample.data.shape == (960, 1280, 3)
    assert received.sample.stamp == 1491682360314066469


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("container_only_turtlesim_lz4.bag", {"/tf": 2688, "/turtle1/pose": 1344, "/rosout": 10, "/tf_static": 1}),
        ("nav2_turtlebot.mcap", {"/odom": 2639, "/tf": 5422, "/tf_static": 1, "/amcl_pose": 135}),
    ],
)
def test_logs_without_sensors_are_listed(shared_data: Path, name: str, counts: dict[str, int]) -> None:
    with Log(shared_data / "logs_native" / name) as log:
        assert {topic: log.topics[topic].count for topic in counts} == counts
        assert {topic.skipped for topic in log.topics.values()} == {"this message type is not read"}
        assert log.channels() == []


def test_bursts_are_no_gaps(shared_data: Path) -> None:
    """Applause comes in bursts of four or five messages, tf in pairs: their pauses are their rhythm."""
    for name, topic, rate_hz in (
        ("audio_applause.bag", "/audio", 100),
        ("container_only_turtlesim_lz4.bag", "/tf", 125),
    ):
        with Log(shared_data / "logs_native" / name) as log:
            assert log.topics[topic].gaps == ()
            assert log.topics[topic].rate_hz == pytest.approx(rate_hz, rel=0.01)
