"""The straight line: samples in, events out. Live, replay and tests differ only in where the samples come from."""

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence

from pipeline.errors import PipelineError
from pipeline.line import Line, Step
from pipeline.messages import NS, Embedding, Event, Observation, Operator, Received, Window

Encoding = asyncio.Task[list[Embedding]]


async def run(
    source: AsyncIterable[Sequence[Step]], line: Line, now: Callable[[], int] | None = None
) -> AsyncIterator[Observation]:
    """Yield every window's observation in order, after its events went to the sinks and the viewers have seen it.

    ``now``, on the reference clock, makes it live: windows leave at their deadline and are skipped rather than
    queued. Without it the result is a function of the samples alone.
    """
    async for observation in observations(windows(source, line, now), line, live=now is not None):
        line.observed(observation)
        for event in line.troubles(observation.window):
            line.emit(event)
        for operator in line.operators:
            for event in _ask(operator, observation):
                line.emit(event)
        line.show(observation)
        if now is not None:
            line.latency_ms.append((now() - observation.window.end) / 1e6)
        yield observation
    for finish in (line.streams.finish, *(operator.finish for operator in line.operators)):
        for event in finish():
            line.emit(event)
    line.is_complete = True


def _ask(operator: Operator, observation: Observation) -> list[Event]:
    try:
        return list(operator(observation))
    except ValueError as error:
        raise PipelineError(f"{type(operator).__name__} cannot use this rig's observations: {error}") from error


async def windows(
    source: AsyncIterable[Sequence[Step]], line: Line, now: Callable[[], int] | None = None
) -> AsyncIterator[Window]:
    """Yield the windows of ``source`` in order."""
    async for batch in source:
        for step in batch:
            for window in line.take(step):
                yield window
        if now is not None:
            for window in line.tick(now()):
                yield window
    for window in line.finish():
        yield window


async def observations(source: AsyncIterable[Window], line: Line, live: bool) -> AsyncIterator[Observation]:
    """Encode several windows at once and yield their observations in order."""
    under_way: asyncio.Queue[tuple[Window, Encoding] | Exception | None] = asyncio.Queue(
        line.config.model.max_in_flight
    )

    async def feed() -> None:
        end = None
        try:
            async for window in source:
                if not line.skips(window, is_busy=live and under_way.full()):
                    await under_way.put((window, asyncio.create_task(line.engine.encode(window))))
        except Exception as error:  # carried over to the reader, who raises it after what came before
            end = error
        await under_way.put(end)

    feeder = asyncio.create_task(feed())
    try:
        while (item := await under_way.get()) is not None:
            if isinstance(item, Exception):
                raise item
            window, encoding = item
            yield line.fuse(window, line.answered(window, await encoding))
    finally:
        feeder.cancel()


async def paced(steps: Iterable[Step], line: Line, rate: float | None) -> AsyncIterator[list[Step]]:
    """Yield recorded steps ``rate`` times as fast as they were received; None is as fast as the line takes them."""
    started: tuple[float, int] | None = None
    for step in steps:
        if isinstance(step, Received):
            if rate is not None:
                started = started or (time.monotonic(), step.received)
                due = started[0] + (step.received - started[1]) / NS / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            line.ledger.count(step.sample.topic, "received")
            line.ledger.saw(step.sample.topic, step.sample.stamp, step.received)
        yield [step]
