"""What arrives of one topic: its newest samples, still packed, and the numbers by which losses show."""

from collections import deque

from msgspec import Struct

from pipeline.ledger import Ledger
from pipeline.wire import Buffer, Header, Heartbeat

QUEUE_MB = 64
MISSING = 1024
"""How many missing numbers of a topic are remembered, should they still come."""


class Packed(Struct, frozen=True, eq=False):
    topic: str
    header: Header
    payload: Buffer
    received: int


class Queue:
    """The newest samples of one topic, bounded by count and by bytes."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.size = 0
        self.items: deque[Packed] = deque()

    def push(self, item: Packed) -> int:
        """Add ``item``; return how many older ones gave way."""
        self.items.append(item)
        self.size += len(item.payload)
        dropped = 0
        while len(self.items) > self.depth or (self.size > QUEUE_MB * 1e6 and len(self.items) > 1):
            self.size -= len(self.items.popleft().payload)
            dropped += 1
        return dropped

    def clear(self) -> list[Packed]:
        """Return all and hold nothing."""
        items = list(self.items)
        self.items.clear()
        self.size = 0
        return items


class Numbers:
    """Follows the numbers of one topic through its sender's sessions.

    A frame whose header cannot be read has a number all the same: as many missing numbers are put down to such
    frames, which are booked as rejected, before the rest is a gap; at a heartbeat also of those booked before.
    """

    def __init__(self) -> None:
        self.session = ""
        self.next = 0
        self.unreadable = 0
        self.dropped = 0  # at the source, of those in the gap
        self.old_sessions: deque[str] = deque(maxlen=16)
        self.missing: deque[int] = deque(maxlen=MISSING)

    def admit(self, topic: str, header: Header, ledger: Ledger) -> bool:
        """Book gap, restart and duplicate; return whether the sample is new."""
        if header.session != self.session:
            if header.session in self.old_sessions:
                ledger.count(topic, "rejected", detail="session")
                return False
            self._begin(topic, header.session, header.seq, ledger)
        if header.seq < self.next:
            if header.seq not in self.missing:
                ledger.count(topic, "duplicate")
                return False
            self.missing.remove(header.seq)
            ledger.count(topic, "gap", -1)
            return True
        self._skip_to(topic, header.seq, ledger)
        self.next = header.seq + 1
        return True

    def told(self, topic: str, heartbeat: Heartbeat, ledger: Ledger) -> None:
        """Book what the sender has sent and was not received."""
        if heartbeat.session in self.old_sessions:
            return
        if heartbeat.session != self.session:
            self._begin(topic, heartbeat.session, heartbeat.next_seq, ledger)
            self.dropped = heartbeat.dropped
        self._skip_to(topic, heartbeat.next_seq, ledger)
        explained = min(self.unreadable, ledger.total(topic, "gap"))
        ledger.count(topic, "gap", -explained)
        self.unreadable -= explained
        if fresh := heartbeat.dropped - self.dropped:
            ledger.count(topic, "gap", -fresh)
            ledger.count(topic, "gap", fresh, detail="at the source")
            self.dropped = heartbeat.dropped

    def _begin(self, topic: str, session: str, seq: int, ledger: Ledger) -> None:
        if self.session:
            ledger.count(topic, "restart")
            self.old_sessions.append(self.session)
        self.session, self.next = session, seq
        self.dropped = 0
        self.missing.clear()

    def _skip_to(self, topic: str, seq: int, ledger: Ledger) -> None:
        """Book the numbers up to ``seq`` as missing."""
        if seq > self.next:
            explained = min(self.unreadable, seq - self.next)
            self.unreadable -= explained
            ledger.count(topic, "gap", seq - self.next - explained)
            self.missing.extend(range(max(self.next, seq - MISSING), seq))
            self.next = seq
