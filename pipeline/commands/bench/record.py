"""``rigbind bench record``: what a recording takes in a second, and how long a thread beside it waits."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from pipeline.commands.bench.report import JsonOption, publish
from pipeline.config import Channel, Config
from pipeline.logs.recorder import Recorder
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Array, Received, Sample

CONFIG = Config(channels=[Channel("/camera", "vision", 30)])
FRAME_EVERY = 33
"""Wakes, of about a millisecond, from one frame to the next."""

FRAMES = 45  # of one round of the throughput
SLEEP_S = 0.001
QUEUED = Path("/proc/thread-self/schedstat")
"""Of Linux: nanoseconds that this thread had the processor, and that it waited for it (Documentation/scheduler)."""


def record(
    seconds: Annotated[float, typer.Option(help="Of each round with a recording, and of each without.")] = 2.0,
    rounds: Annotated[int, typer.Option(help="Rounds, with and without in turn.")] = 12,
    json: JsonOption = None,
) -> None:
    """Write 720p frames as fast as it goes; then record 30 of them a second beside a thread that wakes 1000 times."""
    pictures = [picture(seed) for seed in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        rates = [_mb_per_s(Path(folder) / "alone.mcap", pictures) for _ in track(range(rounds), "throughput")]
        alone, beside = [], []
        for _ in track(range(rounds), "latency"):
            alone.append(_p99_ms(_wakes(seconds)))
            beside.append(_p99_ms(_beside_a_recording(Path(folder) / "beside.mcap", seconds, pictures)))
    alone_ms, alone_lock_ms = np.median(alone, 0).tolist()
    beside_ms, beside_lock_ms = np.median(beside, 0).tolist()
    figures = {
        "mb_per_s": float(np.median(rates)),
        "live_latency_ratio": beside_ms / alone_ms,
        "live_latency_ms_p99": beside_ms,
        "alone_latency_ms_p99": alone_ms,
        "lock_latency_ratio": beside_lock_ms / alone_lock_ms,
        "lock_latency_ms_p99": beside_lock_ms,
        "load_average": os.getloadavg()[0],
    }
    publish("bench record", figures, {"mb_per_s": (">=", 200.0), "live_latency_ratio": ("<=", 1.2)}, json)


def picture(seed: int) -> Array:
    """(720, 1280, 3) uint8: flat blocks with a camera's noise.

    zstd makes 0.65 of it, at 320 MB/s; of pictures of the TUM RGB-D benchmark 0.68 to 0.74, at 350 to 450 MB/s.
    """
    rng = np.random.default_rng(seed)
    scene = rng.integers(40, 215, (45, 80, 3)).repeat(16, 0).repeat(16, 1)
    return (scene + rng.normal(0, 0.5, scene.shape)).astype(np.uint8)


def frame(number: int, pictures: list[Array]) -> Received:
    """Frame ``number`` of an endless film."""
    data, now = pictures[number % len(pictures)], NS + number * NS // 30
    return Received(sample=Sample(topic="/camera", stamp=now, frame_id="", seq=number, data=data), received=now)


def _mb_per_s(path: Path, pictures: list[Array]) -> float:
    """Return megabytes of frames that are written in a second of one processor."""
    writer = LogWriter(path, CONFIG)
    started = time.thread_time()
    for number in range(FRAMES):
        writer.sample(frame(number, pictures))
    writer.finish({})
    elapsed = time.thread_time() - started
    path.unlink()
    return FRAMES * pictures[0].nbytes / 1e6 / elapsed


def _beside_a_recording(path: Path, seconds: float, pictures: list[Array]) -> Array:
    recorder = Recorder(path, CONFIG)
    wakes = _wakes(seconds, lambda number: recorder.sample(frame(number, pictures)))
    recorder.close({})
    path.unlink()
    if recorder.error or recorder.dropped:
        raise RuntimeError(recorder.error or f"frames that were not recorded: {recorder.dropped['/camera']}")
    return wakes


def _wakes(seconds: float, shoot: Callable[[int], None] | None = None) -> Array:
    """(N, 2) float, nanoseconds: how much longer than asked each sleep was, and without the wait for a processor.

    The second tells what is the recorder's doing, through Python's lock, from what other programs do; where the
    system does not say how long a thread waited for a processor, they are the same.
    """
    wakes = []
    for number in range(round(seconds / SLEEP_S)):
        if shoot and number % FRAME_EVERY == 0:
            shoot(number // FRAME_EVERY)
        queued, before = _queued(), time.perf_counter_ns()
        time.sleep(SLEEP_S)
        late = time.perf_counter_ns() - before - round(SLEEP_S * NS)
        wakes.append((late, late - (_queued() - queued)))
    return np.array(wakes, float)


def _queued() -> int:
    try:
        return int(QUEUED.read_bytes().split()[1])
    except OSError:
        return 0


def _p99_ms(wakes: Array) -> Array:
    """(2,) the 99th percentiles of both columns, in milliseconds."""
    return np.percentile(wakes, 99, axis=0) / 1e6
