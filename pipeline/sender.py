"""One stream's stamps, from the start of its sender on: read, corrected, refused, and told about."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from pipeline.config import Channel
from pipeline.exchange import Exchanges
from pipeline.messages import NS, Received, Sample
from pipeline.offset import BEHIND, EARLY, KEEN, MAX_DELAY, Offset
from pipeline.stamps import UNITS, Stamps

Method = Literal["trusted", "one-way", "exchange", "receipt"]

RECENT = 10 * NS
"""So long a report speaks of what has passed, and so long must have passed before the same is told again."""

NOTABLE = 1_000_000
"""A correction is a fault of the clock from here on."""

TEXTS = {
    "unit": "its stamps count {}, not ns; corrected",
    "no stamps": "its samples carry no stamps; the time of receipt stands in",
    "coarse": "its stamps count whole seconds; the time of receipt stands in",
    "sent": "its samples are stamped when sent, not when taken",
    "offset": "its clock is {}; corrected",
    "step": "its clock stepped by {}",
    "skew": "its clock runs {}, beyond what crystals do; corrected",
    "frozen": "its stamp stands still; samples are refused until it moves",
    "no stamp": "a sample of it has no stamp; refused",
    "future": "a stamp of it lies in the future; refused",
    "past": "a stamp of it lies too far in the past; refused",
}
"""What is said of each kind of incident, after the topic."""


class ClockReport(Struct, frozen=True, kw_only=True):
    """How one stream's stamps come onto the reference clock.

    ``offset_ns`` is what was last added to a stamp, beside the calibrated offset; ``skew_ppm`` how much faster than
    the reference the sender's clock runs, 0 while it is trusted. ``faults`` holds what is wrong, and what has been
    within the last ten seconds.

    ========  ==================================================  ==================================================
    method    what is done                                        ``uncertainty_ns``
    ========  ==================================================  ==================================================
    trusted   nothing: the delays are plausible                   the smallest delay, which may hide an offset
    one-way   the smallest delay is kept, or taken for 0          by so much all stamps may be too late
    exchange  an exchange of stamps has told the offset           half of the quickest round trip
    receipt   the time of receipt stands in for stamps            by so much each stamp may be too late
    ========  ==================================================  ==================================================
    """

    method: Method
    offset_ns: int = 0
    skew_ppm: float = 0.0
    uncertainty_ns: int = MAX_DELAY
    faults: tuple[str, ...] = ()


class Incident(Struct, frozen=True, kw_only=True):
    """Something that happened to a stream's clock; ``kind`` is a key of TEXTS, ``stamp`` on the reference clock."""

    topic: str
    session: str
    stamp: int
    kind: str
    text: str


