"""The straight line: samples in, events out. Live, replay and tests differ only in where the samples come from."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing

from pipeline.line import Line, Step
from pipeline.messages import Embedding, Observation, Received, Window
from pipeline.transport import Transport

Encoding = asyncio.Task[list[Embedding]]

AHEAD = 8
"""Windows that a replay encodes at once: enough for every encoder to have a batch waiting."""


async def run(
    source: AsyncIterable[Sequence[Step]], line: Line, now: Callable[[], int] | None = None
) -> AsyncIterator[Observation]:
    """Yield every window's observation in order, after its events went to the sinks and the viewers have seen it.

    ``now``, on the reference clock, makes it live: windows leave at their deadline and are skipped rather than
    queued. Without it the result is a function of the samples alone.
    """
    async with aclosing(observations(windows(source, line, now), line, live=now is not None)) as found:
        async for observation in found:
            line.obey(observation.window.end)
            line.observed(observation)
            for event in line.troubles(observation.window):
                line.emit(event)
            for operator in line.operators:
                for event in line.ask(operator, observation):
                    line.emit(event)
            line.show(observation)
            if now is not None:
                line.latency_ms.append((now() - observation.window.end) / 1e6)
            yield observation
    line.obey()
    for event in line.last():
        line.emit(event)
    line.is_complete = True


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


async def observations(source: AsyncIterable[Window], line: Line, live: bool) -> AsyncGenerator[Observation]:
    """Encode several windows at once and yield their observations in order; once closed, none is under way."""
    most = line.config.model.max_in_flight if live else AHEAD
    under_way: asyncio.Queue[tuple[Window, Encoding] | Exception | None] = asyncio.Queue(most)
    encodings: set[Encoding] = set()

    async def feed() -> None:
        end = None
        try:
            async for window in source:
                if not line.skips(window, is_busy=live and under_way.full()):
                    encodings.add(encoding := asyncio.create_task(line.engine.encode(window)))
                    await under_way.put((window, encoding))
        except Exception as error:  # carried over to the reader, who raises it after what came before
            end = error
        await under_way.put(end)

    feeder = asyncio.create_task(feed())
    try:
        while (item := await under_way.get()) is not None:
            if isinstance(item, Exception):
                raise item
            window, encoding = item
            answer = await encoding
            encodings.remove(encoding)
            yield line.fuse(window, line.answered(window, answer))
    finally:
        for task in (feeder, *encodings):
            task.cancel()
        await asyncio.gather(feeder, *encodings, return_exceptions=True)


async def paced(
    steps: Iterable[Step], line: Line, rate: float | None, transport: Transport | None = None
) -> AsyncIterator[list[Step]]:
    """Yield recorded steps ``rate`` times as fast as they were received; None is as fast as the line takes them.

    A ``transport`` has a rate of its own; the steps end where it is stopped, or sent to another place.
    """
    transport = transport or Transport(rate)
    for step in steps:
        if isinstance(step, Received):
            if not await transport.due(step.received):
                return
            line.ledger.count(step.sample.topic, "received")
            line.ledger.saw(step.sample.topic, step.sample.stamp, step.received)
        yield [step]
