"""Writes what a line receives and says, beside it: a thread of its own behind a bounded queue.

What a slow disk does not take in time is missing in the recording, never in the line. What was written, once a second,
outlives a killed process and a loss of power; the rest of a second does not.
"""

import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread, get_native_id

from msgspec.structs import replace

from pipeline.config import Config
from pipeline.exchange import Exchange
from pipeline.logs.rows import TOPICS, CommandRow, Row, Tick, embedding_row, window_row
from pipeline.logs.segments import FULL, Segments
from pipeline.logs.stretches import Stretches
from pipeline.logs.writer import LogWriter
from pipeline.messages import Command, Event, Observation, Received, Restore, Window

FLUSH_S = 1.0
POLL_S = 0.05
"""How often the queue is emptied: seldom enough to leave the line its processor."""

GIVES_WAY = 5
"""Nice levels, of Linux, that the thread is below the line; each is a weight of 0.8 (Documentation/scheduler,
sched-nice-design). With 5 it still gets a quarter of a processor that the line wants for itself, which is more than 50
MB/s, and what waits is in the queue."""

CLOSE_S = 30.0
"""How long the queue may take to be written in the end."""

QUEUE_MB = 256.0
"""Three seconds of 720p at 30 Hz: an SD card's fsync was seen to take 2.5 s (PX4)."""

ROW_BYTES = 4096
"""What a row is taken to weigh in the queue beside its numbers."""


