"""Events that outlive the process: written down before they are sent, sent again after a restart, closed once opened.

In the folder of a run's state, ``events.jsonl`` holds the events, numbered, and ``acknowledged.json`` by sink the
number of the first that has not arrived. An event is in the operating system's hands before any sink sees it, so a
killed process loses none; a host without power may lose the last seconds.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pipeline.errors import InputError
from pipeline.messages import Event, Sink
from pipeline.scribe import Scribe, write_whole
from pipeline.sinks.appender import Appender
from pipeline.sinks.letters import Acknowledging, Telling

MAX_BYTES = 16_000_000
"""Of ``events.jsonl``: beyond it, and beyond twice what is left then, what has arrived everywhere is taken out."""

log = logging.getLogger(__name__)


class Posted(Struct, frozen=True):
    """An event and its number, counted from the first one ever."""

    number: int
    event: Event


class Outbox:
    """A sink before the ``sinks`` that acknowledge: it keeps what they have not, in ``folder``.

    When it is made, it hands on what had not arrived when the last run ended. ``interrupted`` are the events that were
    open then; they go to all sinks by ``write``. Raise InputError for a folder that cannot be used. Later a full disk
    keeps no event from the sinks: what cannot be written down waits for room, and is not safe meanwhile.
    """

    def __init__(self, folder: Path, sinks: Sequence[Sink]) -> None:
        self.sinks = sinks
        self._path, self._acks_path = folder / "events.jsonl", folder / "acknowledged.json"
        try:
            posted = _read(self._path)
            acknowledged = _read_acknowledged(self._acks_path)
            self._file = Appender(self._path)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from error
        if self._file.size:
            self._file.append(b"")  # what follows a line that was cut is none of it
        self._scribe = Scribe()
        self._most = MAX_BYTES  # of the file
        self._saved: dict[str, int] = {}
        self._next = max([*(one.number + 1 for one in posted), *acknowledged.values(), 0])
        self._handed: dict[str, deque[int]] = {}  # numbers of what each sink was handed and has not acknowledged
        self._settled: dict[str, int] = {}  # how many it had acknowledged when that was last looked at
        self.interrupted = _interrupted(posted)
        self._patient = _by_name(sinks)
        for name, sink in self._patient.items():
            self._handed[name], self._settled[name] = deque(), sink.acknowledged
            for one in posted:
                if one.number >= acknowledged.get(name, self._next) and not sink.holds(one.event):
                    self._handed[name].append(one.number)
                    sink.write(one.event)
        self._compact()
        self._begin()

    def write(self, event: Event) -> None:
        """Write ``event`` down and hand it on."""
        one = Posted(self._next, event)
        self._next += 1
        for handed in self._handed.values():
            handed.append(one.number)
        self._file.append(msgspec.json.encode(one))
        for sink in self.sinks:
            sink.write(event)

    def save(self) -> None:
        """Note what has arrived; to be called every few seconds."""
        self._file.flush()
        if self._file.size > self._most:
            self._compact()
        acknowledged = self._acknowledged()
        if acknowledged != self._saved:
            self._scribe.write(self._acks_path, msgspec.json.encode(acknowledged))
            self._saved = acknowledged

    def told(self) -> str:
        """Say in words what became of the events, a line for each sink that knows."""
        return "\n".join(sink.told() for sink in self.sinks if isinstance(sink, Telling))

    def close(self) -> None:
        """Close the sinks, and note what has arrived."""
        for sink in self.sinks:
            sink.close()
        self.save()
        self._file.close()
        self._scribe.close()

    def _begin(self) -> None:
        """Note at once which sinks there are: what is new from now on is for all of them, whenever the run ends."""
        try:
            write_whole(self._acks_path, msgspec.json.encode(self._acknowledged()))
        except OSError as error:
            log.warning("%s: %s: what has arrived is noted when there is room", self._acks_path, error.strerror)

    def _acknowledged(self) -> dict[str, int]:
        """Return by sink the number of the first event that has not arrived."""
        for name, sink in self._patient.items():
            handed, count = self._handed[name], sink.acknowledged
            for _ in range(count - self._settled[name]):
                handed.popleft()
            self._settled[name] = count
        return {name: handed[0] if handed else self._next for name, handed in self._handed.items()}

    def _compact(self) -> None:
        """Keep what has not arrived somewhere, and what is open; all of it where there is no room to write it anew."""
        first = min(self._acknowledged().values(), default=self._next)
        try:
            posted = _read(self._path)
            is_open = {event.id for event in _interrupted(posted)}
            kept = [one for one in posted if one.number >= first or one.event.id in is_open]
            write_whole(self._path, b"".join(msgspec.json.encode(one) + b"\n" for one in kept))
            self._file.reopen()
        except OSError as error:
            log.warning("%s: %s: it grows until there is room to write it anew", self._path, error.strerror)
        self._most = max(MAX_BYTES, 2 * self._file.size)


def _by_name(sinks: Sequence[Sink]) -> dict[str, Acknowledging]:
    """Return the sinks that say what has arrived; of two with one name the second has another."""
    named: dict[str, Acknowledging] = {}
    for sink in sinks:
        if isinstance(sink, Acknowledging):
            number = sum(other.name == sink.name for other in named.values()) + 1
            named[sink.name if number == 1 else f"{sink.name} ({number})"] = sink
    return named


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
