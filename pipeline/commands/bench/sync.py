"""``rigbind bench sync``: the synchronizer's cost a message, beside a greedy cartesian-product one, and the clock's."""

import itertools
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import perf_counter_ns, thread_time
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from pipeline.commands.bench.cartesian import CartesianSynchronizer
from pipeline.commands.bench.clock import clock_figures
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
TOPICS = tuple(channel.topic for channel in CHANNELS)
QUEUE, SLOP = 64, NS // 10
"""Of the baseline: the slop of the example in ROS's wiki; below 56 ms, half its period, the slowest would miss sets."""

DELAYS_MS = {"/camera": 33.0, "/thermal": 60.0, "/depth": 45.0, "/imu": 2.0, "/microphone": 20.0}
"""How long after its stamp a sample may come in life: a picture is read out and sent, which takes a frame or so; sound
is stamped by the first sample of a chunk, and whole with the last. Of our own choosing."""

ROUNDS = 9


def sync(
    seconds: Annotated[float, typer.Option(min=3, help="Recorded time that each round goes through.")] = 20.0,
    json: JsonOption = None,
) -> None:
    """Push five topics at 30, 9, 15, 200 and 50 Hz through the synchronizer and through the baseline, in turn."""
    samples = list(stream(seconds))
    costs = _costs(samples)
    ours, speedup = _raced(samples)
    orders = track(list(itertools.permutations(TOPICS)), "orders of the topics")
    by_order = [_raced(samples, order, rounds=1)[1] for order in orders]
    figures = {
        "us_per_message_p99": float(np.percentile(costs, 99)) / 1e3,
        "us_per_message_p999": float(np.percentile(costs, 99.9)) / 1e3,
        "messages_per_s": len(samples) / ours,
        "speedup_vs_cartesian": speedup,
        "speedup_median_order": statistics.median(by_order),
        "speedup_least_order": min(by_order),
        "speedup_most_order": max(by_order),
        "speedup_delayed": _raced(delayed(samples))[1],
        "speedup_dropouts": _raced(list(with_dropouts(samples, "/microphone")))[1],
        **clock_figures(samples, CHANNELS),
    }
    aims = {"us_per_message_p99": ("<=", 50.0), "speedup_vs_cartesian": (">=", 10.0)}
    publish("bench sync", figures, aims, json)


def _raced(samples: Sequence[Sample], topics: Sequence[str] = TOPICS, rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the seconds that ours takes for ``samples``, and how many times those of the baseline's are.

    Medians of ``rounds`` in turn, of this thread's processor time: others on the machine are nobody's cost.
    """
    times = []
    for _ in range(rounds):
        ours, baseline = Synchronizer(Windowing(), CHANNELS), CartesianSynchronizer(topics, QUEUE, SLOP)
        times.append([_time(push, samples) for push in (ours.push, baseline.push)])
    return float(np.median(times, 0)[0]), float(np.median([theirs / ours for ours, theirs in times]))


def _time(push: Callable[[Sample], object], samples: Iterable[Sample]) -> float:
    started = thread_time()
    for sample in samples:
        push(sample)
    return thread_time() - started


def _costs(samples: Iterable[Sample]) -> list[int]:
    """Return the nanoseconds that each message costs, by the wall clock."""
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


def delayed(samples: Iterable[Sample], seed: int = 1) -> list[Sample]:
    """Return ``samples`` as they come DELAYS_MS after their stamps, give or take 2 ms."""
    jitter = np.random.default_rng(seed)
    return sorted(samples, key=lambda sample: sample.stamp + 1e6 * (DELAYS_MS[sample.topic] + jitter.exponential(2)))


def with_dropouts(samples: Iterable[Sample], topic: str) -> Iterator[Sample]:
    """Yield ``samples`` but those of ``topic`` in the last three of every six seconds."""
    return (sample for sample in samples if sample.topic != topic or sample.stamp // NS % 6 < 3)
