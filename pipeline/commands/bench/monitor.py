"""``rigbind bench monitor``: how old what the page shows is, what it costs, and what viewers cost the line."""

import multiprocessing
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from rich.progress import track

from pipeline.commands.bench.report import JsonOption, publish
from pipeline.commands.bench.sync import CHANNELS
from pipeline.commands.console import make_console
from pipeline.commands.paging import apart, page
from pipeline.config import Config
from pipeline.feed import FeedPublisher, FeedSubscriber
from pipeline.messages import NS, Array, Observation, Received, Sample
from pipeline.sync import Synchronizer

ROUNDS = 3
VIEWERS = (0, 1, 100)
DIM = 512

SHAPES = {"vision": (480, 640, 3), "thermal": (120, 160), "depth": (240, 320), "imu": (6,), "audio": (320,)}
"""Of one sample: camera, thermal core, depth camera, IMU, 20 ms of sound."""

WORK = np.random.default_rng(0).normal(size=(200, 200))
"""What the line's own thread does with each sample: about a millisecond."""

AIMS = {
    "capture_to_pixel_ms_p50": ("<=", 300.0),
    "page_cpu_share_of_a_core": ("<=", 0.15),
    "step_ratio_100_viewers": ("<=", 1.1),
}

COUNT_AGES = """() => {
    window.ages = [];
    for (const figure of document.querySelectorAll("figure[data-frame]"))
        figure.querySelector("img").addEventListener("load",
            () => requestAnimationFrame(() => figure.age && window.ages.push(figure.age())));
}"""
"""The age of a picture when the browser is about to paint it, since its capture: by this host's clock until the page's
process answers, and from then on by the browser's own."""


def monitor(
    seconds: Annotated[float, typer.Option(min=1, help="How long each round takes.")] = 8.0,
    port: Annotated[int, typer.Option(help="The port of the page.")] = 8097,
    json: JsonOption = None,
) -> None:
    """Feed a page as a rig of five senses does: with nobody, one browser, and a hundred readers, in turn.

    Half of these never read. Without chromium and playwright there is no browser, and the figures of one are missing.
    """
    rig = apart(Config(channels=list(CHANNELS)))
    steps: dict[int, list[float]] = {number: [] for number in VIEWERS}
    figures: dict[str, float] = {}
    with page(rig, port, make_console()) as feed:
        line = _Line(feed)
        line.run(seconds / 2)  # the page comes up meanwhile
        server = _served_by(os.getpid())
        for _ in track(range(ROUNDS), "viewers"):
            for number in VIEWERS:
                with _readers(rig.bus.feed, number):
                    steps[number].append(statistics.median(line.run(seconds / 2)))
        idle = _cpu_share(server, line, seconds)
        with _browser(f"http://127.0.0.1:{port}") as opened:
            if opened is not None:
                line.run(2.0)
                opened.evaluate(COUNT_AGES)
                busy = _cpu_share(server, line, seconds)
                ages = opened.evaluate("() => window.ages")
                figures["capture_to_pixel_ms_p50"] = float(np.percentile(ages, 50))
                figures["capture_to_pixel_ms_p99"] = float(np.percentile(ages, 99))
                figures["pictures_per_s"] = len(ages) / seconds
                figures["page_cpu_share_of_a_core"] = busy - idle
    median = {number: statistics.median(of) for number, of in steps.items()}
    figures["step_ms_p50"] = median[0]
    figures["step_ratio_1_viewer"] = median[1] / median[0]
    figures["step_ratio_100_viewers"] = median[100] / median[0]
    publish("bench monitor", figures, {name: aim for name, aim in AIMS.items() if name in figures}, json)


class _Line:
    """What a line does for its viewers, at the pace of its sensors."""

    def __init__(self, feed: FeedPublisher) -> None:
        self._feed = feed
        self._sync = Synchronizer(Config().window, CHANNELS)
        rng = np.random.default_rng(0)
        self._data = {channel.topic: _data(channel.modality, rng) for channel in CHANNELS}
        self._vector_D = rng.normal(size=DIM).astype(np.float32)
        self._seq = dict.fromkeys(self._data, 0)
        self._due = {channel.topic: (time.time_ns(), channel.period) for channel in CHANNELS}

    def run(self, seconds: float) -> list[float]:
        """Go on for ``seconds``; return what each step took, in ms."""
        took, end = [], time.time_ns() + round(seconds * NS)
        self._due = {topic: (time.time_ns(), period) for topic, (_, period) in self._due.items()}
        while (now := time.time_ns()) < end:
            topic, (due, period) = min(self._due.items(), key=lambda item: item[1])
            if due > now:
                time.sleep((due - now) / NS)
            self._due[topic] = due + period, period
            began = time.perf_counter()
            self._step(topic)
            took.append(1e3 * (time.perf_counter() - began))
        return took

    def _step(self, topic: str) -> None:
        now = time.time_ns()
        sample = Sample(topic=topic, stamp=now, frame_id="", seq=self._seq[topic], data=self._data[topic])
        self._seq[topic] += 1
        self._feed.sample(Received(sample=sample, received=now))
        for window in self._sync.push(sample):
            self._feed.show(Observation(window=window, embeddings={}, fused=self._vector_D, weights={}))
        WORK @ WORK


def _data(modality: str, rng: np.random.Generator) -> Array:
    shape = SHAPES[modality]
    match modality:
        case "imu":
            return rng.normal(size=shape)
        case "vision":
            return rng.integers(0, 255, shape, dtype=np.uint8)
        case "audio":
            return rng.integers(-9000, 9000, shape, dtype=np.int16)
    return rng.integers(2000, 3000, shape, dtype=np.uint16)


def _cpu_share(server: psutil.Process, line: _Line, seconds: float) -> float:
    """Return how much of a core the page's process takes while the line runs."""
    before, began = sum(server.cpu_times()[:2]), time.monotonic()
    line.run(seconds)
    return float(sum(server.cpu_times()[:2]) - before) / (time.monotonic() - began)


def _served_by(parent: int) -> psutil.Process:
    return next(child for child in psutil.Process(parent).children() if "monitor" in child.cmdline())


@contextmanager
def _readers(feed: str, number: int) -> Iterator[None]:
    """Have so many readers of the feed in a process of their own; every second one never reads."""
    if not number:
        yield
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_read, args=(feed, number, stop), daemon=True)
    process.start()
    try:
        time.sleep(2.0)  # it starts, and connects
        yield
    finally:
        stop.set()
        process.join()


def _read(feed: str, number: int, stop: Any) -> None:
    readers = [FeedSubscriber(feed) for _ in range(number)]
    while not stop.wait(0.05):
        for reader in readers[::2]:
            for _ in reader.hear(0.0):
                pass
    for reader in readers:
        reader.close()


@contextmanager
def _browser(address: str) -> Iterator[Any]:
    """Open the page in a browser, where there is one."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1280, "height": 800})
        opened.goto(address)
        opened.wait_for_selector("figure[data-frame]")
        yield opened
        browser.close()
