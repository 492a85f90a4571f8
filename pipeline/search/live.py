"""The index of a running line: a viewer that never waits."""

import time
from collections import deque
from threading import Event as Flag
from threading import Thread

from pipeline.errors import SearchError
from pipeline.messages import Event, Observation, Received
from pipeline.search.index import Index
from pipeline.search.table import Moments

FLUSH_S = 2.0
"""How soon a moment can be found."""

CLOSE_S = 30.0
"""How long the rest may take to be written in the end."""


class LiveIndex:
    """Indexes observations as they come, in a thread of its own behind a queue of ``queue`` of them.

    What does not fit is left out and counted in ``dropped``; the line does not wait. ``error`` is a sentence once
    writing has failed; nothing more is indexed then. The log of a live moment is ``log``, or the rig's name and when
    the line was started.
    """

    def __init__(
        self,
        path: str = "out/index",
        queue: int = 64,
        log: str = "",
        rig: str = "rig",
        model: str = "",
    ) -> None:
        if queue < 1:
            raise ValueError(f"queue {queue} must be 1 or more")
        self.path = path
        self.queue = queue
        self.log = log
        self.rig = rig
        self.model = model
        self.dropped = 0
        self.error = ""
        self._waiting: deque[Observation | Event] = deque()
        self._stop = Flag()
        self._thread: Thread | None = None

    def sample(self, received: Received) -> None:
        """Single samples are not indexed."""

    def write(self, event: Event) -> None:
        """Take note of an event."""
        self._put(event)

    def show(self, observation: Observation) -> None:
        """Take an observation to be indexed."""
        self._put(observation)

    def close(self) -> None:
        """Write what waits."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _put(self, thing: Observation | Event) -> None:
        if self.error or (isinstance(thing, Observation) and len(self._waiting) >= self.queue):
            self.dropped += isinstance(thing, Observation)
            return
        self._waiting.append(thing)
        if self._thread is None:
            self._thread = Thread(target=self._work, name="index", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        log = self.log or f"{self.rig} {time.strftime('%Y-%m-%d %H:%M:%S')}"
        index: Index | None = None
        early: list[Event] = []
        try:
            while True:
                stopped = self._stop.wait(FLUSH_S)
                while self._waiting:
                    thing = self._waiting.popleft()
                    if isinstance(thing, Event):
                        early.append(thing)
                    elif thing.embeddings:
                        index = index or Index(Moments(self.path, self.model, len(thing.fused)), log, self.rig)
                        for event in early:
                            index.write(event)
                        early.clear()
                        index.show(thing)
                if index is not None:
                    index.flush()
                if stopped:
                    break
            if index is not None:
                index.moments.optimize()
        except (SearchError, OSError, RuntimeError, ValueError) as error:
            self.error = f"{self.path}: nothing more is indexed: {error}"
            self._waiting.clear()
