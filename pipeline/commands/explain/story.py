"""All that is known of one event: from a recording, or from a file of events.

T = samples, D = dimension of the joint space, W = windows.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pipeline.errors import InputError, LogError
from pipeline.logs.recorded import Recorded
from pipeline.logs.rows import EmbeddingRow
from pipeline.messages import NS, Array, Event, Received
from pipeline.thumbnail import picture

T = TypeVar("T")

AROUND = 5 * NS
"""So much before and after the event is drawn."""

NEAREST = NS
"""So long before the end of the window it was compared with, a picture of it was taken, as in the window's middle."""


class Story(Struct, frozen=True, kw_only=True, eq=False):
    """An event, as it last was, and around it.

    ``told`` is all that was said of it, in order; ``beside`` are other events, as they last were, that lasted while it
    is drawn. ``motion`` is (T, 7) by topic: seconds after the event's start, then
    accelerations in m/s² and rates in rad/s. ``unlike`` is (W, 2) by topic: seconds, and the cosine distance from the
    normal window that was most alike. ``normal`` are that window's pictures, JPEG by topic.
    """

    event: Event
    told: tuple[Event, ...]
    beside: tuple[Event, ...] = ()
    motion: Mapping[str, Array] = field(default_factory=dict)
    unlike: Mapping[str, Array] = field(default_factory=dict)
    normal: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """When the drawing begins."""
        return self.event.start - AROUND

    @property
    def end(self) -> int:
        """When the drawing ends."""
        return self.event.end + AROUND


def from_lines(path: Path, name: str) -> Story:
    """Return what a file of JSON lines has. Raise InputError if it has no such event, or is none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    events = []
    for number, line in enumerate(lines, 1):
        try:
            events.append(msgspec.json.decode(line, type=Event))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if number < len(lines):  # a run that was killed may have cut the last one
                raise InputError(f"{path}:{number}: this is no event: {error}") from error
    return _of_events(events, name, path)


def from_log(path: Path, name: str) -> Story:
    """Return what a recording has. Raise InputError if it has no such event, LogError if it is no recording."""
    log = Recorded(path)
    story = _of_events(_whole(log.rows(Event)), name, path)
    event, start, end = story.event, story.start, story.end
    modality_of = {channel.topic: channel.modality for channel in log.config.channels}
    motion: dict[str, list[list[float]]] = {}
    normal: dict[str, bytes] = {}
    for received in _whole(log.samples()):
        sample = received.sample
        modality = modality_of.get(sample.topic, "")
        if modality == "imu" and start <= sample.stamp < end:
            motion.setdefault(sample.topic, []).append([(sample.stamp - event.start) / NS, *_six(sample.data)])
        elif _is_near(received, event.nearest) and (jpeg := picture(modality, sample)):
            normal[sample.topic] = jpeg
    return replace(
        story,
        motion={topic: np.array(rows) for topic, rows in motion.items()},
        unlike=_unlike(_whole(log.rows(EmbeddingRow)), event, start, end),
        normal=normal,
    )


def _of_events(events: Iterable[Event], name: str, path: Path) -> Story:
    """Return what was said of the event whose id is, or begins with, ``name``, and beside it."""
    by_id: dict[str, list[Event]] = {}
    for event in events:
        by_id.setdefault(event.id, []).append(event)
    id_ = _found(list(by_id), name, path)
    story = Story(event=by_id[id_][-1], told=tuple(by_id[id_]))
    others = [told[-1] for other, told in by_id.items() if other != id_]
    return replace(story, beside=tuple(one for one in others if one.start < story.end and story.start < one.end))


def _found(ids: list[str], name: str, path: Path) -> str:
    if name == "last" and ids:
        return ids[-1]
    found = [name] if name in ids else [id_ for id_ in ids if id_.startswith(name)]
    if len(found) == 1:
        return found[0]
    some = ", ".join((found or ids)[:5])
    raise InputError(
        f"{path}: {len(found)} events are called {name!r}: {some}"
        if found
        else f"{path}: there is no event {name!r}; there is {some or 'none'}"
    )


def _whole(rows: Iterable[T]) -> Iterable[T]:
    """Yield what is whole of a recording that was cut."""
    try:
        yield from rows
    except LogError:
        return


def _six(data: Array) -> list[float]:
    return [*data.astype(float).tolist(), 0.0, 0.0, 0.0][:6]


def _is_near(received: Received, nearest: int) -> bool:
    return nearest - 2 * NEAREST <= received.sample.stamp < nearest - NEAREST


def _unlike(rows: Iterable[EmbeddingRow], event: Event, start: int, end: int) -> dict[str, Array]:
    """Return, by topic, how far windows are from the normal one; from the first window drawn, where none is known."""
    vectors: dict[str, dict[int, Array]] = {}
    for row in rows:
        if start <= row.stamp < end or row.stamp == event.nearest:
            vectors.setdefault(row.topic, {})[row.stamp] = np.array(row.vector)
    unlike = {}
    for topic, by_stamp in vectors.items():
        normal_D = by_stamp.get(event.nearest, by_stamp[min(by_stamp)])
        around = sorted(stamp for stamp in by_stamp if start <= stamp < end)
        if around:
            unlike[topic] = np.array([[(t - event.start) / NS, 1 - float(by_stamp[t] @ normal_D)] for t in around])
    return unlike
