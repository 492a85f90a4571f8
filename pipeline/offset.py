"""What must be added to the stamps of one sender to have them on the reference clock, from the times of receipt alone.

``received - stamp`` is how far the sender's clock is behind, plus the delay between capture and receipt. No stamps that
go one way can tell these two apart, so what is not known is assumed, once:

- The smallest delay lies within ``[-EARLY, MAX_DELAY]``, as it does for every clock that is kept by NTP: the stamps
  are **trusted**, nothing is added. A camera that takes 40 ms keeps its 40 ms.
- It lies outside: this is another clock. The smallest delay is taken for 0 (for a chunk of sound: its length), and
  what remains is added. The stamps are then too late by the true smallest delay, which only an exchange can tell.

Either way the *delay* is settled then, and what later moves the envelope is the clock's. Drift is followed once it is
more than jitter. A leap of the envelope is believed when it lasts: it was the clock's if it is more than delays do, or
if the stamps leapt and not the times of receipt; else the delay has changed and the clock has not.
"""

from msgspec import Struct

from pipeline.envelope import HORIZON, Envelope, Line
from pipeline.messages import NS

EARLY = 5_000_000
"""A stamp so little after its own receipt is what NTP leaves between two hosts, 0.1–1 ms and some ms over radio."""

MAX_DELAY = NS // 5
"""The longest smallest delay between capture and receipt that is still taken for one: the camera of a phone over
radio has 0.15 s. Above it the clock is thought to be wrong."""

AHEAD, BEHIND = NS // 20, 10 * NS
"""A corrected stamp this far after its own receipt is impossible, and this far before it is no queue's doing."""

SECOND, FEWEST = NS, 3
"""The smallest delay is taken of at least so long and so many samples."""

LEAP, STEP, QUEUE, DEVIATIONS = 10_000_000, NS // 20, NS, 6.0
"""The envelope leaps when it is off its line by LEAP, and by so many deviations. A leap of less than STEP is none of a
clock, one of more than QUEUE is no longer of a queue; in between the clock has leapt only if the stamps have."""

PATIENCE, HASTE, DESPAIR = 3, 2, 15
"""Seconds that a leap must last: where a queue may explain it; where nothing else does, as it goes downwards, or the
stamps leapt themselves; and at most, where its seconds do not agree."""

KEEN, LONG, SLOW = 80e-6, 10 * NS, 20_000_000
"""Drift of a trusted clock is followed from 80 ppm on, seen for 10 s, or for half of it if it amounts to LEAP by then;
slower drift once it amounts to 20 ms. Crystals
are off by 20–50 ppm, and a clock that its time daemon pulls in slides by as much for minutes (the IMU of the Husky log
by 71 ppm) and is right in the end."""

BEYOND = 500e-6
"""Drift beyond this is named: ten times what a crystal has, and the most that NTP slews by."""

EASE = 2 * NS
"""A correction that is found to be off reaches its new value in this time, so that stamps go on rising."""


class Told(Struct, frozen=True):
    """Something that happened to a clock: by nanoseconds ("offset", "step") or parts in a million ("skew")."""

    kind: str
    amount: float


