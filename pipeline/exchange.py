"""What exchanges of question and answer say of a sender's clock, as NTP does it: four stamps, the quickest trip counts.

The ingest asks at ``t1``, the sender hears it at ``t2`` and answers at ``t3``, both by its own clock, and the answer
arrives at ``t4``. Half of what is left of the round trip bounds the error, however unequal the two ways are
(RFC 5905, section 8).
"""

from collections import deque

from msgspec import Struct

from pipeline.messages import NS
from pipeline.offset import MAX_DELAY

KEPT, FRESH = 16, 60 * NS
"""How many exchanges are kept, and how long: of eight NTP takes the quickest."""

LONGEST = 2 * MAX_DELAY
"""A longer trip tells less than the delay that stamps are trusted with."""


class Exchange(Struct, frozen=True, kw_only=True):
    """One question and its answer; ``t2`` and ``t3`` are by the clock of ``session``."""

    session: str
    t1: int
    t2: int
    t3: int
    t4: int

    @property
    def received(self) -> int:
        """When it was complete."""
        return self.t4

    @property
    def is_possible(self) -> bool:
        """Whether nothing of it ends before it begins."""
        return round_trip(self.t1, self.t2, self.t3, self.t4) is not None


class Answer(Struct, frozen=True):
    """What to add to the sender's stamps at ``time``, give or take ``uncertainty``; nanoseconds."""

    time: int
    correction: int
    uncertainty: int


class Exchanges:
    """Keeps the latest exchanges with one sender.

    >>> exchanges = Exchanges()  # the sender is 1000 ns ahead; the second trip was held up on its way back
    >>> exchanges.add(0, 1010, 1015, 25)
    >>> exchanges.add(100, 1110, 1115, 925)
    >>> exchanges.best()
    Answer(time=25, correction=-1000, uncertainty=10)
    """

    def __init__(self) -> None:
        self._answers: deque[Answer] = deque(maxlen=KEPT)

    def add(self, t1: int, t2: int, t3: int, t4: int) -> None:
        """Take one exchange; one that cannot have been, which ends before it begins, or is too long, is left out."""
        trip = round_trip(t1, t2, t3, t4)
        if trip is None or trip > LONGEST:
            return
        while self._answers and not 0 <= t4 - self._answers[0].time < FRESH:
            self._answers.popleft()
        self._answers.append(Answer(t4, ((t1 - t2) + (t4 - t3)) // 2, (trip + 1) // 2))

    def best(self) -> Answer | None:
        """Return the quickest exchange of those kept."""
        return min(self._answers, key=lambda answer: answer.uncertainty, default=None)

    def clear(self) -> None:
        """Forget all: the clock is another one."""
        self._answers.clear()


def round_trip(t1: int, t2: int, t3: int, t4: int) -> int | None:
    """Return how long question and answer were on their way, or None where that cannot have been.

    >>> round_trip(0, 1010, 1015, 25), round_trip(0, 1010, 1040, 25)
    (20, None)
    """
    trip = (t4 - t1) - (t3 - t2)
    return trip if trip >= 0 and t3 >= t2 and t4 >= t1 else None
