"""A rig of every sense, and what a line shows of it."""

import numpy as np
from makers import CAMERA, DEPTH, IMU, MICROPHONE, THERMAL, sample
from situations import reading

from pipeline.config import Channel
from pipeline.messages import NS, Calibration, Event, Observation, Received, Window

GAS = Channel("/gas", "gas", 10.0, calibration=Calibration(shape=(3,)))
CHANNELS = [CAMERA, DEPTH, THERMAL, IMU, MICROPHONE, GAS]
LEDGER = {
    "/camera": {"received": 30, "used": 20, "superseded": 4, "late": 2, "duplicate": 1, "gap": 5},
    "/imu": {"received": 400, "used": 400},
}
FIRE = Event(
    id="tagging@5",
    phase="opened",
    start=100 * NS,
    end=102 * NS,
    label="fire <b>",
    score=0.75,
    source="tagging",
    severity="critical",
    pictures={"/camera": b"\xff\xd8jpeg"},
    sounds={"/microphone": b"RIFFwave"},
)


def received(channel: Channel, seq: int = 0, at_s: float = 0.0) -> Received:
    """A reading of ``channel``, 5 ms old."""
    rng = np.random.default_rng(seq)
    data = np.array([1.0, 2.0, 3.0]) if channel is GAS else reading(channel.modality, rng)
    one = sample(channel.topic, at_s, seq, data)
    return Received(sample=one, received=one.stamp + 5_000_000)


def observation(end_s: int = 102, stride_s: float = 0.5) -> Observation:
    """A window of two seconds in which the IMU is silent."""
    window = Window(
        start=(end_s - 2) * NS,
        end=end_s * NS,
        clips={},
        coverage={"/camera": 0.5, "/imu": 0.0},
        states={"/camera": "ok", "/imu": "stale"},
        ledger=LEDGER,
    )
    return Observation(window=window, embeddings={}, fused=np.zeros(4, np.float32), weights={"/camera": 1.0})
