"""What the stamps of one sender count, and whether they count at all."""

from pipeline.messages import NS, Received

UNITS = {1: "ns", 1_000: "us", 1_000_000: "ms", NS: "s"}
"""What stamps have been seen to count, by the nanoseconds in it."""

NEAR = 30 * 86_400 * NS
"""A stamp that lies within a month of its receipt when read in a unit has that unit. For a clock that counts from its
start the same is true only within a few seconds of one moment: milliseconds of today are 20 minutes of nanoseconds."""

SURE = NS
"""After so long the unit is certain in which a clock that counts from its start keeps pace with the receipts."""

STILL = NS // 50
"""Equal stamps over less than this, or over two periods, are those of a burst or of a coarse clock."""

TOLD_AFTER = 20
"""So many samples stamped exactly when sent, or received, are no coincidence."""


class Stamps:
    """Reads the stamps of one sender as nanoseconds.

    ``is_missing`` is true of a sender that stamps nothing, or whole seconds: the time of
    receipt stands in. ``is_changed`` is true after a sample from which on stamps are read in another way than before.
    """

    def __init__(self, period: int) -> None:
        self.unit = 1
        self.is_missing = False
        self.is_changed = False
        self._still = max(STILL, 2 * period)
        self._is_known = False  # whether the unit is certain
        self._first: tuple[int, int] | None = None  # stamp and receipt
        self._last, self._since = -1, 0  # the last stamp, and when it was first received
        self._count, self._on_receipt, self._on_sending = 0, 0, 0

    def read(self, received: Received) -> int | str:
        """Return the stamp in nanoseconds, or why there is none: "frozen" or "no stamp"."""
        stamp, time = received.sample.stamp, received.received
        self._count += 1
        if stamp == time:
            self._on_receipt += 1
        if stamp == received.sent != 0:
            self._on_sending += 1
        self.is_changed = False
        if not self._is_known:
            self._find_unit(stamp, time)
        if self.is_missing:
            return time
        if stamp != self._last:
            self._last, self._since = stamp, time
        elif time - self._since > self._still:
            return "frozen"
        return stamp * self.unit if stamp else "no stamp"

    @property
    def are_of_receipt(self) -> bool:
        """Whether every sample is stamped with its own receipt."""
        return self._count > TOLD_AFTER and self._on_receipt == self._count

    @property
    def are_of_sending(self) -> bool:
        """Whether every sample is stamped with the time at which it was sent."""
        return self._count > TOLD_AFTER and self._on_sending == self._count

    def _find_unit(self, stamp: int, time: int) -> None:
        """By the size of stamps; of a clock that counts from its start, by how fast they grow."""
        before = self.unit, self.is_missing
        if self._first is None or (self.is_missing and stamp and self.unit == 1):
            self._first = (stamp, time)
            near = [unit for unit in UNITS if abs(stamp * unit - time) < NEAR]
            self.unit, self._is_known = near[0] if near else 1, bool(near)
        grown, elapsed = stamp - self._first[0], time - self._first[1]
        for unit in UNITS:
            if elapsed < 2 * grown * unit < 4 * elapsed:
                self.unit, self._is_known = unit, elapsed >= SURE
        self.is_missing = self.unit == NS or (self._first[0] == 0 and stamp == 0)
        self.is_changed = before != (self.unit, self.is_missing)
