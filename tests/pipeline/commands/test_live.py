"""The line with real sensor processes: what dies costs only itself, and the end leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from pipeline.bus import Subscriber
from pipeline.commands.assembly import assemble, load_checked
from pipeline.commands.sense import sensing
from pipeline.line import Line
from pipeline.messages import NS, Observation
from pipeline.run import run

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[3]
LOOPBACK = {"127.0.0.1", "::1"}
T = TypeVar("T")
OTHERS = {"/thermal/front", "/depth/front", "/imu", "/microphone"}


def rig_file(folder: Path, engine: str) -> Path:
    """The demo's rig, on addresses of its own."""
    text = (ROOT / "configs" / "demo.toml").read_text()
    places = "".join(f'{name} = "ipc://{folder}/{name}"\n' for name in ("address", "events", "control"))
    head = f'[bus]\n{places}[model]\nengine = "{engine}"\n'
    path = folder / "rig.toml"
    path.write_text(head + text.replace("out/events.jsonl", f"{folder}/events.jsonl"))
    return path


def test_killing_the_camera_leaves_the_others_on_time(tmp_path: Path) -> None:
    rig = rig_file(tmp_path, "local")
    config = load_checked(rig)
    killed_s, end_s = 8, 18
    seen: list[tuple[float, float, Observation]] = []  # window's end since the start, its latency, and itself

    async def session() -> Line:
        line = assemble(config)
        subscriber = Subscriber(config.bus, config.channels, line.ledger)
        await line.engine.start(config.channels)
        with sensing(rig, config) as sensors:
            start = sensors.start()
            async for one in run(subscriber.arrivals(), line, time.time_ns):
                at_s = (one.window.end - start) / NS
                seen.append((at_s, (time.time_ns() - one.window.end) / NS, one))
                if at_s >= killed_s and sensors.processes["/camera/front"].poll() is None:
                    sensors.processes["/camera/front"].kill()
                if at_s >= end_s:
                    subscriber.stop()
        subscriber.close()
        await line.close()
        return line

    line = asyncio.run(session())
    steady = [(at, latency, one) for at, latency, one in seen if 3 <= at < end_s]
    ends = [one.window.end for *_, one in steady]
    assert {after - before for before, after in pairwise(ends)} == {round(config.window.stride_s * NS)}
    for at, latency, one in steady:
        assert set(one.embeddings) >= OTHERS, f"at {at} s: {one.window.coverage}"
        assert latency < config.window.deadline_s + 0.5
    assert "/camera/front" in steady[0][2].embeddings
    assert {one.window.closed_by for at, _, one in steady if killed_s + 0.5 <= at < killed_s + 1.5} == {"deadline"}
    assert "/camera/front" in steady[-1][2].window.absent
    assert "watermark" in {one.window.closed_by for at, _, one in steady if at > killed_s + 4}  # nobody waits for it
    assert all(line.ledger.lost(topic) == 0 for topic in OTHERS)
    before = sorted(latency for at, latency, _ in steady if at < killed_s)
    after = sorted(latency for at, latency, _ in steady if at > killed_s + 4)
    print(f"median latency before {before[len(before) // 2]:.3f} s, after {after[len(after) // 2]:.3f} s")


@pytest.mark.parametrize("stage", [{"gcs_server": 1}, {"ServeReplica": 5, "sense": 5}], ids=["starting", "running"])
def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, stage: dict[str, int]) -> None:
    mark = f"RIGBIND_TEST_{os.getpid()}_{len(stage)}"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it, and so would the run
    running = subprocess.Popen(
        [sys.executable, "-m", "pipeline.commands", "run", rig_file(tmp_path, "serve")],
        cwd=ROOT,
        env={**os.environ, mark: "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: all(sum(name in one for one in commands(mark)) >= number for name, number in stage.items()), 60)
    assert running.poll() is None
    if "sense" in stage:
        assert running.stdout is not None
        next(line for line in running.stdout if line.startswith("windows"))
        assert open_to_others(mark) == set()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) in ((0, ""), (130, ""))
    until(lambda: not commands(mark), 15)


def until(condition: Callable[[], bool], timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.3)


def commands(mark: str) -> list[str]:
    """What the processes are called that inherited ``mark``."""
    return [command for one in marked(mark) if (command := " ".join(said(one.cmdline) or [])[:100])]


def open_to_others(mark: str) -> set[str]:
    """The addresses off loopback on which those processes listen."""
    found = set()
    for one in marked(mark):
        for socket in said(one.net_connections) or []:
            if socket.status == psutil.CONN_LISTEN and socket.laddr.ip.removeprefix("::ffff:") not in LOOPBACK:
                found.add(f"{one.name()} {socket.laddr}")
    return found


def marked(mark: str) -> list[psutil.Process]:
    """The processes that inherited ``mark``."""
    return [one for one in psutil.process_iter() if mark in (said(one.environ) or {})]


def said(ask: Callable[[], T]) -> T | None:
    """What a process says, unless it is gone or another's."""
    try:
        return ask()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def test_the_demo_ends_by_itself_with_found_against_truth(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pipeline.commands",
            "demo",
            "--seconds",
            "30",
            "--no-monitor",
            "--config",
            rig_file(tmp_path, "serve"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "found against truth" in done.stdout
    assert "lost: nothing; windows skipped: 0" in done.stdout, done.stdout
    assert "found 0 of 0" not in done.stdout
    for topic in OTHERS | {"/camera/front"}:
        assert topic in done.stdout
    assert (tmp_path / "events.jsonl").read_text().count('"phase":"opened"') >= 1
