"""``rigbind bench replay``: how fast a recording is read, is cut into windows, and goes through the whole line."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from mcap.reader import make_reader
from msgspec.structs import replace
from rich.progress import track

from pipeline.clock import Clock
from pipeline.commands.assembly import assemble
from pipeline.commands.bench.report import JsonOption, publish
from pipeline.commands.bench.sync import CHANNELS, stream
from pipeline.config import Config, Model, Windowing
from pipeline.engine import blank_window
from pipeline.gate import refusal
from pipeline.logs import Log, Recorded
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Array, Received
from pipeline.run import paced, run
from pipeline.sync import Synchronizer

ROUNDS = 5


def replay(
    seconds: Annotated[float, typer.Option(min=3, help="Recorded time of the rig.")] = 60.0,
    model: Annotated[str, typer.Option(help="The preset of the whole line.")] = "mini",
    json: JsonOption = None,
) -> None:
    """Read a recording as samples, and as bare messages with ``mcap``; then replay it with a model.

    Its five topics have 30, 9, 15, 200 and 50 Hz. The replay alone is timed by the wall, on all processors.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rig.mcap"
        _write(path, seconds)
        ways: list[Callable[[], Iterable[object]]] = [
            lambda: _bare(path, in_log_order=False),
            lambda: Recorded(path).steps(),
            lambda: _windows(path),
            lambda: _bare(path, in_log_order=True),
            lambda: _as_any_log(path),
        ]
        times = [[_time(way) for way in ways] for _ in track(range(ROUNDS), "rounds")]
        whole = asyncio.run(_replayed(path, model))
    bare, read, cut, bare_ordered, read_as_any = np.median(times, 0).tolist()
    figures = {
        "times_real_time": seconds / whole,
        "cut_times_real_time": seconds / cut,
        "read_share_of_mcap": bare / read,
        "any_log_share_of_mcap": bare_ordered / read_as_any,
        "load_average": os.getloadavg()[0],
    }
    aims = {"times_real_time": (">=", 10.0), "read_share_of_mcap": (">=", 0.8)}
    publish("bench replay", figures, aims, json, model)


def _write(path: Path, seconds: float) -> None:
    """Record a rig whose readings are all noise: nothing in them is easy to compress."""
    data = noise()
    writer = LogWriter(path, Config(channels=CHANNELS))
    for sample in stream(seconds):
        writer.sample(Received(sample=replace(sample, data=data[sample.topic]), received=sample.stamp))
    writer.finish({})


def _bare(path: Path, in_log_order: bool) -> Iterator[object]:
    """Yield the messages as their bytes, checked, as quickly as the ``mcap`` library can in that order."""
    with path.open("rb") as file:
        yield from make_reader(file, validate_crcs=True).iter_messages(log_time_order=in_log_order)


def noise() -> dict[str, Array]:
    """Return a sample's data for each topic."""
    rng = np.random.default_rng(0)
    blanks = {topic: clip.samples[0].data for topic, clip in blank_window(CHANNELS).clips.items()}
    return {topic: rng.integers(0, 200, blank.shape).astype(blank.dtype) for topic, blank in blanks.items()}


def _windows(path: Path) -> Iterator[object]:
    """Yield what a line would hand to its encoders."""
    clock, synchronizer = Clock(CHANNELS), Synchronizer(Windowing(), CHANNELS)
    modalities = {channel.topic: channel.modality for channel in CHANNELS}
    for received in Recorded(path).samples():
        sample = clock.correct(received)
        if not isinstance(sample, str) and refusal(sample, modalities[sample.topic]) is None:
            yield from synchronizer.push(sample)
    yield from synchronizer.finish()


async def _replayed(path: Path, model: str) -> float:
    """Return seconds by the wall, from the first sample to the last event; the encoders are loaded by then."""
    config = Config(channels=CHANNELS, model=Model(preset=model, engine="local", deadline_s=60.0))
    line = assemble(config, is_replay=True)
    try:
        await line.engine.start(CHANNELS)
        started = time.perf_counter_ns()
        async for _ in run(paced(Recorded(path).steps(), line, None), line):
            pass
        return (time.perf_counter_ns() - started) / NS
    finally:
        await line.close()


def _as_any_log(path: Path) -> Iterator[object]:
    """Yield the samples as those of a log that somebody else recorded, after it was looked through."""
    with Log(path) as log:
        yield from log.samples(CHANNELS)


def _time(way: Callable[[], Iterable[object]]) -> float:
    """Return seconds of one processor."""
    started = time.thread_time()
    for _ in way():
        pass
    return time.thread_time() - started
