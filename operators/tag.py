"""One label on its way through the windows: when its event opens and closes, and what persons said of them.

D = dimension of the joint space.
"""

from collections.abc import Iterator, Mapping
from math import inf

from msgspec.structs import replace

from operators.episodes import Episodes
from operators.labels import SAID, Row, Wanted
from operators.marks import Marks
from pipeline.messages import Event, Window

FUSED = "fused"
"""The name of the fused vector beside topics."""


class Tag:
    """``wanted`` may be replaced at any time; what is open stays open, and marks hold on."""

    def __init__(self, wanted: Wanted, source: str, quiet: int, least: int, cooldown: int) -> None:
        self.wanted = wanted
        self.least = least
        self.cooldown = cooldown  # nanoseconds
        self.marks = Marks()
        self.probability = 0.0
        label = wanted.command.label
        self._episodes = Episodes(f"{source}/{label}", label, source, quiet)
        self._firsts: list[Window] = []  # windows in a row that an event may begin with
        self._ended = -cooldown  # end of the last event

    def strength(self, spreads: Mapping[str, Mapping[str, float]], modality_of: Mapping[str, str]) -> float:
        """Return what speaks for the label, in spreads above the usual: of its strongest row.

        ``spreads`` are by name of vector and key of row, ``modality_of`` by topic. A row for which nobody is there that
        may speak is as usual.
        """
        fused, found = spreads[FUSED], []
        for row in self.wanted.rows:
            own = [spreads[topic][row.key] for topic in self._speaking(row, modality_of)]
            mean = sum(own) / len(own) if own else 0.0
            if row.kind == SAID and not self.wanted.command.modalities:
                found.append(fused[row.key])
            elif row.kind == SAID and own:
                found.append((fused[row.key] + mean) / 2)
            else:
                found.append(mean)
        return max(found)

    def evidence(self, spreads: Mapping[str, Mapping[str, float]], modality_of: Mapping[str, str]) -> dict[str, float]:
        """Return what speaks for the label by topic, of those that may."""
        found: dict[str, float] = {}
        for row in self.wanted.rows:
            for topic in self._speaking(row, modality_of):
                found[topic] = max(found.get(topic, -inf), spreads[topic][row.key])
        return found

    def _speaking(self, row: Row, modality_of: Mapping[str, str]) -> list[str]:
        """Return the topics that may speak for ``row``."""
        named = self.wanted.command.modalities if row.kind == SAID else (row.kind,)
        return [topic for topic, modality in modality_of.items() if not named or modality in named]

    def seen(
        self, window: Window, probability: float, threshold: float, release: float, evidence: Mapping[str, float]
    ) -> Iterator[Event]:
        """Let one window pass; yield what opens, changes or closes."""
        self.probability = probability
        severity = self.wanted.command.severity or "info"
        if self._episodes.is_open:
            if probability < release:
                yield from self._passed(list(self._episodes.missed()))
            else:
                yield from self._episodes.seen(window, probability, evidence, severity)
            return
        self._firsts = [*self._firsts, window] if probability >= threshold else []
        if len(self._firsts) >= self.least and self._firsts[0].start >= self._ended + self.cooldown:
            begun = replace(window, start=self._firsts[0].start)
            yield from self._episodes.seen(begun, probability, evidence, severity)
            self._firsts = []
        self._firsts = self._firsts[-self.least :]

    def finish(self) -> Iterator[Event]:
        """Close what is open."""
        self._firsts = []
        yield from self._passed(list(self._episodes.finish()))

    def _passed(self, events: list[Event]) -> list[Event]:
        if events:
            self._ended = events[-1].end
        return events
