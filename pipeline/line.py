"""One rig's line: its parts, and what passes through them."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from pipeline.clock import Clock, Incident
from pipeline.config import Config
from pipeline.control import Drive, ListLabels, Request
from pipeline.digest import Digest
from pipeline.engine import Engine
from pipeline.errors import PipelineError
from pipeline.evidence import Evidence
from pipeline.exchange import Exchange
from pipeline.gate import refusal
from pipeline.health import Health, Watching
from pipeline.ledger import Ledger
from pipeline.logs.recorder import Recorder
from pipeline.logs.rows import Tick, WindowRow
from pipeline.messages import (
    FOREVER,
    Embedding,
    Event,
    Fusion,
    Observation,
    Operator,
    Received,
    Sample,
    Scoring,
    Sink,
    Viewer,
    Window,
)
from pipeline.steering import Steering
from pipeline.streams import Streams
from pipeline.sync import Synchronizer

Step = Received | Exchange | Tick | Request
"""What moves a line: a sample; what a sender answered when asked for the time; in the replay of a run the moment at
which its deadlines were looked at; a command."""

log = logging.getLogger(__name__)

RECENT = 500
"""So many times of each stage are told to those who watch."""


class Line:
    """Holds the parts and the counts; ``pipeline.run`` moves it.

    ``recorder`` writes down what comes in and what is said. ``recorded`` are the windows of a run that is repeated,
    by their end: what was skipped then, or not answered, is so again.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        fuse: Fusion,
        operators: Sequence[Operator],
        sinks: Sequence[Sink],
        recorder: Recorder | None = None,
        recorded: Mapping[int, WindowRow] | None = None,
        model: str = "",
    ) -> None:
        self.config = config
        self.ledger = Ledger()
        self.clock = Clock(config.channels)
        self.sync = Synchronizer(config.window, config.channels, self.ledger)
        self.streams = Streams()
        self.engine = engine
        self.fuse = fuse
        self.operators = operators
        self.steering = Steering(operators, model)
        self._evidence = {id(operator): Evidence() for operator in operators}
        self._scores: dict[str, float] = {}  # what operators make of the last window
        self.sinks: list[Sink] = []
        self.viewers: list[Viewer] = []  # those of the sinks that see more than events
        for sink in sinks:
            self.tell(sink)
        self.recorder = recorder
        self.recorded = recorded
        self.digest = Digest()
        self.is_complete = False  # whether the stream came to its end: only then does a replay have the same digests
        self.closed = 0  # windows that left the synchronizer
        self.windows = 0  # of them, those observed
        self.skipped = 0  # windows that found max_in_flight others under way
        self.events = 0  # opened
        self._broken: set[int] = set()  # sinks that have raised, by id
        self.latency_ms: deque[float] = deque(maxlen=5000)  # from a window's end to its observation, live only
        self._incidents: deque[tuple[int, Incident]] = deque()  # with the end of the window that closed after them
        self._channels = {channel.topic: channel for channel in config.channels}

    def tell(self, sink: Sink) -> None:
        """Let ``sink`` have every event from now on; and see all else, if it is a viewer."""
        self.sinks.append(sink)
        if isinstance(sink, Viewer):
            self.viewers.append(sink)
        if isinstance(sink, Watching):
            sink.watch(self.health)

    def health(self) -> Health:
        """Return how the line is doing now."""
        stages = {"line": self.latency_ms} | self.engine.latency_ms
        return Health(
            windows=self.windows,
            skipped=self.skipped,
            latency_ms={stage: tuple(times)[-RECENT:] for stage, times in stages.items() if times},
            faults={f"{modality} {cause}": number for (modality, cause), number in self.engine.faults.items()},
            unrecorded=dict(self.recorder.dropped) if self.recorder else {},
            recording=self.recorder.error or str(self.recorder.path) if self.recorder else "",
            replicas=self.engine.backend.replicas(),
        )

    def show(self, observation: Observation) -> None:
        """Let the viewers see ``observation``, with what the operators made of it."""
        scored = replace(observation, scores=self._scores)
        self._scores = {}
        for viewer in self.viewers:
            viewer.show(scored)

    def admit(self, received: Received) -> Sample | None:
        """Return the sample that the synchronizer may have, or book why not."""
        if self.recorder:
            self.recorder.sample(received)
        for viewer in self.viewers:
            viewer.sample(received)
        sample = self.clock.correct(received)
        cause = sample if isinstance(sample, str) else self._refusal(sample)
        if not isinstance(sample, str) and cause is None:
            return sample
        self.ledger.count(received.sample.topic, "rejected", detail=cause or "")
        return None

    def take(self, step: Step) -> Iterator[Window]:
        """Yield the windows that ``step`` completes."""
        if isinstance(step, Tick):
            yield from self.tick(step.now)
        elif isinstance(step, Exchange):
            self.learn(step)
        elif isinstance(step, Request):
            self.asked(step)
        elif (sample := self.admit(step)) is not None:
            yield from self._closed(self.sync.push(sample))

    def learn(self, exchange: Exchange) -> None:
        """Let the clock have ``exchange``, for every stream of its session."""
        if self.recorder:
            self.recorder.exchange(exchange)
        for topic in self._channels:
            self.clock.exchange(topic, exchange.session, exchange.t1, exchange.t2, exchange.t3, exchange.t4)

    def asked(self, request: Request) -> None:
        """Obey at once if no window is under way; else what is asked waits for those that closed before it."""
        if self.recorder and not isinstance(request.question, ListLabels | Drive):
            self.recorder.command(request.question, request.received)
        self.steering.take(request, after=self.sync.position[0])
        if self.closed == self.windows + self.skipped:
            self.obey()

    def obey(self, end: int = FOREVER) -> None:
        """Obey what was asked before the window that ends at ``end`` closed."""
        for operator, events in self.steering.obey(end):
            for event in self._evidence[id(operator)].closing(events):
                self.emit(event)

    def tick(self, now: int) -> Iterator[Window]:
        """Yield the windows whose deadline has passed at ``now``."""
        before = self.sync.position
        windows = self.sync.tick(now)
        if self.recorder and self.sync.position != before:
            self.recorder.tick(now)
        yield from self._closed(windows)

    def finish(self) -> Iterator[Window]:
        """Yield what is left at the end of the stream."""
        yield from self._closed(self.sync.finish())

    def skips(self, window: Window, is_busy: bool) -> bool:
        """Say whether ``window`` is not encoded: too many others are under way, or were when it was recorded."""
        row = self.recorded.get(window.end) if self.recorded else None
        skipped = row.skipped if row else is_busy
        if skipped:
            self.skipped += 1
            if self.recorder:
                self.recorder.skipped(window)
        return skipped

    def answered(self, window: Window, embeddings: list[Embedding]) -> list[Embedding]:
        """Return the embeddings that ``window`` has: of a run that is repeated, those that it had then."""
        row = self.recorded.get(window.end) if self.recorded else None
        return [embedding for embedding in embeddings if embedding.topic in row.answered] if row else embeddings

    def observed(self, observation: Observation) -> None:
        """Book ``observation``."""
        self.windows += 1
        self.digest.observation(observation)
        if self.recorder:
            self.recorder.observed(observation)

    def ask(self, operator: Operator, observation: Observation) -> Iterator[Event]:
        """Yield what happened according to ``operator``, with its evidence, and note its scores.

        Raise PipelineError if it cannot use such observations.
        """
        try:
            events = list(operator(observation))
        except ValueError as error:
            raise PipelineError(f"{type(operator).__name__} cannot use this rig's observations: {error}") from error
        told = operator.scores if isinstance(operator, Scoring) else {}
        self._scores |= told
        yield from self._evidence[id(operator)](events, observation, told)

    def last(self) -> Iterator[Event]:
        """Yield what closes because the stream has come to its end."""
        yield from self.streams.finish()
        for operator in self.operators:
            yield from self._evidence[id(operator)].closing(operator.finish())

    def troubles(self, window: Window) -> Iterator[Event]:
        """Yield what happened to streams and their clocks until ``window`` closed, each thing once."""
        while self._incidents and self._incidents[0][0] <= window.end:
            yield from _events_of(self._incidents.popleft()[1])
        yield from self.streams(window)
        if self.recorder:
            yield from self.recorder.troubles(window)

    def emit(self, event: Event) -> None:
        """Hand ``event`` to every sink."""
        self.events += event.phase == "opened"
        self.steering.hear(event)
        self.digest.event(event)
        if self.recorder:
            self.recorder.event(event)
        for sink in self.sinks:
            try:
                sink.write(event)
            except OSError as error:
                if id(sink) not in self._broken:
                    log.warning("%s: %s: events are missing there", type(sink).__name__, error)
                self._broken.add(id(sink))

    async def close(self) -> None:
        """Stop the engine, the recorder and the sinks."""
        await self.engine.close()
        if self.recorder:
            await asyncio.to_thread(self.recorder.close, self.digest.hex() if self.is_complete else {})
        for sink in self.sinks:
            sink.close()

    def _refusal(self, sample: Sample) -> str | None:
        channel = self._channels[sample.topic]
        return refusal(sample, channel.modality, channel.calibration.shape)

    def _closed(self, windows: list[Window]) -> Iterator[Window]:
        self.closed += len(windows)
        for window in windows:
            if self.recorder:
                self.recorder.closed(window)
            self._incidents += [(window.end, incident) for incident in self.clock.incidents()]
            faults = {topic: self.clock.report(topic).faults for topic in self._channels}
            clocks = {topic: told for topic, told in faults.items() if told}
            yield replace(window, ledger=self.ledger.rows(), clocks=clocks)


def _events_of(incident: Incident) -> Iterator[Event]:
    """Yield an event that is over as it is told."""
    opened = Event(
        id=f"clock{incident.topic}@{incident.stamp}/{incident.kind}",
        phase="opened",
        start=incident.stamp,
        end=incident.stamp + 1,
        label=incident.text,
        score=1.0,
        source="clock",
    )
    yield opened
    yield replace(opened, phase="closed")
