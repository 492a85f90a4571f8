"""Faults of time and of the network, one test each: a broken stream costs itself, and nothing else its windows."""

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from statistics import median
from typing import Any

import pytest
from fakes import Counting
from makers import CAMERA, IMU, RIG, stream, streams

from operators.fusion import CrossAttention
from pipeline.bus import Publisher, Subscriber
from pipeline.config import Bus, Channel, Config, Windowing
from pipeline.engine import Engine, Local
from pipeline.ledger import Ledger
from pipeline.line import Line, Step
from pipeline.messages import NS, Encoder, Event, Received, Sample, Window
from pipeline.run import paced, run, windows
from pipeline.sync import Synchronizer

OTHERS = [channel for channel in RIG if channel is not CAMERA]


def line_of(channels: list[Channel]) -> Line:
    encoders: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in channels}
    return Line(Config(channels=channels), Engine(encoders, Local(encoders), 5.0), CrossAttention(), [], [])


def windows_of(samples: Sequence[Received], channels: list[Channel] = RIG) -> list[Window]:
    async def all_of() -> list[Window]:
        line = line_of(channels)
        return [window async for window in windows(paced(samples, line, None), line)]

    return asyncio.run(all_of())


def fingerprint(windows: list[Window], channels: Sequence[Channel]) -> str:
    """SHA-256 of what the windows hold of ``channels``, if anything."""
    digest = sha256()
    for window in windows:
        for channel in channels:
            if clip := window.clips.get(channel.topic):
                digest.update(f"{window.start} {window.end}".encode())
                digest.update(f"{clip.topic} {clip.start} {clip.end} {clip.coverage}".encode())
                for item in clip.samples:
                    digest.update(f"{item.stamp} {item.seq}".encode() + item.data.tobytes())
    return digest.hexdigest()


def test_a_hundred_arrival_orders_give_one_hash() -> None:
    """T7: any order within the lateness, 50 ms here, gives the same windows."""
    samples = streams(RIG, 0, 4)
    hashes = set()
    for seed in range(100):
        rng = random.Random(seed)
        arrival = sorted(samples, key=lambda item: item.stamp + rng.randrange(45_000_000))
        synchronizer = Synchronizer(Windowing(), RIG)
        closed = [window for item in arrival for window in synchronizer.push(item)] + synchronizer.finish()
        hashes.add(fingerprint(closed, RIG))
    assert len(hashes) == 1
    assert len(fingerprint([], RIG)) == 64
    assert fingerprint(closed[1:], RIG) not in hashes


@pytest.mark.slow
@pytest.mark.fault
def test_after_a_stall_of_the_line_latency_is_back_within_two_windows() -> None:
    """T9: the line's own loop stands still for two seconds while samples go on coming."""
    channels = [CAMERA, IMU]
    line = line_of(channels)
    latency: list[tuple[float, float]] = []
    stalled = threading.Event()

    async def session(subscriber: Subscriber) -> None:
        async def stalling() -> AsyncIterator[Sequence[Step]]:
            async for batch in subscriber.arrivals():
                if not stalled.is_set() and len(latency) >= 8:
                    stalled.set()
                    time.sleep(2)
                    latency.append((time.monotonic(), -1))
                yield batch

        loop = asyncio.get_running_loop()
        loop.call_later(11, subscriber.stop)
        async for observation in run(stalling(), line, time.time_ns):
            latency.append((time.monotonic(), (time.time_ns() - observation.window.end) / 1e9))

    with closing(Subscriber(Bus(address="tcp://127.0.0.1:*"), channels, line.ledger)) as subscriber:
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(subscriber.address, channels, stop))
        sender.start()
        asyncio.run(session(subscriber))
        stop.set()
        sender.join()
    at = next(place for place, (_, seconds) in enumerate(latency) if seconds == -1)
    before = median(seconds for _, seconds in latency[:at])
    resumed = latency[at][0]
    fresh = [seconds for moment, seconds in latency[at + 1 :] if moment - resumed > 2 * 0.5]
    assert len(fresh) >= 6
    assert max(fresh) < before + 0.2
    assert line.ledger.in_flight("/imu") < 500


