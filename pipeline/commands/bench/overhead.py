"""``rigbind bench overhead``: what the two engines add to a direct call of the same encoders."""

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Annotated

import msgspec
import numpy as np
import psutil
import typer
from rich.progress import track

from pipeline.commands.assembly import build_engine
from pipeline.commands.bench.report import JsonOption, publish
from pipeline.commands.bench.sync import CHANNELS
from pipeline.config import Config
from pipeline.engine import Engine, blank_window
from pipeline.messages import Window

AIMS = {
    "local_over_direct_ms_p50": ("<=", 3.0),
    "serve_over_direct_ms_p50": ("<=", 15.0),
    "serve_over_direct_ms_p99": ("<=", 60.0),
}


def overhead(
    windows: Annotated[int, typer.Option(min=1, help="Windows of five modalities that go each way.")] = 100,
    json: JsonOption = None,
) -> None:
    """Encode the same window directly, by the local engine and by Ray Serve, in turn."""
    asyncio.run(_overhead(windows, json))


async def _overhead(windows: int, json: Path | None) -> None:
    config = Config(channels=CHANNELS)
    local = build_engine(msgspec.structs.replace(config, model=msgspec.structs.replace(config.model, engine="local")))
    served = build_engine(config)
    window = blank_window(CHANNELS)
    try:
        await local.start(CHANNELS)
        await served.start(CHANNELS)
        times = np.array([await _three_ways(window, local, served) for _ in track(range(windows), "windows")])
        cpu_s = await _cpu_s_per_window(window, served, windows)
    finally:
        await local.close()
        await served.close()
    direct, by_local, by_serve = times.T * 1e3
    figures = {
        "direct_ms_p50": float(np.median(direct)),
        "local_over_direct_ms_p50": float(np.median(by_local - direct)),
        "serve_over_direct_ms_p50": float(np.median(by_serve - direct)),
        "serve_over_direct_ms_p99": float(np.percentile(by_serve - direct, 99)),
        "cpu_s_per_window": cpu_s,
    }
    publish("bench overhead", figures, AIMS, json, model=str(config.model.preset))


async def _three_ways(window: Window, local: Engine, served: Engine) -> tuple[float, float, float]:
    """Return seconds for one window: direct calls one after the other, the local engine, Ray Serve."""
    started = perf_counter()
    for clip in window.clips.values():
        encoder = local.encoders[clip.modality]
        encoder.embed(np.stack([encoder.prepare(clip)]))
    direct = perf_counter() - started
    return direct, await _time(local, window), await _time(served, window)


async def _time(engine: Engine, window: Window) -> float:
    started = perf_counter()
    answered = await engine.encode(window)
    elapsed = perf_counter() - started
    if len(answered) != len(window.clips):
        raise RuntimeError(f"{len(answered)} of {len(window.clips)} encoders answered: {engine.last_error}")
    return elapsed


async def _cpu_s_per_window(window: Window, engine: Engine, windows: int) -> float:
    """Return processor seconds per window over this process and all that Ray runs, windows back to back."""
    before = _cpu_s()
    for _ in range(windows):
        await engine.encode(window)
    return (_cpu_s() - before) / windows


def _cpu_s() -> float:
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True)) if process.is_running()]
    return sum(t.user + t.system for t in times)
