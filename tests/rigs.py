"""A small rig: its recording, and its rig file with encoders that cost nothing."""

from pathlib import Path

import numpy as np
from makers import CAMERA, IMU, MICROPHONE, received, sample, stream

from pipeline.config import Config
from pipeline.logs.writer import LogWriter
from pipeline.messages import Array, Received

CHANNELS = [CAMERA, IMU, MICROPHONE]

_TEXT = """
[bus]
address = "{address}"

[model]
engine = "local"

[model.encoders]
vision = {{ use = "fakes:Counting", params = {{ modality = "vision", dim = 512 }} }}
imu = {{ use = "fakes:Counting", params = {{ modality = "imu", dim = 512 }} }}
audio = {{ use = "fakes:Counting", params = {{ modality = "audio", dim = 512 }} }}

[[operators]]
use = "fakes:Marking"
params = {{ label = "{label}" }}

[[channels]]
topic = "/camera"
modality = "vision"
rate_hz = 15

[[channels]]
topic = "/imu"
modality = "imu"
rate_hz = 200

[[channels]]
topic = "/microphone"
modality = "audio"
rate_hz = 50
calibration = {{ sample_rate_hz = 16000 }}
"""


def rig_file(folder: Path, label: str = "run", address: str = "ipc:///nowhere") -> Path:
    """Write the rig file; ``label`` is that of its one event."""
    path = folder / f"{label}.toml"
    path.write_text(_TEXT.format(label=label, address=address))
    return path


def samples(seconds: float) -> list[Received]:
    """A camera that turns brighter, an IMU that shakes, and a tone, by the time of their receipt."""
    rng = np.random.default_rng(0)
    found = []
    for channel in CHANNELS:
        for one in stream(channel, 0, seconds):
            share = one.seq / channel.rate_hz / seconds
            data: Array
            match channel.modality:
                case "vision":
                    data = np.full((24, 32, 3), int(200 * share), np.uint8)
                case "imu":
                    data = np.array([0, 0, 9.81, 0, 0, 0]) + rng.normal(0, 0.1, 6)
                case _:
                    data = (9000 * np.sin((np.arange(320) + 320 * one.seq) * 0.3)).astype(np.int16)
            found.append(sample(channel.topic, one.seq / channel.rate_hz, one.seq, data))
    return received(sorted(found, key=lambda one: one.stamp))


def recording(path: Path, seconds: float = 5.0) -> Path:
    """Write the rig's samples to a new MCAP file."""
    writer = LogWriter(path, Config(channels=CHANNELS))
    for one in samples(seconds):
        writer.sample(one)
    writer.finish({})
    return path
