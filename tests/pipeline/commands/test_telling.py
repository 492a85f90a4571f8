"""At its end a run tells what it found of clocks and lags, and nothing of what is as it should be."""

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import Counting
from makers import CAMERA, IMU, T0, received
from msgspec.structs import replace
from rich.console import Console
from senders import arrivals, kept
from shaken import Motion, shifted

from operators.alignment import Alignment
from operators.fusion import CrossAttention
from pipeline.bus import UNKNOWN
from pipeline.commands.telling import clocks, offsets, tell
from pipeline.config import Channel, Config
from pipeline.engine import Engine, Local
from pipeline.exchange import Exchange
from pipeline.line import Line, Step
from pipeline.logs.recorder import Recorder
from pipeline.messages import NS, Encoder, Operator
from pipeline.run import paced, run

BEHIND = 100_000_000


def ran(
    steps: Sequence[Step],
    channels: list[Channel],
    operators: Sequence[Operator] = (),
    recorder: Recorder | None = None,
) -> Line:
    """A line through which ``steps`` have gone."""
    encoders: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in channels}
    engine = Engine(encoders, Local(encoders), 5.0)
    line = Line(Config(channels=channels), engine, CrossAttention(), operators, [], recorder)

    async def session() -> None:
        async for _ in run(paced(sorted(steps, key=lambda step: step.received), line, None), line):  # type: ignore[union-attr]
            pass
        await line.close()

    asyncio.run(session())
    return line


def told(line: Line) -> list[str]:
    console = Console(file=io.StringIO(), width=40)
    tell(console, line)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_clocks_that_are_right_are_not_spoken_of() -> None:
    line = ran([*arrivals(IMU, 4), *arrivals(CAMERA, 4)], [IMU, CAMERA])
    assert list(clocks(line)) == []
    assert [sentence.split()[:2] for sentence in told(line)] == [
        [name, "sha256"] for name in ("windows", "embeddings", "events")
    ]


@pytest.mark.parametrize(("off_s", "sign"), [(-0.4, "+"), (0.4, "-")])
def test_a_clock_that_is_off_is_told_with_what_was_added(off_s: float, sign: str) -> None:
    line = ran([*arrivals(IMU, 4, kept(off_s)), *arrivals(CAMERA, 4)], [IMU, CAMERA])
    (sentence,) = clocks(line)
    report = line.clock.report("/imu")
    assert abs(report.offset_ns / 1e9 + off_s) < 0.002
    assert sentence.startswith(f"/imu: clock by one-way: stamps {sign}{abs(report.offset_ns) / 1e6:.1f} ms ± 200")
    assert sentence.endswith(f"skew +0 ppm; {report.faults[0]}")
    assert told(line)[0] == sentence  # in one line, however narrow the console


def test_what_an_exchange_told_is_told() -> None:
    answers = [
        Exchange(session="s", t1=asked, t2=asked - BEHIND + 150_000, t3=asked - BEHIND + 250_000, t4=asked + 400_000)
        for asked in range(T0 + NS // 2, T0 + 4 * NS, NS)
    ]
    line = ran([*arrivals(IMU, 4, kept(-BEHIND / NS)), *answers], [IMU])
    (sentence,) = clocks(line)
    assert sentence.startswith("/imu: clock by exchange: stamps +100.0 ms ± 0.")
    assert sentence.endswith("; offset: +100.0 ms")


def test_streams_without_stamps_are_told() -> None:
    unstamped = [replace(one, sample=replace(one.sample, stamp=0)) for one in arrivals(IMU, 4)]
    (sentence,) = clocks(ran(unstamped, [IMU]))
    assert sentence.startswith("/imu: clock by receipt: stamps +0.0 ms")
    assert sentence.endswith("; no stamps")


def test_what_contents_tell_of_time_is_told_where_they_are_compared() -> None:
    motion = Motion(66.0)
    steps = received([*motion.stream(IMU), *shifted(motion.stream(CAMERA), 0.12)])
    line = ran(steps, [IMU, CAMERA], [Alignment(span_s=60.0)])
    (sentence,) = offsets(line)
    assert sentence.startswith("/camera is 1")
    assert sentence.partition(" ms behind /imu ± ")[1]
    assert sentence in told(line)
    assert list(offsets(ran(steps[:100], [IMU, CAMERA]))) == []


def test_what_became_of_the_recording_is_told(tmp_path: Path) -> None:
    steps, config = arrivals(IMU, 2), Config(channels=[IMU])
    whole = ran(steps, [IMU], recorder=Recorder(tmp_path / "whole.mcap", config))
    assert told(whole)[-1] == f"recorded into {tmp_path}/whole.mcap"
    recorder = Recorder(tmp_path / "part.mcap", config, queue_mb=0.002)
    part = ran(steps, [IMU], recorder=recorder)
    assert told(part)[-1].startswith(f"recorded into {tmp_path}/part.mcap; left out: /imu {recorder.dropped['/imu']}")
    recorder.error = "part.mcap: the recording ends here: No space left on device"
    assert told(part)[-1] == recorder.error


def test_strangers_are_told() -> None:
    line = ran(arrivals(IMU, 2), [IMU])
    line.ledger.count(UNKNOWN, "received", 3)
    line.ledger.count(UNKNOWN, "rejected", 3, detail="answer late")
    assert told(line)[0] == "(unknown): 3 rejected answer late"
