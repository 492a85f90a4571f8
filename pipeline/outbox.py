"""Events that outlive the process: written down before they are sent, sent again after a restart, closed once opened.

In the folder of a run's state, ``events.jsonl`` holds the events, numbered, and ``acknowledged.json`` by sink the
number of the first that has not arrived. An event is in the operating system's hands before any sink sees it, so a
killed process loses none; a host without power may lose the last seconds.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pipeline.errors import InputError
from pipeline.messages import Event, Sink
from pipeline.sinks.letters import Acknowledging, Telling

MAX_BYTES = 64_000_000
"""Of ``events.jsonl``: beyond it, what has arrived everywhere is taken out."""


class Posted(Struct, frozen=True):
    """An event and its number, counted from the first one ever."""

    number: int
    event: Event


class Outbox:
    """A sink before the ``sinks`` that acknowledge: it keeps what they have not, in ``folder``.

    When it is made, it hands on what had not arrived when the last run ended. ``interrupted`` are the events that were
    open then; they go to all sinks by ``write``. Raise InputError for a folder that cannot be used.
    """

    def __init__(self, folder: Path, sinks: Sequence[Sink]) -> None:
        self.sinks = sinks
        self._path, self._acks_path = folder / "events.jsonl", folder / "acknowledged.json"
        try:
            posted = _read(self._path)
            acknowledged = _read_acknowledged(self._acks_path)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from error
        self._next = max([*(one.number + 1 for one in posted), *acknowledged.values(), 0])
        self._handed: dict[str, deque[int]] = {}  # numbers of what each sink was handed and has not acknowledged
        self._settled: dict[str, int] = {}  # how many it had acknowledged when that was last looked at
        self.interrupted = _interrupted(posted)
        self._file = self._path.open("ab")
        for sink in self._patient():
            self._handed[sink.name], self._settled[sink.name] = deque(), sink.acknowledged
            for one in posted:
                if one.number >= acknowledged.get(sink.name, self._next) and not sink.holds(one.event):
                    self._handed[sink.name].append(one.number)
                    sink.write(one.event)
        self._compact()
        self.save()

    def write(self, event: Event) -> None:
        """Write ``event`` down and hand it on."""
        one = Posted(self._next, event)
        self._next += 1
        for handed in self._handed.values():
            handed.append(one.number)
        self._file.write(msgspec.json.encode(one) + b"\n")
        self._file.flush()
        for sink in self.sinks:
            sink.write(event)

    def save(self) -> None:
        """Note what has arrived; to be called every few seconds."""
        if self._file.tell() > MAX_BYTES:
            self._compact()
        write_whole(self._acks_path, msgspec.json.encode(self._acknowledged()))

    def told(self) -> str:
        """Say in words what became of the events, a line for each sink that knows."""
        return "\n".join(sink.told() for sink in self.sinks if isinstance(sink, Telling))

    def close(self) -> None:
        """Close the sinks, and note what has arrived."""
        for sink in self.sinks:
            sink.close()
        self.save()
        self._file.close()

    def _patient(self) -> Iterator[Acknowledging]:
        """Yield the sinks that say what has arrived."""
        for sink in self.sinks:
            if isinstance(sink, Acknowledging):
                yield sink

    def _acknowledged(self) -> dict[str, int]:
        """Return by sink the number of the first event that has not arrived."""
        for sink in self._patient():
            handed, count = self._handed[sink.name], sink.acknowledged
            for _ in range(count - self._settled[sink.name]):
                handed.popleft()
            self._settled[sink.name] = count
        return {name: handed[0] if handed else self._next for name, handed in self._handed.items()}

    def _compact(self) -> None:
        """Keep what has not arrived somewhere, and what is open."""
        first = min(self._acknowledged().values(), default=self._next)
        posted = _read(self._path)
        is_open = {event.id for event in _interrupted(posted)}
        kept = [one for one in posted if one.number >= first or one.event.id in is_open]
        self._file.close()
        write_whole(self._path, b"".join(msgspec.json.encode(one) + b"\n" for one in kept))
        self._file = self._path.open("ab")


def write_whole(path: Path, data: bytes) -> None:
    """Have ``path`` hold ``data``, or what it held before, whatever happens meanwhile."""
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _read(path: Path) -> list[Posted]:
    """Return what was written down; a line that was cut, or is none of ours, is passed over."""
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return list(_decoded(lines))


def _decoded(lines: Iterable[bytes]) -> Iterator[Posted]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Posted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue


def _read_acknowledged(path: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _interrupted(posted: Iterable[Posted]) -> list[Event]:
    """Return the end of each event that was opened and not closed."""
    last = {one.event.id: one.event for one in posted}
    return [replace(event, phase="closed") for event in last.values() if event.phase != "closed"]
