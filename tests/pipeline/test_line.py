"""Live equals replay: what a run decided by the clock on the wall, its recording repeats."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import Counting, Marking
from makers import RIG, T0, streams
from msgspec.structs import replace

from operators.fusion import CrossAttention
from pipeline.config import Config, Model
from pipeline.engine import Engine, Local
from pipeline.exchange import Exchange
from pipeline.line import Line, Step
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


def answering(batches: Sequence[Sequence[Received]], behind: int) -> list[list[Step]]:
    """The same of senders whose clock is ``behind`` nanoseconds, and that are asked for the time once a second."""
    answered: list[list[Step]] = []
    for number, batch in enumerate(batches):
        steps: list[Step] = [replace(one, sample=replace(one.sample, stamp=one.sample.stamp - behind)) for one in batch]
        if number % 50 == 49:
            t1 = T0 + number * NS // 50 - 52_000_000
            heard = t1 + 200_000 - behind
            steps.insert(
                len(steps) // 2, Exchange(session="s", t1=t1, t2=heard, t3=heard + 50_000_000, t4=t1 + 50_600_000)
            )
        answered.append(steps)
    return answered


def ran(path: Path, batches: Sequence[Sequence[Step]]) -> Line:
    """Run live, by a clock of the test's own, and record it."""
    clock = [T0]

    async def source() -> AsyncIterator[Sequence[Step]]:
        for number, batch in enumerate(batches):
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


def repeated(path: Path, but: type[Step] | None = None) -> Line:
    """Replay all that was recorded, but for one kind of step."""
    recorded = Recorded(path)
    line = line_of(recorded={row.end: row for row in recorded.closings()})
    steps = (step for step in recorded.steps() if but is None or not isinstance(step, but))

    async def replay() -> None:
        async for _ in run(paced(steps, line, None), line):
            pass
        await line.close()

    asyncio.run(replay())
    return line


@pytest.mark.parametrize("seed", [1, 2])
def test_a_replay_is_the_run_whatever_the_clock_decided(seed: int, tmp_path: Path) -> None:
    live = ran(tmp_path / "run.mcap", late_and_lossy(seed))
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
    live = ran(tmp_path / "run.mcap", late_and_lossy(3))
    without_ticks = repeated(tmp_path / "run.mcap", but=Tick)
    assert without_ticks.digest.hex()["windows"] != live.digest.hex()["windows"]


def test_what_exchanges_told_is_known_again_in_the_replay(tmp_path: Path) -> None:
    live = ran(tmp_path / "run.mcap", answering(late_and_lossy(1)[:300], behind=100_000_000))
    report = live.clock.report("/imu")
    assert report.method == "exchange"
    assert abs(report.offset_ns - 100_000_000) <= report.uncertainty_ns < 2_000_000
    assert sum(isinstance(step, Exchange) for step in Recorded(tmp_path / "run.mcap").steps()) == 6
    again = repeated(tmp_path / "run.mcap")
    assert again.digest.hex() == live.digest.hex() == Recorded(tmp_path / "run.mcap").digests
    assert again.clock.report("/imu") == report
    without_exchanges = repeated(tmp_path / "run.mcap", but=Exchange)
    assert without_exchanges.digest.hex()["windows"] != live.digest.hex()["windows"]
    assert without_exchanges.clock.report("/imu").method == "trusted"


def test_every_window_says_where_its_samples_went(tmp_path: Path) -> None:
    ran(tmp_path / "run.mcap", late_and_lossy(1))
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
