"""``rigbind bench record``: what a recording takes in a second, and how long the live line beside it waits."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from msgspec.structs import replace
from rich.progress import track

from pipeline.commands.assembly import assemble
from pipeline.commands.bench.replay import noise
from pipeline.commands.bench.report import JsonOption, publish
from pipeline.commands.bench.sync import CHANNELS
from pipeline.commands.demo import find_config
from pipeline.config import Channel, Config, Model, load
from pipeline.line import Line
from pipeline.logs.recorder import Recorder
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Array, Received, Sample
from pipeline.run import run

CONFIG = Config(channels=[Channel("/camera", "vision", 30)])
FRAME_EVERY = 33
"""Wakes, of about a millisecond, from one frame to the next."""

FRAMES = 45  # of one round of the throughput
SLEEP_S = 0.001
SETTLE_S = 2.0
"""Windows that end so soon after a turn are of the turn before, too."""

AIMS = {"mb_per_s": (">=", 200.0), "live_latency_ratio": ("<=", 1.05), "live_latency_ratio_p99": ("<=", 1.2)}
QUEUED = Path("/proc/thread-self/schedstat")
"""Of Linux: nanoseconds that this thread had the processor, and that it waited for it (Documentation/scheduler)."""


def record(
    seconds: Annotated[float, typer.Option(min=1, help="Of each round with a recording, and of each without.")] = 6.0,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, with and without in turn.")] = 8,
    model: Annotated[str, typer.Option(help="The preset of the line.")] = "mini",
    json: JsonOption = None,
) -> None:
    """Write 720p frames as fast as it goes, then 30 a second beside a waking thread and the whole live line.

    The thread wakes 1000 times a second, and the line has the rest of a rig.
    """
    pictures = [picture(seed) for seed in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        rates = [_mb_per_s(Path(folder) / "alone.mcap", pictures) for _ in track(range(rounds), "throughput")]
        alone, beside = [], []
        for _ in track(range(rounds), "a thread's waits"):
            alone.append(_p99_ms(_wakes(seconds)))
            beside.append(_p99_ms(_beside_a_recording(Path(folder) / "beside.mcap", seconds, pictures)))
        line_alone, line_beside = asyncio.run(_latencies(Path(folder), seconds, rounds, pictures, model))
    alone_ms, alone_lock_ms = np.median(alone, 0).tolist()
    beside_ms, beside_lock_ms = np.median(beside, 0).tolist()
    figures = {
        "mb_per_s": float(np.median(rates)),
        "live_latency_ratio": _ratio(line_beside, line_alone, 50),
        "live_latency_ratio_p99": _ratio(line_beside, line_alone, 99),
        "live_latency_ms_p50": float(np.percentile(line_beside, 50)),
        "live_latency_ms_p99": float(np.percentile(line_beside, 99)),
        "thread_latency_ratio": beside_ms / alone_ms,
        "thread_latency_ms_p99": beside_ms,
        "lock_latency_ratio": beside_lock_ms / alone_lock_ms,
        "lock_latency_ms_p99": beside_lock_ms,
        "load_average": os.getloadavg()[0],
    }
    publish("bench record", figures, AIMS, json, model)


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
    _checked(recorder)
    return wakes


async def _latencies(
    folder: Path, seconds: float, rounds: int, pictures: list[Array], model: str
) -> tuple[list[float], list[float]]:
    """Return milliseconds from windows' ends to their events, without and with a recording, in turn."""
    demo = load(find_config("demo.toml"))
    line = assemble(replace(demo, channels=CHANNELS, sinks=[], model=Model(preset=model, engine="local")))
    found: tuple[list[float], list[float]] = [], []
    try:
        await line.engine.start(CHANNELS)
        async for _ in run(_turns(line, folder, seconds, rounds, pictures, found), line, time.time_ns):
            pass
    finally:
        await line.close()
    return found


async def _turns(
    line: Line,
    folder: Path,
    seconds: float,
    rounds: int,
    pictures: list[Array],
    found: tuple[list[float], list[float]],
) -> AsyncIterator[list[Received]]:
    """Yield what a rig sends, live, and change the line's recorder meanwhile."""
    samples = _live(pictures)
    for turn in track(range(2 * rounds), "the line"):
        is_recorded = turn % 2
        path = folder / f"line{turn}.mcap"
        recorder = line.recorder = Recorder(path, line.config) if is_recorded else None
        began = time.monotonic()
        async for batch in samples:
            yield batch
            if time.monotonic() < began + SETTLE_S:
                line.latency_ms.clear()
            elif time.monotonic() > began + SETTLE_S + seconds:
                break
        found[is_recorded].extend(line.latency_ms)
        line.recorder = None
        if recorder:
            await asyncio.to_thread(recorder.close, {})
            _checked(recorder)
            path.unlink()


async def _live(pictures: list[Array]) -> AsyncIterator[list[Received]]:
    """Yield samples of all CHANNELS as they are due, without end."""
    data, began = noise(), time.time_ns()
    due = {channel.topic: (began + channel.period, 0, channel.period) for channel in CHANNELS}
    while True:
        now, batch = time.time_ns(), []
        for topic, (stamp, seq, period) in due.items():
            if stamp <= now:
                what = pictures[seq % len(pictures)] if topic == CHANNELS[0].topic else data[topic]
                sample = Sample(topic=topic, stamp=stamp, frame_id="", seq=seq, data=what)
                batch.append(Received(sample=sample, received=now))
                due[topic] = stamp + period, seq + 1, period
        yield batch
        await asyncio.sleep(max(0.0, (min(stamp for stamp, _, _ in due.values()) - time.time_ns()) / NS))


def _ratio(with_: list[float], without: list[float], percent: float) -> float:
    return float(np.percentile(with_, percent) / np.percentile(without, percent))


def _checked(recorder: Recorder) -> None:
    """Raise RuntimeError if it did not record all."""
    if recorder.error or recorder.dropped:
        raise RuntimeError(recorder.error or f"samples that were not recorded: {dict(recorder.dropped)}")


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
