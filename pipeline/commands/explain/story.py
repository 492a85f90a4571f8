"""All that is known of one event: from a recording, or from a file of events.

T = samples, D = dimension of the joint space, W = windows.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct, field

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

    ``told`` is all that was said of it, in order. ``motion`` is (T, 7) by topic: seconds after the event's start, then
    accelerations in m/s² and rates in rad/s. ``unlike`` is (W, 2) by topic: seconds, and the cosine distance from the
    normal window that was most alike. ``normal`` are that window's pictures, JPEG by topic.
    """

    event: Event
    told: tuple[Event, ...]
    motion: Mapping[str, Array] = field(default_factory=dict)
    unlike: Mapping[str, Array] = field(default_factory=dict)
    normal: Mapping[str, bytes] = field(default_factory=dict)


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
    told = _told(events, name, path)
    return Story(event=told[-1], told=told)


def from_log(path: Path, name: str) -> Story:
    """Return what a recording has. Raise InputError if it has no such event, LogError if it is no recording."""
    log = Recorded(path)
    told = _told(_whole(log.rows(Event)), name, path)
    event = told[-1]
    start, end = event.start - AROUND, event.end + AROUND
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
    return Story(
        event=event,
        told=told,
        motion={topic: np.array(rows) for topic, rows in motion.items()},
        unlike=_unlike(_whole(log.rows(EmbeddingRow)), event, start, end),
        normal=normal,
    )


def _told(events: Iterable[Event], name: str, path: Path) -> tuple[Event, ...]:
    """Return what was said of the event whose id is, or begins with, ``name``."""
    by_id: dict[str, list[Event]] = {}
    for event in events:
        by_id.setdefault(event.id, []).append(event)
    if name == "last" and by_id:
        return tuple(list(by_id.values())[-1])
    found = [name] if name in by_id else [id_ for id_ in by_id if id_.startswith(name)]
    if len(found) == 1:
        return tuple(by_id[found[0]])
    some = ", ".join((found or list(by_id))[:5])
    raise InputError(
        f"{path}: {len(found)} events are called {name!r}"
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
