"""Where every sample went: counts by topic and cause, so that no loss is silent.

For each topic, always: ``sent = used + superseded + late + duplicate + overflow + rejected + gap + in flight``.
All but the gap was received. What was sent is known by the samples' numbers, and by what the senders tell.
"""

from collections import Counter
from threading import Lock

ENDS = ("used", "superseded", "late", "duplicate", "overflow", "rejected")
"""What can become of a received sample."""

MEANING = {
    "received": "came in from the socket or the log",
    "used": "was within a window",
    "superseded": "was overtaken by newer ones while the line was busy",
    "late": "came after its window had closed",
    "duplicate": "had been seen before",
    "overflow": "fell out of a full synchronizer",
    "rejected": "was malformed, implausible or not finite; the detail says which",
    "gap": "was never received: its number is missing between two that were",
    "restart": "times the sender started anew",
}


class Ledger:
    """Counts by topic and cause; any thread may count.

    >>> ledger = Ledger()
    >>> ledger.count("/imu", "received", 3)
    >>> ledger.count("/imu", "rejected", detail="shape")
    >>> ledger.total("/imu", "rejected"), ledger.in_flight("/imu"), ledger.details("/imu")
    (1, 2, {'rejected shape': 1})
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._newest: dict[str, tuple[int, int]] = {}
        self._lock = Lock()

    def count(self, topic: str, cause: str, number: int = 1, detail: str = "") -> None:
        """Book ``number`` samples of ``topic`` under ``cause``, one of the keys of MEANING."""
        with self._lock:
            self._counts[topic, cause, detail] += number

    def saw(self, topic: str, stamp: int, received: int) -> None:
        """Remember the newest sample, for its age."""
        self._newest[topic] = (stamp, received)

    def newest(self, topic: str) -> tuple[int, int] | None:
        """Return stamp and time of receipt of the sample that came last."""
        return self._newest.get(topic)

    @property
    def topics(self) -> list[str]:
        """Every topic that has an entry, sorted."""
        with self._lock:
            return sorted({topic for topic, _, _ in self._counts})

    def total(self, topic: str, cause: str) -> int:
        """Return how many samples of ``topic`` ended by ``cause``, over all details."""
        with self._lock:
            return sum(n for (t, c, _), n in self._counts.items() if t == topic and c == cause)

    def row(self, topic: str) -> dict[str, int]:
        """Return every count of ``topic`` by cause."""
        return {cause: self.total(topic, cause) for cause in MEANING}

    def rows(self) -> dict[str, dict[str, int]]:
        """Return every count that is not 0, by topic and cause."""
        rows: dict[str, dict[str, int]] = {}
        with self._lock:
            for (topic, cause, _), number in self._counts.items():
                row = rows.setdefault(topic, {})
                row[cause] = row.get(cause, 0) + number
        return rows

    def sent(self, topic: str) -> int:
        """Return how many samples were sent, those included that came twice or not at all."""
        return self.total(topic, "received") + self.total(topic, "gap")

    def details(self, topic: str) -> dict[str, int]:
        """Return the counts of ``topic`` that have a detail, as "cause detail"."""
        with self._lock:
            return {f"{c} {detail}": n for (t, c, detail), n in self._counts.items() if t == topic and detail}

    def lost(self, topic: str) -> int:
        """Return how many samples of ``topic`` were sent and not used, for whatever cause but duplication."""
        return sum(self.total(topic, cause) for cause in (*ENDS[1:], "gap") if cause != "duplicate")

    def in_flight(self, topic: str) -> int:
        """Return how many received samples of ``topic`` have met no end yet."""
        return self.total(topic, "received") - sum(self.total(topic, cause) for cause in ENDS)