class Offset:
    """Follows one sender's clock by its samples, in order of their receipt.

    ``shortest`` is the delay that a sample has at least: the length of a chunk of sound. ``told`` gathers what
    happened, until somebody takes it away.
    """

    def __init__(self, shortest: int = 0) -> None:
        self.told: list[Told] = []
        self.delay = 0  # what of the envelope is not the clock's
        self.is_followed = False  # whether anything is added at all
        self.is_assumed = False  # whether ``delay`` was taken for the shortest
        self.is_fresh = False  # whether the last sample ended a second
        self.locked = 0  # when the clock was first understood, or again after a step; 0 is not yet
        self._shortest = shortest
        self._envelope, self._began = Envelope(), 0
        self._line = Line(0, 0)
        self._lag, self._since = 0, 0
        self._second = _Second(0)
        self._leaps: list[_Second] = []
        self._earlier = self._before = (0, 0, 0)  # receipt, stamp and seq of the last two samples
        self._has_slipped = False  # whether the last leap from one sample to the next was one of stamps
        self._is_doubted = False
        self._is_beyond = False

    def correct(self, received: int, stamp: int, seq: int) -> int | str:
        """Return what to add to ``stamp``, or why it cannot be one: "future" or "past"."""
        delay, before = received - stamp, self._before
        self._before = (received, stamp, seq)
        self.is_fresh = False
        if self._second.count >= FEWEST and not 0 <= received - self._second.begun < SECOND:
            self._end(self._second, received)
            self._second = _Second(received)
        if not self.locked:
            return self._first(received, delay)
        if not -STEP < delay - before[0] + before[1] < STEP:
            self._has_slipped = _is_slip(self._earlier, before, self._before)
        self._earlier = before
        correction = self.at(received)
        if delay - correction < -AHEAD:
            self._second.sees_ahead(received, delay)
            return "future"
        self._second.sees(received, delay)
        late = delay - correction - self.delay
        return "past" if late > BEHIND or (late > STEP and self._has_slipped) else correction

    def at(self, time: int) -> int:
        """Return what is added to stamps received at ``time``."""
        if not self.is_followed:
            return 0
        correction = self._line.at(time) - self.delay
        left = EASE - (time - self._since)
        return correction + self._lag * left // EASE if 0 < left <= EASE else correction

    def envelope(self, time: int) -> int:
        """Return the smallest delay that stamps have as they come."""
        return self._line.at(time)

    @property
    def slope(self) -> float:
        """Nanoseconds that the correction grows by in a nanosecond."""
        return self._line.slope if self.is_followed else 0.0

    @property
    def deviation(self) -> float:
        """Nanoseconds, of the smallest delays of single seconds about the envelope."""
        return self._line.deviation

    def assume(self, delay: int, time: int) -> None:
        """Take ``delay`` out of the envelope at ``time``; the rest is the clock's."""
        before = self.at(time)
        self.is_followed, self.delay = True, delay
        self._ease(before, time)

    def trust(self, time: int) -> None:
        """Take the stamps as they come: all of the envelope is delay."""
        self.is_followed, self.is_assumed = False, False
        self.delay = self._line.at(time)

    def _ease(self, before: int, time: int) -> None:
        """Go from the correction ``before`` to the present one without haste, unless it is far off."""
        self._lag, self._since = 0, time
        lag = before - self.at(time)
        self._lag = lag if abs(lag) < STEP else 0

    def _first(self, received: int, delay: int) -> int | str:
        """Correct in the first second: by the smallest delay so far, unless a queue explains that."""
        second = self._second
        if second.count and delay > second.lowest + BEHIND:
            if not self._is_doubted:
                self._is_doubted = True
                return "past"
            self._second = second = _Second(received)  # it was the first that came from the future
        elif not second.count:
            self._second = second = _Second(received)
        self._is_doubted = False
        second.sees(received, delay)
        return 0 if -EARLY <= second.lowest <= BEHIND else second.lowest - self._shortest

    def _end(self, second: "_Second", received: int) -> None:
        """Learn from a second that is over."""
        self.is_fresh = True
        if not self.locked:
            self._lock(second, received)
            return
        off = second.lowest - self._line.at(second.time)
        if not second.is_ahead and abs(off) <= self._jitter:
            self._leaps.clear()
            self._envelope.add(second.time, second.lowest)
            self._follow(received)
            return
        self._leaps.append(second)
        lasting = HASTE if second.is_ahead or self._has_slipped else PATIENCE
        recent = self._leaps[-lasting:]
        if (len(recent) == lasting and self._agree(recent)) or len(self._leaps) >= DESPAIR:
            self._leaps.clear()
            if not self._drifts(recent, received):
                self._leap(recent, received)

    @property
    def _jitter(self) -> float:
        return max(LEAP, DEVIATIONS * self._line.deviation)

    def _agree(self, seconds: list["_Second"]) -> bool:
        """Say whether the envelope has leapt and stayed there."""
        off = [second.lowest - self._line.at(second.time) for second in seconds]
        return len({second.is_ahead for second in seconds}) == 1 and max(off) - min(off) <= self._jitter

    def _lock(self, second: "_Second", received: int) -> None:
        """The first second is over: trust the clock, or assume that the quickest sample took no time."""
        self.locked = received
        self._envelope.add(second.time, second.lowest)
        self._line, self._began = self._envelope.line(), second.begun
        if self._is_plausible(second.lowest):
            self.trust(received)
        else:
            self.is_followed, self.is_assumed, self.delay = True, True, self._shortest
            self.told.append(Told("offset", self.at(received)))

    def _is_plausible(self, delay: int) -> bool:
        return -EARLY <= delay <= MAX_DELAY + self._shortest

    def _follow(self, received: int) -> None:
        """Lay the line anew, and begin to follow it where it drifts."""
        before = self.at(received)
        line = self._line = self._envelope.line()
        rise = abs(line.slope) * self._envelope.span
        is_seen = line.is_sloping and self._envelope.span >= (LONG if rise < LEAP else LONG // 2)
        if self.is_followed:
            self._ease(before, received)
        else:
            if len(self._envelope) < HORIZON:
                self.delay = line.at(self._began)
            is_keen = is_seen and abs(line.slope) >= KEEN
            if is_keen or abs(line.at(received) - self.delay) > SLOW:
                self.assume(self.delay, received)
        if is_seen and self.is_followed:
            self._name_skew(line.slope)

    def _name_skew(self, slope: float) -> None:
        """Tell of a slope once, until it has gone."""
        was_beyond = self._is_beyond
        self._is_beyond = abs(slope) > BEYOND * (0.8 if was_beyond else 1)
        if self._is_beyond and not was_beyond:
            self.told.append(Told("skew", -slope * 1e6))

    def _drifts(self, seconds: list["_Second"], received: int) -> bool:
        """Say whether what seemed a leap is a slope that was too steep to be known in time, and follow that."""
        for second in seconds:
            self._envelope.add(second.time, second.lowest)
        line = self._envelope.line()
        if not line.is_sloping or any(abs(second.lowest - line.at(second.time)) > LEAP for second in seconds):
            return False
        self._follow(received)
        return True

    def _leap(self, seconds: list["_Second"], received: int) -> None:
        """Begin anew with what the envelope is now: the clock has stepped, or the delay has changed."""
        before, leap = self.at(received), -self._line.at(received)
        self._envelope = Envelope(self.slope)
        for second in seconds:
            self._envelope.add(second.time, second.lowest)
        self._line, self._began, self._lag = self._envelope.line(), seconds[0].begun, 0
        now = self._line.at(received)
        leap += now
        if seconds[-1].is_ahead or self._is_of_clock(leap, now - before):
            self._step(leap, now, received)
        else:
            self.delay = now - before
        self._has_slipped = False

    def _is_of_clock(self, leap: int, delay: int) -> bool:
        """Say whether the clock made the envelope leap, and not the delay, which would be ``delay`` then."""
        least = (self._shortest if self.is_assumed else 0) - EARLY
        return delay < least or abs(leap) > QUEUE or (abs(leap) >= STEP and self._has_slipped)

    def _step(self, leap: int, now: int, received: int) -> None:
        """The clock has stepped: the delay is what it was, unless the stamps have become right as they come."""
        self.locked = received
        if self._is_plausible(now) and (self.is_assumed or abs(now - self.delay) <= EARLY):
            self.trust(received)
        else:
            self.is_followed = True
        if abs(leap) >= STEP:
            self.told.append(Told("step", -leap))


class _Second:
    """The smallest delays of a second, or of as much time as has enough samples."""

    def __init__(self, begun: int) -> None:
        self.begun = begun
        self.count = 0
        self.is_ahead = False  # whether there were only stamps from the future
        self.time, self.lowest = 0, 0

    def sees(self, time: int, delay: int) -> None:
        """Take a sample that can be."""
        if not self.count or self.is_ahead or delay < self.lowest:
            self.time, self.lowest, self.is_ahead = time, delay, False
        self.count += 1

    def sees_ahead(self, time: int, delay: int) -> None:
        """Take one from the future: it counts if there is no other."""
        if not self.count or (self.is_ahead and delay < self.lowest):
            self.time, self.lowest, self.is_ahead = time, delay, True
        self.count += 1


def _is_slip(first: tuple[int, int, int], second: tuple[int, int, int], third: tuple[int, int, int]) -> bool:
    """Say whether between the last two of three samples the stamps have leapt and the times of receipt have not.

    A stamp that comes twice is no leap; nor is what a sender leaves out to catch up, after a sample that was held up.
    """
    if not first[2] < second[2] < third[2] or second[1] == third[1]:
        return False
    due = (second[1] - first[1]) * (third[2] - second[2]) // (second[2] - first[2])
    held_up = (second[0] - first[0]) - (second[1] - first[1])
    return abs(third[1] - second[1] - due) > max(STEP // 2, 2 * abs(third[0] - second[0] - due), 2 * abs(held_up))
