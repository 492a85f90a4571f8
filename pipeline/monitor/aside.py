"""What a viewer does aside, in a thread of its own, so that the line never waits for it."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread

from msgspec.structs import replace

from pipeline.messages import Event, Observation, Received

Item = Received | Observation | Event

SAMPLES = 256
"""So many may wait; then the oldest goes."""

SAMPLE_BYTES = 64 << 20
"""So much may wait; then the oldest goes."""

SAID = 1024
"""So many observations and events may wait, apart from the samples, which cannot push them out."""

PATIENCE_S = 5.0
"""So long a viewer that is closed may take to finish."""

_log = logging.getLogger(__name__)


class Aside:
    """Hands ``work`` whatever was put since its last call, what was said after the samples.

    ``dropped`` counts by topic the samples that waited too long, and under ``said`` all else. What ``work`` raises is
    told once and costs only that call. Observations come without the samples of their clips. One that ``waits`` has
    ``put`` wait where there is no room, and drops nothing: for replays, which are in no hurry.
    """

    def __init__(self, work: Callable[[Sequence[Item]], None], name: str, waits: bool = False) -> None:
        self.dropped: Counter[str] = Counter()
        self.error = ""  # the newest
        self._work = work
        self._waits = waits
        self._samples: deque[Received] = deque()
        self._bytes = 0
        self._said: deque[Observation | Event] = deque()
        self._is_open = True
        self._change = Condition()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Leave ``item`` to the thread."""
        with self._change:
            if self._waits:
                self._change.wait_for(self._has_room)
            if isinstance(item, Received):
                self._put_sample(item)
            else:
                self._put_said(item)
            self._change.notify_all()

    def close(self) -> None:
        """Let the thread finish what waits."""
        with self._change:
            self._is_open = False
            self._change.notify_all()
        self._thread.join(PATIENCE_S)

    def _has_room(self) -> bool:
        return len(self._samples) < SAMPLES and self._bytes < SAMPLE_BYTES and len(self._said) < SAID

    def _put_sample(self, received: Received) -> None:
        self._samples.append(received)
        self._bytes += received.sample.data.nbytes
        while len(self._samples) > SAMPLES or (self._bytes > SAMPLE_BYTES and len(self._samples) > 1):
            oldest = self._samples.popleft().sample
            self._bytes -= oldest.data.nbytes
            self.dropped[oldest.topic] += 1

    def _put_said(self, item: Observation | Event) -> None:
        if isinstance(item, Observation):
            item = replace(item, window=replace(item.window, clips={}))
        if len(self._said) == SAID:
            self._said.popleft()
            self.dropped["said"] += 1
        self._said.append(item)

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._work(batch)
            except Exception as error:  # rim: a viewer's library may raise anything, and the line goes on
                if not self.error:
                    _log.warning("%s: %s", self._thread.name, error)
                self.error = f"{type(error).__name__}: {error}"

    def _next(self) -> Sequence[Item]:
        """Wait for something to do; nothing once all is done and closed."""
        with self._change:
            self._change.wait_for(lambda: self._samples or self._said or not self._is_open)
            batch = [*self._samples, *self._said]
            self._samples.clear()
            self._said.clear()
            self._bytes = 0
            self._change.notify_all()
            return batch