def _send(address: str, channels: Sequence[Channel], stop: Any) -> None:
    """Publish steady streams in real time until told to stop."""
    with closing(Publisher(address)) as publisher:
        assert publisher.wait(5)
        start = time.time_ns()
        plan: list[Sample] = sorted(
            (item for channel in channels for item in stream(channel, 0, 20)), key=lambda item: item.stamp
        )
        first = plan[0].stamp
        for item in plan:
            due = start + item.stamp - first
            if stop.wait(max(0.0, (due - time.time_ns()) / NS)):
                return
            publisher.publish(_at(item, due))


def _at(item: Sample, stamp: int) -> Sample:
    return Sample(topic=item.topic, stamp=stamp, frame_id="", seq=item.seq, data=item.data)


@pytest.mark.slow
@pytest.mark.fault
def test_the_burst_of_a_sensor_that_was_stopped_ages_nothing() -> None:
    """Z2: the camera's process is stopped for three seconds and goes on with a burst of old frames."""
    line = line_of([CAMERA, IMU])
    ages: list[tuple[float, float]] = []
    went: list[float] = []
    events: list[Event] = []

    class Keeping:
        def write(self, event: Event) -> None:
            events.append(event)

        def close(self) -> None:
            """Nothing is held."""

    line.tell(Keeping())

    async def session(subscriber: Subscriber, sensor: BaseProcess) -> None:
        async def stop_and_go() -> None:
            while line.ledger.total(CAMERA.topic, "used") < 20:
                await asyncio.sleep(0.1)
            os.kill(sensor.pid or 0, signal.SIGSTOP)
            await asyncio.sleep(3)
            os.kill(sensor.pid or 0, signal.SIGCONT)
            went.append(time.monotonic())
            await asyncio.sleep(4)
            subscriber.stop()

        going = asyncio.create_task(stop_and_go())
        async for observation in run(subscriber.arrivals(), line, time.time_ns):
            ages.append((time.monotonic(), (time.time_ns() - observation.window.end) / 1e9))
        await going

    with closing(Subscriber(Bus(address="tcp://127.0.0.1:*"), [CAMERA, IMU], line.ledger)) as subscriber:
        context = get_context("spawn")
        never = context.Event()
        processes = [
            context.Process(target=_send, args=(subscriber.address, [channel], never), daemon=True)
            for channel in (CAMERA, IMU)
        ]
        for process in processes:
            process.start()
        asyncio.run(session(subscriber, processes[0]))
        for process in processes:
            process.kill()
            process.join()
    assert max(age for moment, age in ages if moment > went[0] + 1) < 0.6
    row = line.ledger.row("/camera")
    assert row["late"] > 10
    assert row["gap"] == 0
    assert [event.label for event in events if event.source == "streams"][-1] == "/camera recovered"


@pytest.mark.slow
@pytest.mark.fault
def test_a_consumer_three_times_too_slow_sees_what_is_fresh() -> None:
    """Z4: 30 frames a second, looked at ten times a second: nothing waits, and nothing is lost in silence."""
    channel = Channel("/camera", "vision", 30.0)
    ledger = Ledger()
    ages: list[float] = []
    with closing(Subscriber(Bus(address="tcp://127.0.0.1:*"), [channel], ledger)) as subscriber:
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(subscriber.address, [channel], stop))
        sender.start()
        while len(ages) < 60:
            time.sleep(0.1)
            taken = subscriber.take()
            if taken:
                ages.append((time.time_ns() - taken[-1].sample.stamp) / NS)
        stop.set()
        sender.join()
        time.sleep(0.2)
        taken = subscriber.take()
        row = ledger.row("/camera")
    assert sorted(ages)[-2] < 0.15
    assert row["gap"] == row["superseded"] == 0
    assert row["received"] > 150