class Recorder:
    """Records one run into a new file at ``path``, or a new folder where ``config.record`` asks for several.

    Raise LogError where that cannot be, as ``LogWriter`` and ``Segments`` do.

    No method but ``close`` waits. ``dropped`` counts by topic what the queue of ``queue_mb`` megabytes did not take.
    ``error`` is a sentence once writing has failed; the file then ends where it failed, and nothing more is recorded.
    """

    def __init__(self, path: Path, config: Config, model: str = "", queue_mb: float = QUEUE_MB) -> None:
        self.path = path
        self.dropped: Counter[str] = Counter()
        self.error = ""
        self.reason = ""  # of the error, in a few words
        self._max_bytes = round(queue_mb * 1e6)
        self._writer = _writer(path, config, model)
        self._queue: deque[tuple[Received | Row, int, int]] = deque()
        self._size = 0
        self._samples = 0
        self._windows = 0
        self._places: dict[int, int] = {}  # of windows on their way: how many samples came before they closed
        self._now = 0  # receipt of the newest sample, which is when rows are said to be logged
        self._digests: dict[str, str] = {}
        self._is_told = False  # of the error
        self._since: Counter[str] = Counter()  # the last flush, by topic: what an error takes along
        self._flush_at = time.monotonic() + FLUSH_S
        self._lock = Lock()
        self._stop = Flag()
        self._thread = Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def sample(self, received: Received) -> None:
        """Record a sample as it came in, before the clock or the gate has seen it."""
        self._now = received.received
        if self._put(received.sample.topic, received, received.sample.data.nbytes + 512):
            self._samples += 1

    def tick(self, now: int) -> None:
        """Record that the synchronizer was asked at ``now`` and that this moved it, be it past empty windows only."""
        self._put(TOPICS[Tick], Tick(now=now), ROW_BYTES)

    def exchange(self, exchange: Exchange) -> None:
        """Record an exchange with a sender's clock, in its place among the samples."""
        self._row(exchange, ROW_BYTES)

    def command(self, command: Command, received: int) -> None:
        """Record a command, in its place among the samples."""
        size = 2 * len(command.state) if isinstance(command, Restore) else 0
        self._row(CommandRow.of(command, received), ROW_BYTES + size)

    def closed(self, window: Window) -> None:
        """Remember the place of ``window`` among the samples: to be called as it comes out of the synchronizer."""
        self._places[window.end] = self._samples

    def skipped(self, window: Window) -> None:
        """Record a window that was never encoded."""
        self._window(window, skipped=True)

    def observed(self, observation: Observation) -> None:
        """Record a window and its embeddings."""
        self._windows += 1
        self._window(observation.window, answered=tuple(observation.embeddings))
        for embedding in observation.embeddings.values():
            self._row(embedding_row(embedding), ROW_BYTES + 40 * embedding.vector.size)

    def event(self, event: Event) -> None:
        """Record an event."""
        shown = [*event.pictures.values(), *event.sounds.values()]
        self._row(event, ROW_BYTES + sum(2 * len(one) for one in shown))

    def troubles(self, window: Window) -> Iterator[Event]:
        """Yield an event, once, that ``window`` is the first not to be recorded in full."""
        if self.error and not self._is_told:
            self._is_told = True
            opened = Event(
                id=f"recorder@{window.end}",
                phase="opened",
                start=window.start,
                end=window.end,
                label=f"recording stopped: {self.reason}",
                score=1.0,
                source="recorder",
                severity="warning",
            )
            yield opened
            yield replace(opened, phase="closed")

    def close(self, digests: Mapping[str, str]) -> None:
        """Write what is queued and end the file; ``digests`` are those of the run, by name."""
        self._digests = dict(digests)
        self._stop.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self.error = f"{self.path}: the disk did not take the rest of the recording in {CLOSE_S:g} s"

    def _window(self, window: Window, skipped: bool = False, answered: tuple[str, ...] = ()) -> None:
        place = self._places.pop(window.end, self._samples)
        self._row(window_row(window, place, skipped, answered), ROW_BYTES)

    def _row(self, row: Row, size: int) -> None:
        self._put(TOPICS[type(row)], row, size)

    def _put(self, topic: str, item: Received | Row, size: int) -> bool:
        with self._lock:
            fits = not self.error and (self._size + size <= self._max_bytes or not self._queue)
            if fits:
                self._size += size
                self._queue.append((item, self._now, size))
            else:
                self.dropped[topic] += 1
        return fits

    def _work(self) -> None:
        try:
            _give_way()
            self._write()
        except Exception as error:  # rim: whatever becomes of the recording, the line goes on
            with suppress(OSError):
                self._writer.abandon()
            self.reason = _reason(error)
            self.error = f"{self.path}: the recording ends here: {self.reason}"
            self._forget()

    def _write(self) -> None:
        while True:
            stopped = self._stop.wait(POLL_S)  # asked before the queue is emptied: what came before the stop is in it
            while self._queue:
                self._write_one()
                self._flush_when_due()
            self._flush_when_due()
            if stopped:
                break
        self._writer.finish(self._told())

    def _flush_when_due(self) -> None:
        if time.monotonic() >= self._flush_at:
            self._writer.sync()
            self._since.clear()
            self._flush_at = time.monotonic() + FLUSH_S

    def _write_one(self) -> None:
        item, now, size = self._queue[0]
        if isinstance(item, Received):
            self._writer.sample(item)
        else:
            self._writer.row(item, now)
        self._since[_topic(item)] += 1
        with self._lock:
            self._queue.popleft()
            self._size -= size

    def _forget(self) -> None:
        """Let go of what will not be written any more, and count it with what was not flushed."""
        with self._lock:
            self.dropped.update(self._since)
            self.dropped.update(_topic(item) for item, _, _ in self._queue)
            self._queue.clear()
            self._size = 0

    def _told(self) -> dict[str, str]:
        """What the file says of the run in the end."""
        with self._lock:
            dropped = json.dumps(dict(self.dropped))
        return {"digests": json.dumps(self._digests), "windows": str(self._windows), "dropped": dropped}


def _topic(item: Received | Row) -> str:
    return item.sample.topic if isinstance(item, Received) else TOPICS[type(item)]


def _give_way() -> None:
    """Let all others that want the processor go before this thread; only Linux has such a thing for one thread."""
    if sys.platform == "linux":
        thread = get_native_id()
        with suppress(OSError):  # a container may forbid it; the recording is none the worse
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + GIVES_WAY)


def _writer(path: Path, config: Config, model: str) -> LogWriter | Segments | Stretches:
    record = config.record
    if not record.is_split:
        return LogWriter(path, config, model)
    segments = Segments(path, config, model)
    return Stretches(segments, record.before_s, record.after_s) if record.mode == "events" else segments


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in FULL:
        return "disk full"
    return (isinstance(error, OSError) and error.strerror) or f"{type(error).__name__}: {error}"
