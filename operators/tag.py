"""One label on its way through the windows: when its event opens and closes, and what persons said of them.

D = dimension of the joint space.
"""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from operators.episodes import Episodes
from operators.labels import SAID, Wanted
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

        ``spreads`` are by name of vector and key of row, ``modality_of`` by topic.
        """
        fused = spreads[FUSED]
        found = []
        for row in self.wanted.rows:
            speaking = self.wanted.command.modalities if row.kind == SAID else (row.kind,)
            own = [spreads[topic][row.key] for topic in spreads if modality_of.get(topic) in speaking]
            mean = sum(own) / len(own) if own else fused[row.key]
            found.append((fused[row.key] + mean) / 2 if row.kind == SAID else mean)
        return max(found)

    def evidence(self, spreads: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """Return what speaks for the label by topic."""
        keys = [row.key for row in self.wanted.rows]
        return {topic: max(of_topic[key] for key in keys) for topic, of_topic in spreads.items() if topic != FUSED}

    def seen(
        self, window: Window, probability: float, threshold: float, release: float, evidence: Mapping[str, float]
    ) -> Iterator[Event]:
        """Let one window pass; yield what opens, changes or closes."""
        self.probability = probability
        severity = self.wanted.severity
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
