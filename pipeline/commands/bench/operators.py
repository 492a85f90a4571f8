"""``rigbind bench operators``: what the demo's operators cost a window when they remember much, and what they keep.

D = dimension of the joint space, Z = numbers that a place is described by.
"""

import heapq
import zlib
from collections.abc import Iterator, Sequence
from itertools import count
from time import process_time_ns
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from rich.progress import track

from pipeline.build import build
from pipeline.commands.assembly import load_checked
from pipeline.commands.bench.report import JsonOption, publish
from pipeline.commands.demo import find_config
from pipeline.config import Channel, Config, Windowing
from pipeline.messages import NS, Array, Embedding, Observation, Operator, Sample, Window
from pipeline.sync import Synchronizer

DIM = 1024
MEMORY = 10_000
"""Normal windows that are remembered of each topic, of the fused vector and of each detector."""

ZONE = 32
"""Z: senses see many things, but those of one place vary in few ways."""

MIDDLE, STAY = 0.6, 0.9
"""Length of what all vectors of a topic have in common beside what varies, and how much of that stays from window to
window: cosines are 0.93 to the next window and 0.26 to any other, as of the demo's camera (0.92 and 0.26)."""

LAST = 2_000
"""Windows, at the end, that are timed."""

COUNTS = (1_000, 10_000, 20_000, 50_000, 100_000)
"""Windows after which it is looked how large the process is."""

POOL = 64
"""Readings of each sensor, which come again and again, each time in another order: nothing repeats itself for long."""


class Sentences:
    """A text encoder to which every sentence has a direction of its own."""

    modality = "text"

    def __init__(self, dim: int = DIM) -> None:
        self.dim = dim

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, 1) int64: a number of each text."""
        return np.array([[zlib.crc32(text.encode())] for text in texts], np.int64)

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows."""
        return np.stack([_unit(np.random.default_rng(int(number)).normal(size=self.dim)) for (number,) in batch])


def operators(
    windows: Annotated[int, typer.Option(min=1, help="Windows of five topics; aims are set for 100000.")] = 12_000,
    memory: Annotated[int, typer.Option(min=10, help="Normal windows that are remembered of each name.")] = MEMORY,
    json: JsonOption = None,
) -> None:
    """Let windows of a place that changes pass the demo's operators; processor time of all threads."""
    config = load_checked(find_config("demo.toml"))
    minds = demo_operators(config, memory)
    costs, sizes_MB = [], {}
    for number, observation in enumerate(track(observations(config.channels, windows), "windows", windows), 1):
        costs.append([_time(operator, observation) for operator in minds])
        if number in COUNTS:
            sizes_MB[f"rss_mb_{number}"] = psutil.Process().memory_info().rss / 1e6
    costs_ms = np.array(costs[-LAST:]) / 1e6
    names = [type(operator).__name__.lower() for operator in minds]
    figures = {
        "ms_p50": float(np.median(costs_ms.sum(1))),
        "ms_p99": float(np.percentile(costs_ms.sum(1), 99)),
        **{f"{name}_ms_p50": float(value) for name, value in zip(names, np.median(costs_ms, 0), strict=True)},
        **{f"{name}_ms_p99": float(value) for name, value in zip(names, np.percentile(costs_ms, 99, 0), strict=True)},
        **sizes_MB,
    }
    publish("bench operators", figures, {"ms_p50": ("<=", 5.0), "ms_p99": ("<=", 5.0)}, json)


def demo_operators(config: Config, memory: int) -> list[Operator]:
    """Build the operators of the demo for vectors of DIM numbers; their memories of normal have room for ``memory``."""
    text = {"use": f"{Sentences.__module__}:{Sentences.__name__}", "params": {"dim": DIM}}
    detectors = [
        {"use": "operators.novelty:Novelty", "params": {"memory": memory}},
        {"use": "operators.disagreement:Disagreement", "params": {}},
        {"use": "operators.signals.watch:SignalWatch", "params": {"memory": memory}},
    ]
    given: dict[str, Any] = {"text": text, "detectors": detectors, "model": "random"}
    return [build(part, "operators", **given) for part in config.operators]


def observations(channels: Sequence[Channel], number: int, seed: int = 0) -> Iterator[Observation]:
    """Yield ``number`` windows of all ``channels``, with the vectors of a place that slowly changes."""
    rng = np.random.default_rng(seed)
    topics = {channel.topic: channel.modality for channel in channels}
    middles = {topic: _unit(rng.normal(size=DIM)) for topic in topics}
    views_ZD = {topic: rng.normal(size=(ZONE, DIM)) / (ZONE * DIM) ** 0.5 for topic in topics}
    place_Z = rng.normal(size=ZONE)
    for window in _windows(channels, number):
        place_Z = STAY * place_Z + (1 - STAY**2) ** 0.5 * rng.normal(size=ZONE)
        vectors = {topic: _unit(MIDDLE * middles[topic] + place_Z @ views_ZD[topic]) for topic in topics}
        yield Observation(
            window=window,
            embeddings={
                topic: Embedding(topic=topic, modality=modality, stamp=window.end, vector=vectors[topic])
                for topic, modality in topics.items()
            },
            fused=_unit(sum(vectors.values())),
            weights=dict.fromkeys(topics, 1 / len(topics)),
        )


def _windows(channels: Sequence[Channel], number: int) -> Iterator[Window]:
    """Yield the first ``number`` windows of the samples of ``channels``."""
    synchronizer, left = Synchronizer(Windowing(), channels), number
    for sample in heapq.merge(*map(_samples, channels), key=lambda sample: sample.stamp):
        for window in synchronizer.push(sample)[:left]:
            left -= 1
            yield window
        if not left:
            return


def _samples(channel: Channel) -> Iterator[Sample]:
    rng = np.random.default_rng(zlib.crc32(channel.topic.encode()))
    pool, order = _pool(channel, rng), np.arange(POOL)
    for seq in count():
        if seq % POOL == 0:
            order = rng.permutation(POOL)
        stamp = NS + round((seq + 0.5) * channel.period)
        yield Sample(topic=channel.topic, stamp=stamp, frame_id="", seq=seq, data=pool[order[seq % POOL]])


def _pool(channel: Channel, rng: np.random.Generator) -> list[Array]:
    """Return POOL readings, which are noise."""
    match channel.modality:
        case "vision":
            return list(rng.integers(0, 255, (POOL, 120, 160, 3), np.uint8))
        case "thermal":
            return list(rng.normal(29_300, 200, (POOL, 120, 160)).astype(np.uint16))
        case "depth":
            return list(rng.integers(500, 9000, (POOL, 120, 160)).astype(np.uint16))
        case "audio":
            chunk = round(channel.calibration.sample_rate_hz / channel.rate_hz)
            return list(rng.normal(0, 900, (POOL, chunk)).astype(np.int16))
    return list(np.array([0, 0, 9.81, 0, 0, 0]) + rng.normal(0, 0.1, (POOL, 6)))


def _time(operator: Operator, observation: Observation) -> int:
    """Return nanoseconds of processor time that ``operator`` takes for ``observation``."""
    started = process_time_ns()
    list(operator(observation))
    return process_time_ns() - started


def _unit(vector_D: Any) -> Array:
    unit_D: Array = (vector_D / np.linalg.norm(vector_D)).astype(np.float32)
    return unit_D
