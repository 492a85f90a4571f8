"""The laptop's rig file names the two drivers with parameters that they have."""

from pathlib import Path

from pipeline.build import build, check
from pipeline.config import load
from sensors.camera import Camera
from sensors.microphone import Microphone

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def test_the_laptop_builds_a_camera_and_a_microphone() -> None:
    built = []
    for channel in load(CONFIGS / "laptop.toml").channels:
        assert channel.sensor is not None
        assert list(check(channel.sensor, channel.topic)) == []
        given = {"topic": channel.topic, "rate_hz": channel.rate_hz}
        given |= {"sample_rate_hz": channel.calibration.sample_rate_hz} if channel.modality == "audio" else {}
        built.append(build(channel.sensor, channel.topic, **given))
    camera, microphone = built
    assert isinstance(camera, Camera)
    assert (camera.topic, camera.rate_hz, camera.width) == ("/camera", 15, 640)
    assert isinstance(microphone, Microphone)
    assert (microphone.topic, microphone.rate_hz, microphone.sample_rate_hz) == ("/microphone", 50, 16000)
