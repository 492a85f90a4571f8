"""Simulated worlds to learn from: windows of all senses, and what is true of each."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from pipeline.config import Channel, Windowing
from pipeline.messages import Calibration, Clip
from pipeline.sync import Synchronizer
from sensors.simulator import Happening, Variant, timetable
from sensors.simulator.camera import Camera
from sensors.simulator.clockwork import merge
from sensors.simulator.depth import Depth
from sensors.simulator.imu import Imu
from sensors.simulator.microphone import Microphone
from sensors.simulator.rig import START
from sensors.simulator.thermal import Thermal
from sensors.simulator.world import World

PICTURES_HZ = 2.0
"""Of camera, depth and thermal: one is in the middle of each window, and a world is ten times as fast as life."""

LENGTH_S, STRIDE_S = 2.0, 1.0

STILL = ("vision", "depth", "thermal")
"""Senses of one moment, the window's middle."""

SHARE = 0.5
"""What a window and a happening share of the shorter one, from which on a sense of the whole window can tell of it."""


class Lesson(Struct, frozen=True, eq=False):
    """A clip and the labels that are true of it."""

    clip: Clip
    labels: frozenset[str]


def lessons(seed: int, variant: Variant, seconds: float) -> Iterator[dict[str, Lesson | None]]:
    """Yield a lesson by sense for each whole window; None where the sense lies, or it is hard to say what is true."""
    truth = timetable("patrol", seed, variant, seconds)
    shared: dict[str, Any] = {"seed": seed, "variant": variant, "scenario": "patrol", "duration_s": seconds}
    shared |= {"start_ns": START, "realtime": False}
    sensors: list[Any] = [kind(**shared, rate_hz=PICTURES_HZ) for kind in (Camera, Depth, Thermal)]
    sensors += [kind(**shared) for kind in (Imu, Microphone)]
    synchronizer = Synchronizer(_WINDOWING, [_channel(sensor) for sensor in sensors])
    for sample in merge(sensors, World(seed, variant, "patrol"), START):
        for window in synchronizer.push(sample):
            if window.start >= START:
                yield {clip.modality: _lesson(clip, window.start, window.end, truth) for clip in window.clips.values()}


def _lesson(clip: Clip, start: int, end: int, truth: Sequence[Happening]) -> Lesson | None:
    labels = set()
    for happening in truth:
        begins, ends = START + happening.start, START + happening.end
        shared = (min(end, ends) - max(start, begins)) / min(end - start, ends - begins)
        if shared <= 0:
            continue
        if happening.kind == "fault" and happening.target == clip.modality:
            return None
        if happening.kind == "event" and clip.modality in happening.modalities:
            is_there = begins <= (start + end) // 2 < ends if clip.modality in STILL else shared >= SHARE
            if not is_there and clip.modality not in STILL:
                return None
            labels |= {happening.label} if is_there else set()
    return Lesson(clip, frozenset(labels))


def _channel(sensor: Any) -> Channel:
    calibration = Calibration(sample_rate_hz=16_000.0) if sensor.modality == "audio" else Calibration()
    return Channel(topic=sensor.topic, modality=sensor.modality, rate_hz=sensor.rate_hz, calibration=calibration)


_WINDOWING = Windowing(
    length_s=LENGTH_S,
    stride_s=STRIDE_S,
    context_s={"vision": 0.0, "depth": 0.0, "thermal": 0.0, "audio": LENGTH_S, "imu": 5.0},
)