class Sender:
    """Corrects one stream; ``first`` is its first sample. ``incidents`` gathers what happens, until it is cleared."""

    def __init__(self, channel: Channel, first: Received) -> None:
        self.session = first.session
        self.incidents: list[Incident] = []
        self._topic = channel.topic
        self._calibrated = round(channel.calibration.time_offset_s * NS)
        self._shortest = _length(first.sample, channel)
        self._stamps = Stamps(channel.period)
        self._exchanges = Exchanges()
        self._seen: dict[str, int] = {}  # kind of incident: when it was last so
        self._step = 0.0
        self._now = first.received
        self.offset = Offset(self._shortest)

    def correct(self, received: Received) -> int | str:
        """Return the stamp on the reference clock, or why it cannot be: "future", "past", "frozen" or "no stamp"."""
        self._now = received.received
        stamps = self._stamps
        stamp = stamps.read(received)
        if stamps.is_changed:
            self._begin()
        if isinstance(stamp, str):
            return self._refuse(stamp)
        stamp += self._calibrated
        if stamps.is_missing:
            return stamp
        correction = self.offset.correct(self._now, stamp, received.sample.seq)
        if self.offset.told:
            self._tell_of_clock()
        return self._refuse(correction) if isinstance(correction, str) else stamp + correction

    def exchange(self, t1: int, t2: int, t3: int, t4: int) -> None:
        """Take one exchange; one that contradicts the stamps is about another clock than theirs and changes nothing."""
        self._exchanges.add(t1, t2, t3, t4)
        best = self._exchanges.best()
        if best is None or not self.offset.locked or self._stamps.is_missing:
            return
        correction = best.correction + round(self.offset.slope * (self._now - best.time))
        delay = self.offset.envelope(self._now) - correction
        if not -EARLY - best.uncertainty <= delay <= BEHIND:
            self._exchanges.clear()
        elif self.offset.is_followed or abs(correction) > best.uncertainty:
            self.offset.assume(delay, self._now)
            self.offset.is_assumed = False
        else:
            self.offset.trust(self._now)

    def report(self) -> ClockReport:
        """Return how the stamps come onto the reference clock."""
        offset, faults = self.offset, tuple(self._faults())
        if self._stamps.is_missing:
            return ClockReport(method="receipt", faults=faults)
        best = self._exchanges.best()
        method: Method = "exchange" if best else "one-way" if offset.is_followed else "trusted"
        if method == "trusted" and self._stamps.are_of_receipt:
            method = "receipt"
        uncertainty = (
            best.uncertainty
            if best
            else MAX_DELAY
            if offset.is_assumed or method == "receipt"
            else max(0, offset.delay)
        )
        return ClockReport(
            method=method,
            offset_ns=offset.at(self._now),
            skew_ppm=0.0 - offset.slope * 1e6,
            uncertainty_ns=uncertainty + round(offset.deviation),
            faults=faults,
        )

    def _faults(self) -> Iterator[str]:
        stamps = self._stamps
        if stamps.unit != 1:
            yield f"unit: {UNITS[stamps.unit]}"
        elif stamps.is_missing:
            yield "no stamps"
        if stamps.are_of_sending:
            yield "sent"
        correction = self.offset.at(self._now)
        if abs(correction) >= NOTABLE:
            yield f"offset: {_duration(correction)}"
        if abs(self.offset.slope) >= KEEN:
            yield f"skew: {-self.offset.slope * 1e6:+.0f} ppm"
        for kind in ("step", "frozen", "no stamp", "future", "past"):
            if self._is_recent(kind):
                yield f"step: {_duration(self._step)}" if kind == "step" else kind

    def _begin(self) -> None:
        """The stamps are read in another way from now on."""
        self.offset = Offset(self._shortest)
        self._exchanges.clear()
        if self._stamps.unit == NS:
            self._tell("coarse")
        elif self._stamps.is_missing:
            self._tell("no stamps")
        elif self._stamps.unit != 1:
            self._tell("unit", UNITS[self._stamps.unit])

    def _refuse(self, word: str) -> str:
        if not self._is_recent(word):
            self._tell(word)
        self._seen[word] = self._now
        return word

    def _tell_of_clock(self) -> None:
        for told in self.offset.told:
            if told.kind == "step":
                self._exchanges.clear()
                self._step, self._seen["step"] = told.amount, self._now
                self._tell("step", _duration(told.amount))
            elif told.kind == "offset":
                self._tell("offset", f"{_duration(abs(told.amount))[1:]} {'behind' if told.amount > 0 else 'ahead'}")
            else:
                self._tell("skew", f"{abs(told.amount):.0f} ppm {'fast' if told.amount > 0 else 'slow'}")
        self.offset.told.clear()

    def _tell(self, kind: str, value: str = "") -> None:
        text = f"{self._topic}: {TEXTS[kind].format(value)}"
        self.incidents.append(Incident(topic=self._topic, session=self.session, stamp=self._now, kind=kind, text=text))

    def _is_recent(self, kind: str) -> bool:
        return kind in self._seen and self._now - self._seen[kind] <= RECENT


def _length(sample: Sample, channel: Channel) -> int:
    """Return how long after its stamp a sample is over: a chunk of sound is stamped by its first sample."""
    rate = channel.calibration.sample_rate_hz if channel.modality == "audio" else 0
    return round(len(sample.data) * NS / rate) if rate and sample.data.ndim else 0


def _duration(amount: float) -> str:
    """Say nanoseconds as people do.

    >>> _duration(-250_000_000), _duration(1_002_000_000), _duration(86400 * 365 * NS)
    ('-250.0 ms', '+1.002 s', '+365.0 days')
    """
    if abs(amount) < NS // 2:
        return f"{amount / 1e6:+.1f} ms"
    return f"{amount / NS:+.3f} s" if abs(amount) < 86_400 * NS else f"{amount / NS / 86_400:+.1f} days"
