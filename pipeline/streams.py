"""What becomes of each stream, as events: it fell silent, was given up, is back.

Pure: it reads the states that the synchronizer writes into every window.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from pipeline.messages import NS, Event, Phase, State, Window

OUT = ("stale", "dead")
"""States that open an event; a stream that is merely late is told once it becomes worse."""

PATIENCE = 10 * NS
"""So long a stream may start later than the rest of the rig before that is told."""


class Streams:
    """One event per outage of a stream: opened when stale, updated when dead, closed when recovered.

    Its label is the topic and the state, its score the seconds that it has lasted. A stream that was never heard is
    told after ``PATIENCE``, as ``init``.
    """

    def __init__(self) -> None:
        self._begun: int | None = None  # end of the first window
        self._open: dict[str, Event] = {}

    def __call__(self, window: Window) -> Iterator[Event]:
        """Yield what changed with ``window``."""
        self._begun = window.end if self._begun is None else self._begun
        for topic, state in window.states.items():
            event = self._open.get(topic)
            is_out = state in OUT or (state == "init" and window.end - self._begun >= PATIENCE)
            if event is None and is_out:
                yield self._told(topic, state, "opened", window.start, window.end)
            elif event is not None and not is_out:
                yield self._told(topic, state, "closed", event.start, window.end)
            elif event is not None and event.label != _label(topic, state):
                yield self._told(topic, state, "updated", event.start, window.end)

    def finish(self) -> Iterator[Event]:
        """Close what is open; the stream of windows has ended."""
        for event in self._open.values():
            yield replace(event, phase="closed")
        self._open.clear()

    def _told(self, topic: str, state: State, phase: Phase, start: int, end: int) -> Event:
        event = Event(
            id=f"streams{topic}@{start}",
            phase=phase,
            start=start,
            end=end,
            label=_label(topic, state),
            score=(end - start) / NS,
            source="streams",
        )
        if phase == "closed":
            del self._open[topic]
        else:
            self._open[topic] = event
        return event


def _label(topic: str, state: State) -> str:
    return f"{topic} {state}"
