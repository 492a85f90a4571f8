"""The terminal shows every channel, its state and clock, what was lost, and the newest state of each event."""

import asyncio
import io
from pathlib import Path

import msgspec
from fakes import Counting
from makers import CAMERA, DEPTH, IMU, RIG, T0, received, stream, streams
from rich.console import Console
from senders import arrivals, kept

from operators.fusion import CrossAttention
from pipeline.config import Channel, Config
from pipeline.engine import Engine, Local
from pipeline.line import Line
from pipeline.logs.recorder import Recorder
from pipeline.messages import NS, Encoder, Event, Received
from pipeline.monitor.terminal import TerminalMonitor
from pipeline.run import paced, run


def drawn(channels: list[Channel], sensing: list[Channel], events: list[Event], terminal: bool) -> str:
    """What a whole run leaves on the screen."""
    encoders: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in channels}
    line = Line(Config(channels=channels), Engine(encoders, Local(encoders), 5.0), CrossAttention(), [], [])
    console = Console(file=io.StringIO(), width=140, force_terminal=terminal, color_system=None)
    monitor = TerminalMonitor(line, console)

    async def session() -> None:
        with monitor:
            async for observation in run(paced(received(streams(sensing, 0, 3)), line, None), line):
                monitor.show(observation)
            for event in events:
                monitor.write(event)
        await line.close()

    asyncio.run(session())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(picture: str) -> dict[str, list[str]]:
    return {row.split()[0]: row.split() for row in picture.splitlines() if row.startswith("/")}


def test_every_channel_has_a_row_with_its_counts() -> None:
    table = rows(drawn(RIG, RIG[:4], [], terminal=False))
    assert set(table) == {channel.topic for channel in RIG}
    assert table["/imu"][6:] == ["600", "0", "50%"]  # the last whole window ends at 2.5 of the 5 s that it looks back
    assert table["/microphone"][5:] == ["–", "0", "0", "0%"]


def test_losses_are_shown() -> None:
    line_channels = [IMU]
    late = [msgspec.structs.replace(item, seq=item.seq + 9000) for item in stream(IMU, 0, 0.05)]
    encoders: dict[str, Encoder] = {"imu": Counting()}
    line = Line(Config(channels=line_channels), Engine(encoders, Local(encoders), 5.0), CrossAttention(), [], [])
    console = Console(file=io.StringIO(), width=140)

    async def session() -> None:
        samples = received([*stream(IMU, 0, 3), *late])
        with TerminalMonitor(line, console) as monitor:
            async for observation in run(paced(samples, line, None), line):
                monitor.show(observation)
        await line.close()

    asyncio.run(session())
    assert isinstance(console.file, io.StringIO)
    assert rows(console.file.getvalue())["/imu"][6:8] == ["610", "10"]


def test_a_recording_that_failed_is_shown(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.mcap", Config(channels=[IMU]))
    recorder.error = "run.mcap: the recording ends here: No space left on device"
    assert f"; {recorder.error}" in shown(received(list(stream(IMU, 0, 3))), [IMU], recorder)


def shown(steps: list[Received], channels: list[Channel], recorder: Recorder | None = None) -> str:
    """What is on the screen after a run of ``steps``."""
    encoders: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in channels}
    engine = Engine(encoders, Local(encoders), 5.0)
    line = Line(Config(channels=channels), engine, CrossAttention(), [], [], recorder)
    console = Console(file=io.StringIO(), width=160)

    async def session() -> None:
        with TerminalMonitor(line, console) as monitor:
            async for observation in run(paced(steps, line, None), line):
                monitor.show(observation)
        await line.close()

    asyncio.run(session())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_stream_has_a_state() -> None:
    camera = [item for item in stream(CAMERA, 0, 6) if item.stamp < T0 + 3 * NS]
    table = rows(
        shown(received(sorted([*camera, *stream(IMU, 0, 6)], key=lambda item: item.stamp)), [CAMERA, IMU, DEPTH])
    )
    assert {topic: row[2] for topic, row in table.items()} == {"/camera": "DEAD", "/imu": "OK", "/depth": "INIT"}


def test_a_clock_that_is_off_is_told_beside_its_stream() -> None:
    steps = sorted([*arrivals(IMU, 6, kept(-0.25)), *arrivals(CAMERA, 6)], key=lambda one: one.received)
    picture = shown(steps, [IMU, CAMERA])
    told = {row.split()[0]: row for row in picture.splitlines() if row.startswith("/")}
    assert "offset: +25" in told["/imu"]
    assert "offset" not in told["/camera"]


def test_what_the_recording_lacks_is_shown(tmp_path: Path) -> None:
    config = Config(channels=[IMU])
    recorder = Recorder(tmp_path / "run.mcap", config, queue_mb=0.002)
    picture = shown(received(list(stream(IMU, 0, 3))), [IMU], recorder)
    assert recorder.dropped["/imu"]
    assert f"not recorded: /imu {recorder.dropped['/imu']}" in picture
    assert "not recorded" not in shown(
        received(list(stream(IMU, 0, 3))), [IMU], Recorder(tmp_path / "all.mcap", config)
    )


def test_an_event_is_shown_once_in_its_newest_state() -> None:
    opened = Event(id="a@1", phase="opened", start=0, end=10**9, label="novelty", score=3.0, source="a")
    closed = msgspec.structs.replace(opened, phase="closed", end=4 * 10**9)
    picture = drawn([IMU], [IMU], [opened, closed], terminal=False)
    assert "closed   novelty, 4.0 s, score 3.00" in picture
    assert "opened" not in picture


def test_a_terminal_is_redrawn_in_place() -> None:
    assert "windows 6, skipped 0, events 0" in drawn(RIG, RIG, [], terminal=True)
