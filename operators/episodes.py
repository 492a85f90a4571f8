"""From a score per window to an event that opens, is updated and closes."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from pipeline.messages import Event, Severity, Window


class Episodes:
    """The events of one thing, one after another.

    An event opens with the first window that is ``seen`` in, is updated on a new peak of its score, and closes once
    ``quiet`` windows in a row were ``missed`` in. It lasts from the start of the first window to the end of the last
    one that it was seen in; score and evidence are those of the peak. The id follows from name and start.
    """

    def __init__(self, name: str, label: str, source: str, quiet: int) -> None:
        self.name = name
        self.label = label
        self.source = source
        self.quiet = quiet
        self.num_windows = 0  # since the open event began; 0 without one
        self._event: Event | None = None
        self._num_missed = 0

    @property
    def is_open(self) -> bool:
        """Whether an event is under way."""
        return self._event is not None

    def seen(
        self,
        window: Window,
        score: float,
        evidence: Mapping[str, float],
        severity: Severity = "info",
        nearest: int = 0,
    ) -> Iterator[Event]:
        """Open an event, or let the open one go on."""
        before, self._num_missed = self._event, 0
        self.num_windows += 1
        if before is None:
            self._event = Event(
                id=f"{self.name}@{window.start}",
                phase="opened",
                start=window.start,
                end=window.end,
                label=self.label,
                score=score,
                source=self.source,
                evidence=evidence,
                severity=severity,
                nearest=nearest,
            )
            yield self._event
        elif score > before.score:
            peak = {"label": self.label, "score": score, "evidence": evidence, "severity": severity, "nearest": nearest}
            self._event = replace(before, phase="updated", end=window.end, **peak)
            yield self._event
        else:
            self._event = replace(before, end=window.end)

    def missed(self) -> Iterator[Event]:
        """Let a window pass without it."""
        if self._event:
            self.num_windows += 1
            self._num_missed += 1
            if self._num_missed >= self.quiet:
                yield from self.finish()

    def finish(self) -> Iterator[Event]:
        """Close the open event, if there is one."""
        if self._event:
            yield replace(self._event, phase="closed")
        self._event, self.num_windows, self._num_missed = None, 0, 0
