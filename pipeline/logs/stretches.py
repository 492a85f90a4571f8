"""Records only what lies around events: a ring of the last seconds in memory, written when one opens."""

from collections import deque
from collections.abc import Mapping

from pipeline.logs.rows import EmbeddingRow, Row
from pipeline.logs.segments import Segments
from pipeline.messages import NS, Event, Received

RING_MB = 512.0
"""The ring holds no more, whatever the seconds: six seconds of 720p at 30 Hz."""

ROW_BYTES = 1024


class Stretches:
    """Writes to ``segments``, a new one for each stretch, from ``before_s`` before an event to ``after_s`` after it.

    Time is that of receipt. Whatever is said of an event begins or prolongs a stretch, so one that stays open and
    silent does not record for ever.
    """

    def __init__(self, segments: Segments, before_s: float, after_s: float, ring_mb: float = RING_MB) -> None:
        self._segments = segments
        self._before, self._after = round(before_s * NS), round(after_s * NS)
        self._max_bytes = round(ring_mb * 1e6)
        self._ring: deque[tuple[Received | Row, int, int]] = deque()  # with its time and size
        self._size = 0
        self._until = -1  # what comes before is written

    def sample(self, received: Received) -> None:
        """Take one sample."""
        self._take(received, received.received, received.sample.data.nbytes + ROW_BYTES)

    def row(self, row: Row, log_time: int) -> None:
        """Take one row."""
        if isinstance(row, Event):
            self._until = log_time + self._after
            self._empty()
        size = ROW_BYTES + (32 * len(row.vector) if isinstance(row, EmbeddingRow) else 0)
        self._take(row, log_time, size)

    def flush(self) -> None:
        """Hand what is written to the operating system."""
        self._segments.flush()

    def sync(self) -> None:
        """Hand what is written to the disk itself."""
        self._segments.sync()

    def finish(self, told: Mapping[str, str]) -> None:
        """End what is written, without digests: a replay of it is no repetition of the run."""
        self._segments.finish({name: value for name, value in told.items() if name != "digests"})

    def abandon(self) -> None:
        """Let go of a folder that takes no more."""
        self._segments.abandon()

    def _take(self, item: Received | Row, now: int, size: int) -> None:
        if now <= self._until:
            self._write(item, now)
            return
        if self._until >= 0:
            self._until = -1
            self._segments.cut()
        self._ring.append((item, now, size))
        self._size += size
        while self._ring and (self._size > self._max_bytes or self._ring[0][1] < now - self._before):
            self._size -= self._ring.popleft()[2]

    def _empty(self) -> None:
        while self._ring:
            item, now, _ = self._ring.popleft()
            self._write(item, now)
        self._size = 0

    def _write(self, item: Received | Row, now: int) -> None:
        if isinstance(item, Received):
            self._segments.sample(item)
        else:
            self._segments.row(item, now)
