"""Carries events to where the way is long: a thread, a bounded queue, and another try after every failure."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from pipeline.messages import Event

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
"""Between two tries; each pause is twice the last."""

CLOSE_S = 3.0
"""How long the rest of the queue may take in the end."""


class RefusedError(Exception):
    """The other side will never take this event; its text says why."""


class Courier:
    """Hands events to ``deliver``, one after another, in a thread of its own.

    ``deliver`` raises OSError where another try may help, and RefusedError where none does. Of more than ``limit``
    waiting events the oldest are dropped. ``error`` is the last thing that went wrong, in words; nothing here raises.
    """

    def __init__(self, deliver: Callable[[Event], None], limit: int) -> None:
        self.delivered = 0
        self.dropped = 0  # given up: refused, or too many
        self.error = ""
        self._deliver = deliver
        self._limit = limit
        self._queue: deque[tuple[int, Event]] = deque()
        self._num_written = 0
        self._changed = Condition()
        self._stop_at: float | None = None
        self._thread = Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    @property
    def acknowledged(self) -> int:
        """How many of the events written, in their order, were delivered or dropped."""
        with self._changed:
            return self._queue[0][0] if self._queue else self._num_written

    def write(self, event: Event) -> None:
        """Queue ``event``; never waits."""
        with self._changed:
            self._queue.append((self._num_written, event))
            self._num_written += 1
            if len(self._queue) > self._limit:
                del self._queue[1 if self._limit > 1 else 0]  # the first is on its way
                self.dropped += 1
            self._changed.notify()

    def close(self) -> None:
        """Deliver what is waiting, for some seconds at most."""
        with self._changed:
            self._stop_at = time.monotonic() + CLOSE_S
            self._changed.notify()
        self._thread.join(CLOSE_S)

    def told(self) -> str:
        """Say in words what became of the events."""
        counts = {"delivered": self.delivered, "dropped": self.dropped, "left waiting": len(self._queue)}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count or what == "delivered")
        return f"{said}; last trouble: {self.error}" if self.error else said

    def _work(self) -> None:
        pause_s = FIRST_PAUSE_S
        while (item := self._next()) is not None:
            try:
                self._deliver(item[1])
            except RefusedError as error:
                self._settled(item, str(error))
            except OSError as error:
                self.error = str(error) or type(error).__name__
                if not self._rests(pause_s):
                    return
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                self._settled(item)
                pause_s = FIRST_PAUSE_S

    def _next(self) -> tuple[int, Event] | None:
        """Return the oldest event when there is one; None when all is done and none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stop_at is not None)
            return self._queue[0] if self._queue else None

    def _settled(self, item: tuple[int, Event], trouble: str = "") -> None:
        with self._changed:
            if self._queue and self._queue[0] is item:
                self._queue.popleft()
            if trouble:
                self.dropped += 1
                self.error = trouble
            else:
                self.delivered += 1

    def _rests(self, pause_s: float) -> bool:
        """Pause; return whether another try is in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop_at is not None, pause_s)
            stop_at = self._stop_at
        if stop_at is not None and time.monotonic() < stop_at:
            time.sleep(min(pause_s, FIRST_PAUSE_S))
        return stop_at is None or time.monotonic() < stop_at
