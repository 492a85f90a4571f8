"""What an earlier release recorded replays as it ran: ``tests/data`` keeps a small log of each."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace
from rosbags.highlevel import AnyReader

from pipeline.commands.assembly import assemble
from pipeline.commands.playing import as_recorded
from pipeline.config import Config, Part
from pipeline.line import Line
from pipeline.logs.recorded import Recorded
from pipeline.messages import Received
from pipeline.run import paced, run

LOGS = sorted((Path(__file__).resolve().parents[2] / "data").glob("*/*.mcap"))
SAMPLES = {"0.1.0": {"/camera": 9, "/depth": 6, "/imu": 151, "/microphone": 60, "/thermal": 6}}
"""What the log of each release was made to hold."""


def of_no_cost(rig: Config) -> Config:
    """Return ``rig`` with encoders whose answers do not depend on the processor, and nobody who looks at them."""
    names = {channel.modality for channel in rig.channels}
    parts = {name: Part("fakes:Counting", {"modality": name, "dim": 512}) for name in names}
    return replace(rig, model=replace(rig.model, encoders=parts), operators=[])


async def replayed(recorded: Recorded) -> Line:
    rows = {row.end: row for row in recorded.closings()}
    line = assemble(of_no_cost(as_recorded(recorded)), recorded=rows)
    async for _ in run(paced(recorded.steps(), line, None), line):
        pass
    await line.close()
    return line


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name)
def test_a_log_of_an_earlier_release_replays_with_its_windows(path: Path) -> None:
    recorded = Recorded(path)
    assert recorded.complete
    assert recorded.version == path.parent.name
    counts = Counter(one.sample.topic for one in recorded.steps() if isinstance(one, Received))
    assert counts == SAMPLES[path.parent.name]
    line = asyncio.run(replayed(recorded))
    assert line.windows == len(list(recorded.closings())) > 4
    assert line.digest.hex()["windows"] == recorded.digests["windows"]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name)
def test_others_read_it(path: Path) -> None:
    with AnyReader([path]) as bag:
        read = Counter(connection.topic for connection, _, _ in bag.messages())
    held = SAMPLES[path.parent.name]
    assert {topic: read[topic] for topic in held} == held
    viewer = pytest.importorskip("rerun.chunk", reason="rerun-sdk, which reads MCAP, is not installed")
    info = viewer.McapReader(path).info()
    assert {one.topic: one.message_count for one in info.channels} == read
    entities = {chunk.entity_path for chunk in viewer.McapReader(path).stream()}
    assert entities >= set(held)


def test_there_is_a_log() -> None:
    assert {path.parent.name for path in LOGS} == set(SAMPLES)
    assert all(path.stat().st_size <= 300_000 for path in LOGS)
