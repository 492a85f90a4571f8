"""Live equals replay: what a run decided by the clock on the wall, its recording repeats."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from fakes import Counting, Marking
from makers import RIG, T0, streams

from operators.fusion import CrossAttention
from pipeline.config import Config, Model
from pipeline.engine import Engine, Local
from pipeline.line import Line
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import Recorder
from pipeline.logs.rows import Tick, WindowRow
from pipeline.messages import NS, Array, Encoder, Received
from pipeline.run import paced, run

CONFIG = Config(channels=RIG, model=Model(max_in_flight=2))


class Moody(Counting):
    """Answers at once, mostly; at times it takes so long that windows are skipped, or its deadline passes."""

    def embed(self, batch: Array) -> Array:
        """As Counting."""
        if int(batch[0, 0]) % 5 == 0:
            time.sleep(0.3)
        return super().embed(batch)


def late_and_lossy(seed: int, silent_s: float = 4.0) -> list[list[Received]]:
    """Batches of one poll each, 20 ms apart: samples with delays up to half a second, a tenth lost, then silence."""
    rng = random.Random(seed)
    samples = [*streams(RIG, 0, 6), *streams(RIG, 6 + silent_s, 10 + silent_s)]
    arrivals = []
    for item in samples:
        if rng.random() > 0.1:
            delay = rng.randrange(NS // 2) if rng.random() < 0.1 else rng.randrange(20_000_000)
            arrivals.append(Received(sample=item, received=item.stamp + delay, session="s"))
    arrivals.sort(key=lambda arrival: arrival.received)
    batches: dict[int, list[Received]] = {n: [] for n in range(round((11 + silent_s) * 50))}
    for arrival in arrivals:
        batches[(arrival.received - T0) * 50 // NS + 1].append(arrival)
    return list(batches.values())


def line_of(recorder: Recorder | None = None, recorded: Mapping[int, WindowRow] | None = None) -> Line:
    encoders: dict[str, Encoder] = {channel.modality: Moody(channel.modality) for channel in RIG}
    engine = Engine(encoders, Local(encoders), 0.2 if recorded is None else 60.0)
    return Line(CONFIG, engine, CrossAttention(), [Marking()], [], recorder, recorded)


def ran(path: Path, seed: int) -> Line:
    """Run live, by a clock of the test's own, and record it."""
    clock = [T0]

    async def source() -> AsyncIterator[list[Received]]:
        for number, batch in enumerate(late_and_lossy(seed)):
            clock[0] = T0 + number * NS // 50
            yield batch
            await asyncio.sleep(0.002)

    async def live() -> None:
        async for _ in run(source(), line, lambda: clock[0]):
            pass
        await line.close()

    line = line_of(Recorder(path, CONFIG))
    asyncio.run(live())
    return line


def repeated(path: Path) -> Line:
    recorded = Recorded(path)
    line = line_of(recorded={row.end: row for row in recorded.closings()})

    async def replay() -> None:
        async for _ in run(paced(recorded.steps(), line, None), line):
            pass
        await line.close()

    asyncio.run(replay())
    return line


@pytest.mark.parametrize("seed", [1, 2])
def test_a_replay_is_the_run_whatever_the_clock_decided(seed: int, tmp_path: Path) -> None:
    live = ran(tmp_path / "run.mcap", seed)
    recorded = Recorded(tmp_path / "run.mcap")
    rows = list(recorded.closings())
    assert live.skipped > 0
    assert live.engine.faults
    assert {row.closed_by for row in rows} >= {"deadline", "watermark"}
    assert any(isinstance(step, Tick) for step in recorded.steps())
    again = repeated(tmp_path / "run.mcap")
    assert again.digest.hex() == live.digest.hex() == recorded.digests
    assert (again.windows, again.skipped, again.events) == (live.windows, live.skipped, live.events)


def test_another_order_of_deadlines_is_another_run(tmp_path: Path) -> None:
    live = ran(tmp_path / "run.mcap", 3)
    recorded = Recorded(tmp_path / "run.mcap")
    line = line_of(recorded={row.end: row for row in recorded.closings()})
    without_ticks = [step for step in recorded.steps() if isinstance(step, Received)]

    async def replay() -> None:
        async for _ in run(paced(without_ticks, line, None), line):
            pass

    asyncio.run(replay())
    assert line.digest.hex()["windows"] != live.digest.hex()["windows"]


def test_every_window_says_where_its_samples_went(tmp_path: Path) -> None:
    ran(tmp_path / "run.mcap", 1)
    rows = sorted(Recorded(tmp_path / "run.mcap").closings(), key=lambda row: row.end)
    assert {"used", "late"} <= set(rows[-1].ledger["/imu"])
    used = [row.ledger["/imu"]["used"] for row in rows]
    assert used == sorted(used)
    assert np.all(np.array(used) > 0)


def test_a_run_that_broke_off_proves_nothing(tmp_path: Path) -> None:
    line = line_of(Recorder(tmp_path / "run.mcap", CONFIG))

    async def breaking() -> AsyncIterator[list[Received]]:
        for batch in late_and_lossy(1)[:50]:
            yield batch
        raise OSError("the socket is gone")

    async def live() -> None:
        try:
            async for _ in run(breaking(), line):
                pass
        finally:
            await line.close()

    with pytest.raises(OSError, match="the socket is gone"):
        asyncio.run(live())
    recorded = Recorded(tmp_path / "run.mcap")
    assert not recorded.complete
    assert len(list(recorded.samples())) > 100
