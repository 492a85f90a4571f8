"""The straight line: samples in, events out. Live, replay and tests differ only in where the samples come from."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence

from pipeline.clock import Clock
from pipeline.config import Config
from pipeline.engine import Engine
from pipeline.errors import PipelineError
from pipeline.gate import refusal
from pipeline.ledger import Ledger
from pipeline.messages import NS, Embedding, Event, Fusion, Observation, Operator, Received, Sample, Sink, Window
from pipeline.streams import Streams
from pipeline.sync import Synchronizer

Encoding = asyncio.Task[list[Embedding]]


class Line:
    """The parts of one rig's line, and what passed through them."""

    def __init__(
        self, config: Config, engine: Engine, fuse: Fusion, operators: Sequence[Operator], sinks: Sequence[Sink]
    ) -> None:
        self.config = config
        self.ledger = Ledger()
        self.clock = Clock(config.channels)
        self.sync = Synchronizer(config.window, config.channels, self.ledger)
        self.streams = Streams()
        self.engine = engine
        self.fuse = fuse
        self.operators = operators
        self.sinks = sinks
        self.windows = 0
        self.skipped = 0  # windows that found max_in_flight others under way
        self.events = 0  # opened
        self.latency_ms: deque[float] = deque(maxlen=5000)  # from a window's end to its observation, live only
        self._modalities = {channel.topic: channel.modality for channel in config.channels}

    def admit(self, received: Received) -> Sample | None:
        """Return the sample that the synchronizer may have, or book why not."""
        sample = self.clock.correct(received)
        cause = "future" if sample is None else refusal(sample, self._modalities[sample.topic])
        if cause is None:
            return sample
        self.ledger.count(received.sample.topic, "rejected", detail=cause)
        return None

    def emit(self, event: Event) -> None:
        """Hand ``event`` to every sink."""
        self.events += event.phase == "opened"
        for sink in self.sinks:
            sink.write(event)

    async def close(self) -> None:
        """Stop the engine and the sinks."""
        await self.engine.close()
        for sink in self.sinks:
            sink.close()


async def run(
    source: AsyncIterable[list[Received]], line: Line, now: Callable[[], int] | None = None
) -> AsyncIterator[Observation]:
    """Yield every window's observation in order, after its events went to the sinks.

    ``now``, on the reference clock, makes it live: windows leave at their deadline and are skipped rather than
    queued. Without it the result is a function of the samples alone.
    """
    async for observation in observations(windows(source, line, now), line, live=now is not None):
        for event in line.streams(observation.window):
            line.emit(event)
        for operator in line.operators:
            for event in _ask(operator, observation):
                line.emit(event)
        line.windows += 1
        if now is not None:
            line.latency_ms.append((now() - observation.window.end) / 1e6)
        yield observation
    for finish in (line.streams.finish, *(operator.finish for operator in line.operators)):
        for event in finish():
            line.emit(event)


def _ask(operator: Operator, observation: Observation) -> list[Event]:
    try:
        return list(operator(observation))
    except ValueError as error:
        raise PipelineError(f"{type(operator).__name__} cannot use this rig's observations: {error}") from error


async def windows(
    source: AsyncIterable[list[Received]], line: Line, now: Callable[[], int] | None = None
) -> AsyncIterator[Window]:
    """Yield the windows of ``source`` in order."""
    async for batch in source:
        for received in batch:
            sample = line.admit(received)
            if sample is not None:
                for window in line.sync.push(sample):
                    yield window
        if now is not None:
            for window in line.sync.tick(now()):
                yield window
    for window in line.sync.finish():
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
                if live and under_way.full():
                    line.skipped += 1
                else:
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
            yield line.fuse(window, await encoding)
    finally:
        feeder.cancel()


async def paced(samples: Iterable[Received], line: Line, rate: float | None) -> AsyncIterator[list[Received]]:
    """Yield recorded samples ``rate`` times as fast as they were received; None is as fast as the line takes them."""
    started: tuple[float, int] | None = None
    for received in samples:
        if rate is not None:
            started = started or (time.monotonic(), received.received)
            due = started[0] + (received.received - started[1]) / NS / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        line.ledger.count(received.sample.topic, "received")
        line.ledger.saw(received.sample.topic, received.sample.stamp, received.received)
        yield [received]
