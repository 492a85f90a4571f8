"""Encoders behind a real Ray: equal answers, bounded harm, nothing left behind."""

import asyncio
import signal
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import psutil
import pytest
from makers import RIG, streams

from operators.encoders.presets import preset
from pipeline.config import Model, Part, Windowing
from pipeline.engine import Engine, Local, build_encoders
from pipeline.messages import Window
from pipeline.serve import Serve
from pipeline.sync import Synchronizer

pytestmark = pytest.mark.slow

TINY = {modality: Part(**part) for modality, part in preset("tiny").items() if modality != "text"}
DEADLINE_S = 2.0


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def served(runner: asyncio.Runner) -> Iterator[Engine]:
    parts = TINY | {"depth": Part("fakes:Wedged", {"modality": "depth", "dim": 256})}
    encoders = build_encoders(Model(), parts, parts)
    engine = Engine(encoders, Serve(Model(), parts), DEADLINE_S)
    runner.run(engine.start(RIG))
    yield engine
    runner.run(engine.close())
    assert ray_processes() == []


@pytest.fixture(scope="module")
def windows() -> list[Window]:
    synchronizer = Synchronizer(Windowing(), RIG)
    rng = np.random.default_rng(0)
    windows = []
    for item in streams(RIG, 0, 6):
        noise = rng.integers(0, 90, item.data.shape).astype(item.data.dtype)
        windows += synchronizer.push(msgspec.structs.replace(item, data=item.data + noise))
    return windows


def ray_processes() -> list[psutil.Process]:
    """Ray's processes that this one started, waiting some seconds for them to go."""
    deadline = time.monotonic() + 10
    while True:
        left = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE and "ray" in " ".join(child.cmdline())
        ]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def replica(modality: str) -> psutil.Process:
    """The process that embeds ``modality``."""
    (found,) = [
        child
        for child in psutil.Process().children(recursive=True)
        if f"ServeReplica:{modality}" in " ".join(child.cmdline())
    ]
    return found


def only(window: Window, topic: str) -> Window:
    return msgspec.structs.replace(window, clips={topic: window.clips[topic]})


def test_both_engines_give_equal_vectors(runner: asyncio.Runner, served: Engine, windows: list[Window]) -> None:
    encoders = build_encoders(Model(), TINY, TINY)
    local = Engine(encoders, Local(encoders), DEADLINE_S)
    for window in windows[4:10:2]:
        here = {e.topic: e.vector for e in runner.run(local.encode(window))}
        there = {e.topic: e.vector for e in runner.run(served.encode(window))}
        for topic in ("/camera", "/thermal", "/imu", "/microphone"):
            np.testing.assert_array_equal(here[topic], there[topic])
    runner.run(local.close())


def test_a_wedged_encoder_is_absent_and_the_others_are_not(
    runner: asyncio.Runner, served: Engine, windows: list[Window]
) -> None:
    served.faults.clear()
    for window in windows[-3:]:
        started = time.monotonic()
        answered = {embedding.topic for embedding in runner.run(served.encode(window))}
        assert answered == {"/camera", "/thermal", "/imu", "/microphone"}
        assert time.monotonic() - started < DEADLINE_S + 1
    assert served.faults["depth", "deadline"] + served.faults["depth", "busy"] == 3


@pytest.mark.fault
def test_a_killed_replica_costs_its_modality_for_seconds(
    runner: asyncio.Runner, served: Engine, windows: list[Window]
) -> None:
    thermal = only(windows[-1], "/thermal")
    replica("thermal").send_signal(signal.SIGKILL)
    killed = time.monotonic()
    while not runner.run(served.encode(thermal)):
        assert time.monotonic() - killed < 30
    print(f"thermal back after {time.monotonic() - killed:.1f} s")
    assert {e.topic for e in runner.run(served.encode(windows[-1]))} == {"/camera", "/imu", "/microphone", "/thermal"}
    while served.backend.replicas().get("thermal") != "1 running":
        assert time.monotonic() - killed < 60
        time.sleep(0.2)
