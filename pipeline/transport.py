"""Play, pause, step, seek and speed of a replay: pressed from any thread, obeyed between two samples."""

import asyncio
import time
from threading import Lock

from pipeline.messages import FOREVER, NS

POLL_S = 0.02
"""So often a replay that waits looks whether something was pressed."""


class Transport:
    """The buttons of one replay; every time is a log time in nanoseconds.

    The replay asks ``due`` before each sample and tells ``shown`` after each window. A pass reads ``[start, end)`` of
    the log. ``seek`` ends it, and the next one begins at the place that was sought, with a line that remembers nothing:
    so what comes out of a pass depends on the log and its start alone, however it was paused and sped up. ``rate`` is
    how many times as fast as it was recorded; None is as fast as the line takes it.

        transport = Transport(rate=1.0)
        transport.pause(); transport.step(); transport.seek(stamp); transport.play()
    """

    def __init__(
        self,
        rate: float | None = None,
        start: int = 0,
        end: int = FOREVER,
        is_paused: bool = False,
        is_looping: bool = False,
        is_staying: bool = False,
    ) -> None:
        self.start, self.end = start, end
        self.is_looping = is_looping  # a pass that came to its end begins again
        self.is_staying = is_staying  # a pass that came to its end waits for what is pressed next
        self.position = start  # of the newest sample that was let through
        self._rate = _checked(rate)
        self._is_paused = is_paused
        self._steps = 0  # windows that may still be shown while paused
        self._sought: int | None = None
        self._is_stopped = False
        self._has_ended = False
        self._anchor: tuple[float, int] | None = None  # when the clock was last started, and what was due then
        self._lock = Lock()

    @property
    def rate(self) -> float | None:
        """How many times as fast as recorded; setting it holds from the next sample on. Raise ValueError below 0."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        with self._lock:
            self._rate, self._anchor = _checked(rate), None

    @property
    def is_paused(self) -> bool:
        """Whether nothing moves until ``play`` or ``step``."""
        return self._is_paused

    @property
    def has_ended(self) -> bool:
        """Whether a pass came to its end, and no other has begun."""
        return self._has_ended

    @property
    def is_stopped(self) -> bool:
        """Whether the replay is to end, or has."""
        return self._is_stopped

    def play(self) -> None:
        """Go on."""
        with self._lock:
            self._is_paused, self._steps, self._anchor = False, 0, None

    def pause(self) -> None:
        """Hold before the next sample."""
        with self._lock:
            self._is_paused, self._steps = True, 0

    def step(self) -> None:
        """Go on to the next window, and hold there."""
        with self._lock:
            self._is_paused, self._anchor = True, None
            self._steps += 1

    def seek(self, stamp: int) -> None:
        """Begin anew at ``stamp``, or at the nearest place in ``[start, end)``; while paused, show its first window."""
        with self._lock:
            self._sought = min(max(stamp, self.start), self.end - 1)

    def stop(self) -> None:
        """End the pass, and let none follow."""
        with self._lock:
            self._is_stopped = True

    def begin(self) -> int:
        """Return where the pass that now begins is to start."""
        with self._lock:
            place, self._sought, self._anchor = self._sought, None, None
            self._has_ended = False
            if place is not None:
                self._steps = int(self._is_paused)
            self.position = self.start if place is None else place
            return self.position

    async def goes_on(self) -> bool:
        """Return whether another pass follows the one that has ended, once that is known."""
        while self.is_staying and not self.is_looping and not self._is_over():
            self._has_ended = True
            await asyncio.sleep(POLL_S)
        return not self._is_stopped and (self._sought is not None or self.is_looping)

    async def due(self, log_time: int) -> bool:
        """Wait until the sample of ``log_time`` may pass. Return False where the pass ends before it."""
        while not self._is_over():
            wait_s = self._wait_s(log_time)
            if wait_s <= 0:
                self.position = log_time
                return True
            await asyncio.sleep(min(wait_s, POLL_S))
        return False

    async def shown(self) -> None:
        """Count a window that was shown, and wait while there is a pause and no step is due."""
        with self._lock:
            if not self._is_over():  # else it is one of those that close as the pass ends
                self._steps = max(0, self._steps - 1)
        while self._is_held() and not self._is_over():
            await asyncio.sleep(POLL_S)

    def _is_held(self) -> bool:
        return self._is_paused and not self._steps

    def _is_over(self) -> bool:
        return self._is_stopped or self._sought is not None

    def _wait_s(self, log_time: int) -> float:
        """Seconds until a sample is due, and more than 0 while there is a pause."""
        with self._lock:
            if self._is_held():
                self._anchor = None
                return POLL_S
            if self._rate is None:
                return 0.0
            now = time.monotonic()
            began, first = self._anchor = self._anchor or (now, log_time)
            return began + (log_time - first) / NS / self._rate - now


def _checked(rate: float | None) -> float | None:
    if rate is not None and not rate > 0:
        raise ValueError(f"a replay's rate of {rate} is not above 0")
    return rate
