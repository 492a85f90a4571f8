"""``rigbind bench sync``: the synchronizer's cost a message, beside a greedy cartesian-product one."""

import itertools
import statistics
from collections.abc import Iterator
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
QUEUE, SLOP = 64, NS // 20
ROUNDS = 5


def sync(
    seconds: Annotated[float, typer.Option(help="Recorded time that each round goes through.")] = 60.0,
    json: JsonOption = None,
) -> None:
    """Push five topics at 30, 9, 15, 200 and 50 Hz through the synchronizer and through the baseline, in turn."""
    samples = list(stream(seconds))
    costs: list[int] = []
    ours, theirs = [], []
    for _ in range(ROUNDS):
        started = perf_counter()
        synchronizer = Synchronizer(Windowing(), CHANNELS)
        for sample in samples:
            before = perf_counter_ns()
            synchronizer.push(sample)
            costs.append(perf_counter_ns() - before)
        ours.append(perf_counter() - started)
        started = perf_counter()
        baseline = CartesianSynchronizer([channel.topic for channel in CHANNELS], QUEUE, SLOP)
        for sample in samples:
            baseline.push(sample)
        theirs.append(perf_counter() - started)
    figures = {
        "us_per_message_p99": float(np.percentile(costs, 99)) / 1e3,
        "messages_per_s": len(samples) / statistics.median(ours),
        "speedup_vs_cartesian": statistics.median(theirs) / statistics.median(ours),
    }
    publish("bench sync", figures, {"us_per_message_p99": ("<=", 50.0)}, json)


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
