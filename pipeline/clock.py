"""Stamps on the reference clock, which is that of the ingest: calibrated offsets added, clocks estimated and followed.

Pure: what becomes of a stamp depends on what was received before it, and on nothing else. Each stream is judged by
itself, from the start of its sender on; the streams of one sender then learn from each other.
"""

from collections.abc import Iterable

from pipeline.config import Channel
from pipeline.messages import NS, Received, Sample
from pipeline.offset import MAX_DELAY
from pipeline.sender import ClockReport, Incident, Sender

__all__ = ["Clock", "ClockReport", "Incident"]

KINSHIP = 10 * NS
"""So long after its clock was understood a stream looks at the others of its sender, which may know better."""


class Clock:
    """Corrects the stamps of a rig's ``channels``."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._channels = {channel.topic: channel for channel in channels}
        self._senders: dict[str, Sender] = {}
        self._incidents: list[Incident] = []

    def correct(self, received: Received) -> Sample | str:
        """Return the sample with its stamp on the reference clock, or why its stamp cannot be, in the ledger's words.

        These are "future", "past", "frozen" and "no stamp".
        """
        sample = received.sample
        sender = self._senders.get(sample.topic)
        if sender is None or sender.session != received.session:
            sender = self._senders[sample.topic] = Sender(self._channels[sample.topic], received)
        stamp = sender.correct(received)
        if sender.offset.is_fresh:
            self._learn_from_kin(sender, received.received)
        if sender.incidents:
            self._incidents += sender.incidents
            sender.incidents.clear()
        if isinstance(stamp, str):
            return stamp
        if stamp == sample.stamp:
            return sample
        return Sample(topic=sample.topic, stamp=stamp, frame_id=sample.frame_id, seq=sample.seq, data=sample.data)

    def exchange(self, topic: str, session: str, t1: int, t2: int, t3: int, t4: int) -> None:
        """Take one exchange with the sender of ``topic``: asked at ``t1``, received at ``t4``, between by its clock."""
        sender = self._senders.get(topic)
        if sender is not None and sender.session == session:
            sender.exchange(t1, t2, t3, t4)

    def report(self, topic: str) -> ClockReport:
        """Return how the stamps of ``topic`` come onto the reference clock."""
        sender = self._senders.get(topic)
        return sender.report() if sender else ClockReport(method="trusted")

    def incidents(self) -> list[Incident]:
        """Return what has happened since the last call."""
        incidents, self._incidents = self._incidents, []
        return incidents

    def _learn_from_kin(self, sender: Sender, now: int) -> None:
        """Streams of one sender have one clock, and the quickest of them knows it best."""
        own = sender.offset
        if not own.is_assumed or now - own.locked > KINSHIP:
            return
        known = own.at(now)
        kin = [other.offset for other in self._senders.values() if other.session == sender.session]
        best = min(other.at(now) for other in kin if other.is_assumed and known - other.at(now) <= MAX_DELAY)
        if best < known:
            own.assume(own.envelope(now) - best, now)
