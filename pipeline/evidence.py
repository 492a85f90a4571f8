"""What a person wants to see of an event: gathered in the window that it was strongest in, and kept until it closes."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from pipeline.messages import Clip, Event, Observation
from pipeline.thumbnail import picture, sound

MAX_HISTORY = 240
"""Windows whose score is kept: the last two minutes, at a stride of half a second."""


class Evidence:
    """Fills in the events of one operator: weights, pictures and sounds of the strongest window, and the history.

    The history is the score of each window since the event opened, of the last 240: what the operator tells of every
    window under the event's source and label, else under its source; where it tells nothing, that of the last event.
    """

    def __init__(self) -> None:
        self._open: dict[str, Event] = {}
        self._histories: dict[str, deque[float]] = {}

    def __call__(
        self, events: Iterable[Event], observation: Observation, scores: Mapping[str, float]
    ) -> Iterator[Event]:
        """Yield the events of one window, filled in; to be called for every window, also without events."""
        of_window = {event.id: event for event in events}
        for id_, event in self._open.items():
            self._histories[id_].append(_score(of_window.get(id_, event), scores))
        for event in events:
            known = self._open.get(event.id)
            if known is None:
                self._histories[event.id] = deque([_score(event, scores)], MAX_HISTORY)
            if known is None or event.score > known.score:
                seen = {"weights": observation.weights, "pictures": _pictures(observation)}
                self._open[event.id] = replace(event, sounds=_sounds(observation), **seen)
            yield self._filled(event)

    def closing(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield events that belong to no window, filled in with what is known."""
        for event in events:
            yield self._filled(event)

    def _filled(self, event: Event) -> Event:
        seen = self._open.get(event.id)
        if seen is None:
            return event
        history = tuple(self._histories[event.id])
        if event.phase == "closed":
            del self._open[event.id], self._histories[event.id]
        return replace(event, weights=seen.weights, history=history, pictures=seen.pictures, sounds=seen.sounds)


def _score(event: Event, scores: Mapping[str, float]) -> float:
    return scores.get(f"{event.source}/{event.label}", scores.get(event.source, event.score))


def _pictures(observation: Observation) -> dict[str, bytes]:
    """Return a JPEG of the middle sample of each clip that can be seen."""
    drawn = {topic: _picture(clip) for topic, clip in observation.window.clips.items()}
    return {topic: jpeg for topic, jpeg in drawn.items() if jpeg}


def _picture(clip: Clip) -> bytes:
    return picture(clip.modality, clip.samples[len(clip.samples) // 2])


def _sounds(observation: Observation) -> dict[str, bytes]:
    heard = {topic: sound(clip) for topic, clip in observation.window.clips.items()}
    return {topic: wav for topic, wav in heard.items() if wav}
