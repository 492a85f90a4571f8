"""Small things that many tests need: samples, channels, frames."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.config import Channel
from pipeline.messages import NS, Array, Calibration, Received, Sample

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"
"""Recordings and reference numbers that lie beside the checkout; tests on them skip where they are absent."""

T0 = 1_700_000_000 * NS
"""When the tests' samples begin."""

CAMERA = Channel("/camera", "vision", 15.0)
THERMAL = Channel("/thermal", "thermal", 9.0)
DEPTH = Channel("/depth", "depth", 10.0)
IMU = Channel("/imu", "imu", 200.0)
MICROPHONE = Channel("/microphone", "audio", 50.0, calibration=Calibration(sample_rate_hz=16_000))
RIG = [CAMERA, THERMAL, DEPTH, IMU, MICROPHONE]

_DATA: dict[str, Array] = {
    "vision": np.full((120, 160, 3), 7, np.uint8),
    "thermal": np.full((60, 80), 29_315, np.uint16),
    "depth": np.full((60, 80), 2_000, np.uint16),
    "imu": np.array([0, 0, 9.81, 0, 0, 0]),
    "audio": np.zeros(320, np.int16),
}


def sample(topic: str = "/imu", at_s: float = 0.0, seq: int = 0, data: Array | None = None) -> Sample:
    """A reading taken ``at_s`` seconds after T0."""
    return Sample(
        topic=topic, stamp=T0 + round(at_s * NS), frame_id="", seq=seq, data=_DATA["imu"] if data is None else data
    )


def stream(channel: Channel, start_s: float, end_s: float) -> Iterator[Sample]:
    """A steady stream of ``channel`` in ``[start_s, end_s)``; number n is taken n periods after T0."""
    number = round(start_s * channel.rate_hz)
    while number / channel.rate_hz < end_s:
        yield sample(channel.topic, number / channel.rate_hz, number, _DATA[channel.modality])
        number += 1


def streams(channels: Iterable[Channel], start_s: float, end_s: float) -> list[Sample]:
    """The steady streams of ``channels``, merged by stamp."""
    return sorted(
        (item for channel in channels for item in stream(channel, start_s, end_s)), key=lambda item: item.stamp
    )


def received(samples: Sequence[Sample], delay_ns: int = 0) -> list[Received]:
    """The samples as if they had come in ``delay_ns`` after their stamps."""
    return [Received(sample=item, received=item.stamp + delay_ns) for item in samples]
