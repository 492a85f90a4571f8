"""``rigbind bench sync``: the synchronizer's cost a message, beside a greedy cartesian-product one."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from time import perf_counter, perf_counter_ns
from typing import Annotated

import numpy as np
import typer

from pipeline.commands.bench.report import JsonOption, publish
from pipeline.config import Channel, Windowing
from pipeline.messages import NS, Calibration, Sample
from pipeline.sync import Synchronizer

CHANNELS = [
    Channel("/camera", "vision", 30),
    Channel("/thermal", "thermal", 9),
    Channel("/depth", "depth", 15),
    Channel("/imu", "imu", 200),
    Channel("/microphone", "audio", 50, calibration=Calibration(sample_rate_hz=16_000)),
]
QUEUE, SLOP = 64, NS // 10
"""Of the baseline: the slop of ROS's own tutorials, which the slowest stream needs to find partners for each frame."""

ROUNDS = 5


def sync(
    seconds: Annotated[float, typer.Option(help="Recorded time that each round goes through.")] = 60.0,
    json: JsonOption = None,
) -> None:
    """Push five topics at 30, 9, 15, 200 and 50 Hz through the synchronizer and through the baseline, in turn."""
    samples = list(stream(seconds))
    ours, theirs = _raced(samples)
    figures = {
        "us_per_message_p99": float(np.percentile(_costs(samples), 99)) / 1e3,
        "messages_per_s": len(samples) / ours,
        "speedup_vs_cartesian": theirs / ours,
    }
    publish("bench sync", figures, {"us_per_message_p99": ("<=", 50.0), "speedup_vs_cartesian": (">=", 10.0)}, json)


def _raced(samples: Sequence[Sample]) -> tuple[float, float]:
    """Return the median seconds that ours and the baseline take for ``samples``, run in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        ours = Synchronizer(Windowing(), CHANNELS)
        baseline = CartesianSynchronizer([channel.topic for channel in CHANNELS], QUEUE, SLOP)
        for push, spent in zip((ours.push, baseline.push), times, strict=True):
            started = perf_counter()
            for sample in samples:
                push(sample)
            spent.append(perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def _costs(samples: Sequence[Sample]) -> list[int]:
    """Return the nanoseconds that each message costs."""
    synchronizer, costs = Synchronizer(Windowing(), CHANNELS), []
    for sample in samples:
        before = perf_counter_ns()
        synchronizer.push(sample)
        costs.append(perf_counter_ns() - before)
    return costs


def stream(seconds: float, seed: int = 0) -> Iterator[Sample]:
    """Yield the samples of CHANNELS by stamp, with 2 ms of jitter; their data is small and shared."""
    jitter = np.random.default_rng(seed)
    data = np.zeros(6)
    plan = [
        (round((number + 0.5) * channel.period + jitter.normal(0, 2e6)), channel.topic, number)
        for channel in CHANNELS
        for number in range(round(seconds * channel.rate_hz))
    ]
    for stamp, topic, number in sorted(plan):
        yield Sample(topic=topic, stamp=NS + stamp, frame_id="", seq=number, data=data)


class CartesianSynchronizer:
    """The baseline: as ROS's Python ``ApproximateTimeSynchronizer`` goes about it.

    At every arrival it tries all combinations of the other topics' queued messages within ``slop`` of the new one,
    nearest first; the first whose stamps span less than ``slop`` is the set. No lateness, no partial sets.
    """

    def __init__(self, topics: list[str], queue: int, slop: int) -> None:
        self._queues: dict[str, dict[int, Sample]] = {topic: {} for topic in topics}
        self._queue = queue
        self._slop = slop

    def push(self, sample: Sample) -> tuple[Sample, ...] | None:
        """Take one sample; return the set that it completes."""
        mine = self._queues[sample.topic]
        mine[sample.stamp] = sample
        while len(mine) > self._queue:
            del mine[min(mine)]
        candidates = []
        for topic, queue in self._queues.items():
            if topic != sample.topic:
                near = [stamp for stamp in queue if abs(stamp - sample.stamp) < self._slop]
                if not near:
                    return None
                candidates.append([(topic, stamp) for stamp in sorted(near, key=lambda at: abs(at - sample.stamp))])
        for combination in itertools.product(*candidates):
            stamps = [sample.stamp, *(stamp for _, stamp in combination)]
            if max(stamps) - min(stamps) < self._slop:
                del mine[sample.stamp]
                return (sample, *(self._queues[topic].pop(stamp) for topic, stamp in combination))
        return None
