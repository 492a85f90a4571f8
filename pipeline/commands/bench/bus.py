"""``rigbind bench bus``: how old frames are for a slow consumer, how many messages a second pass, what CURVE costs."""

import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer
from rich.progress import track

from pipeline.bus import Publisher, Subscriber
from pipeline.commands.bench.report import JsonOption, publish
from pipeline.config import Bus, Channel, Security
from pipeline.ledger import Ledger
from pipeline.messages import Sample
from pipeline.security import make_keys

FRAME_HZ, CONSUMER_HZ = 30, 10
ROUNDS = 3
ADDRESS = "tcp://127.0.0.1:*"
QUEUE_S = 2.0
READING, PICTURE = (6,), (120, 160, 3)


def bus(
    seconds: Annotated[float, typer.Option(min=1, help="How long the slow consumer watches the camera.")] = 20.0,
    messages: Annotated[int, typer.Option(min=1, help="Messages of each round of the throughput test.")] = 20_000,
    json: JsonOption = None,
) -> None:
    """Watch a 30 Hz 640×480 source with a 10 Hz consumer, then time messages; CURVE and clear in turn."""
    ages, lost, growth = _slow_consumer(seconds)
    small, clear, curve = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        make_keys(Path(folder), "sensor")
        for _ in track(range(ROUNDS), "throughput"):
            small.append(_throughput(messages, READING, Security()))
            clear.append(_throughput(messages // 10, PICTURE, Security()))
            curve.append(_throughput(messages // 10, PICTURE, Security(keys=folder)))
    figures = {
        "age_ms_p99": float(np.percentile(ages, 99)),
        "age_ms_p50": float(np.percentile(ages, 50)),
        "lost": float(lost),
        "rss_growth_mb": growth,
        "messages_per_s": statistics.median(small),
        "curve_share_of_clear": statistics.median(curve) / statistics.median(clear),
    }
    publish("bench bus", figures, {"age_ms_p99": ("<=", 60.0), "lost": ("==", 0.0)}, json)


def _slow_consumer(seconds: float) -> tuple[list[float], int, float]:
    """Return the ages in ms of what a 10 Hz consumer takes, samples lost on the way, and RSS growth in MB."""
    ledger = Ledger()
    channel = Channel("/camera", "vision", FRAME_HZ)
    subscriber = Subscriber(Bus(address=ADDRESS), [channel], ledger, depth=1)
    source = _start(_camera, subscriber.address, seconds)
    while not subscriber.take():
        time.sleep(0.01)
    memory, before = psutil.Process(), 0
    ages = []
    for number in track(range(round(seconds * CONSUMER_HZ) - CONSUMER_HZ), "slow consumer"):
        time.sleep(1 / CONSUMER_HZ)
        ages += [(time.time_ns() - received.sent) / 1e6 for received in subscriber.take()]
        if number == CONSUMER_HZ:  # buffers are as large as they get
            before = memory.memory_info().rss
    growth = (memory.memory_info().rss - before) / 1e6
    source.join()
    subscriber.close()
    return ages, ledger.total(channel.topic, "gap") + ledger.total(channel.topic, "rejected"), growth


def _throughput(messages: int, shape: tuple[int, ...], security: Security) -> float:
    """Return how many messages of ``shape``, one byte an element, go through in a second."""
    channel = Channel("/stream", "vision", messages / QUEUE_S)
    ledger = Ledger()
    subscriber = Subscriber(Bus(address=ADDRESS, queue_s=QUEUE_S), [channel], ledger, security)
    source = _start(_flood, subscriber.address, messages, shape, security)
    while not ledger.total(channel.topic, "received"):
        time.sleep(0.001)
    started, taken = time.perf_counter(), 0
    while taken < messages and source.is_alive():
        taken += len(subscriber.take())
        time.sleep(0.005)
    elapsed = time.perf_counter() - started
    source.join()
    subscriber.close()
    return taken / elapsed


def _camera(address: str, seconds: float) -> None:
    publisher = Publisher(address)
    publisher.wait(5)
    frame = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    started = time.monotonic()
    for seq in range(round(seconds * FRAME_HZ)):
        time.sleep(max(0.0, started + seq / FRAME_HZ - time.monotonic()))
        publisher.publish(Sample(topic="/camera", stamp=time.time_ns(), frame_id="", seq=seq, data=frame))
    publisher.close()


def _flood(address: str, messages: int, shape: tuple[int, ...], security: Security) -> None:
    publisher = Publisher(address, security)
    publisher.wait(5)
    data = np.zeros(shape, np.uint8)
    for seq in range(messages):
        sample = Sample(topic="/stream", stamp=time.time_ns(), frame_id="", seq=seq, data=data)
        while not publisher.publish(sample):
            time.sleep(0.0001)
    time.sleep(1)  # the reader looks whether we are still alive
    publisher.close()


def _start(target: object, *arguments: object) -> multiprocessing.process.BaseProcess:
    """Run ``target`` in a process of its own; spawned, since ZeroMQ does not survive a fork."""
    assert callable(target)
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process
