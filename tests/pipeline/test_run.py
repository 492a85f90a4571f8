"""The line as a whole, in one process: in order, exactly once, and a function of the samples alone."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from fakes import Broken, Counting, Kept, Marking
from makers import IMU, RIG, T0, received, sample, stream, streams

from operators.fusion import CrossAttention
from pipeline.config import Channel, Config, Model
from pipeline.engine import Engine, Local
from pipeline.errors import LogError, PipelineError
from pipeline.line import Line, Step
from pipeline.messages import NS, Encoder, Event, Observation, Received
from pipeline.run import paced, run

COUNTING: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in RIG}


def line_of(
    channels: list[Channel], encoders: Mapping[str, Encoder] = COUNTING, max_in_flight: int = 4
) -> tuple[Line, Kept]:
    kept = Kept()
    config = Config(channels=channels, model=Model(max_in_flight=max_in_flight))
    engine = Engine(encoders, Local(encoders), deadline_s=5.0)
    return Line(config, engine, CrossAttention(), [Marking()], [kept]), kept


def replay(
    line: Line, source: AsyncIterable[Sequence[Step]], now: Callable[[], int] | None = None
) -> list[Observation]:
    async def session() -> list[Observation]:
        observed = [observation async for observation in run(source, line, now)]
        await line.close()
        return observed

    return asyncio.run(session())


def test_every_window_is_observed_in_order_and_once() -> None:
    line, kept = line_of(RIG)
    observed = replay(line, paced(received(streams(RIG, 0, 10)), line, None))
    assert [observation.window.end for observation in observed] == [T0 + k * NS // 2 for k in range(1, 21)]
    assert line.windows == 20
    assert [event.phase for event in kept.events] == ["opened", "closed"]
    assert line.events == 1
    assert kept.closed
    for channel in RIG:
        row = line.ledger.row(channel.topic)
        assert row["received"] == row["used"] > 0
        assert line.ledger.in_flight(channel.topic) == 0


def test_the_same_samples_give_the_same_observations() -> None:
    samples = received(streams(RIG, 0, 6))
    runs = []
    for _ in range(2):
        line, _ = line_of(RIG)
        runs.append(replay(line, paced(samples, line, None)))
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one.fused, other.fused)
        assert one.weights == other.weights


def test_a_line_without_one_sensor_goes_on() -> None:
    line, _ = line_of(RIG)
    observed = replay(line, paced(received(streams(RIG[3:], 0, 4)), line, None))
    assert len(observed) == 8
    assert set(observed[-1].window.absent) == {"/camera", "/thermal", "/depth"}
    assert set(observed[-1].embeddings) == {"/imu", "/microphone"}


def test_a_broken_encoder_leaves_the_others() -> None:
    line, _ = line_of(RIG, COUNTING | {"imu": Broken("imu", after=3)})
    observed = replay(line, paced(received(streams(RIG, 0, 5)), line, None))
    assert ["/imu" in observation.embeddings for observation in observed] == [True] * 3 + [False] * 7
    assert all(len(observation.embeddings) >= 4 for observation in observed)


def test_bad_samples_are_booked_and_disturb_nobody() -> None:
    line, _ = line_of([IMU])
    good = received(list(stream(IMU, 0, 3)))
    bad = [
        Received(sample=sample(at_s=1.0, seq=9000, data=np.full(6, np.nan)), received=T0 + NS),
        Received(sample=sample(at_s=1.0, seq=9001, data=np.zeros((2, 2))), received=T0 + NS),
        Received(sample=sample(at_s=900.0, seq=9002), received=T0 + NS),
    ]
    steps = sorted(good + bad, key=lambda item: item.received)
    observed = replay(line, paced(steps, line, None))
    assert len(observed) == 6
    assert line.ledger.details("/imu") == {"rejected not finite": 1, "rejected shape": 1, "rejected future": 1}
    assert line.ledger.in_flight("/imu") == 0


def test_an_operator_that_does_not_fit_is_named() -> None:
    class Picky(Marking):
        def __call__(self, observation: Observation) -> list[Event]:
            raise ValueError("vectors of 4 numbers, 8 are due")

    line, _ = line_of([IMU])
    line.operators = [Picky()]
    with pytest.raises(PipelineError, match="Picky cannot use this rig's observations: vectors of 4 numbers"):
        replay(line, paced(received(list(stream(IMU, 0, 3))), line, None))


def test_nothing_goes_on_once_an_operator_has_failed() -> None:
    class Slow(Counting):
        def embed(self, batch: np.ndarray) -> np.ndarray:
            time.sleep(0.05)
            return super().embed(batch)

    class Failing(Marking):
        def __call__(self, observation: Observation) -> list[Event]:
            raise ValueError("no")

    async def session() -> set[asyncio.Task[Any]]:
        with pytest.raises(PipelineError, match="no"):
            async for _ in run(paced(received(list(stream(IMU, 0, 5))), line, None), line):
                pass
        return asyncio.all_tasks() - {asyncio.current_task()}

    line, _ = line_of([IMU], {"imu": Slow()})
    line.operators = [Failing()]
    assert asyncio.run(session()) == set()


def test_replay_keeps_the_pace_it_is_told() -> None:
    line, _ = line_of([IMU])
    started = time.monotonic()
    replay(line, paced(received(list(stream(IMU, 0, 2))), line, 10.0))
    assert time.monotonic() - started > 0.19


def test_live_windows_are_skipped_rather_than_queued() -> None:
    class Slow(Counting):
        def embed(self, batch: np.ndarray) -> np.ndarray:
            time.sleep(0.05)
            return super().embed(batch)

    line, _ = line_of([IMU], {"imu": Slow()}, max_in_flight=1)
    observed = replay(line, paced(received(list(stream(IMU, 0, 10))), line, None), now=lambda: T0)
    ends = [observation.window.end for observation in observed]
    assert ends == sorted(set(ends))
    assert line.skipped > 0
    assert line.skipped + len(observed) == 20


def test_a_source_that_breaks_off_gives_what_came_before() -> None:
    line, kept = line_of([IMU])

    async def source() -> AsyncIterator[list[Received]]:
        yield received(list(stream(IMU, 0, 3.1)))
        raise LogError("drive.mcap: ends in the middle, at byte 77")

    observed: list[Observation] = []

    async def session() -> None:
        async for observation in run(source(), line):
            observed.append(observation)

    with pytest.raises(LogError, match="at byte 77"):
        asyncio.run(session())
    assert len(observed) == 6
    assert len(kept.events) == 1
