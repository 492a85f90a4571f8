"""Events as JSON lines."""

import sys
from pathlib import Path

import msgspec

from pipeline.messages import Event
from pipeline.sinks.appender import Appender
from pipeline.sinks.letters import json_of, key_of

TAIL = 16_000_000
"""Bytes at the end of a file in which it is looked for what was written before a restart."""

BEGINNING = b'{"id":'
"""Of every line of ours."""


class JsonLines:
    """Appends one JSON object a line to ``path``, at once; ``-`` is standard output.

    Where the disk is full, lines wait until there is room. A line that was cut when the last run was killed is taken
    away first.
    """

    def __init__(self, path: str = "-", attachments: bool = True) -> None:
        self.path = path
        self.attachments = attachments
        self.name = f"lines {path}"
        self._held: set[str] | None = None
        self._file: Appender | None = None
        self._num_printed = 0
        self._error = ""  # of standard output
        if path != "-":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _mend(Path(path))
            self._file = Appender(Path(path))

    @property
    def acknowledged(self) -> int:
        """How many of the events written, in their order, are in the file or were given up."""
        return self._file.settled if self._file else self._num_printed

    def write(self, event: Event) -> None:
        """Write ``event``."""
        line = json_of(event, self.attachments)
        if self._file:
            self._file.append(line)
        else:
            self._num_printed += 1
            try:
                print(line.decode(), file=sys.stdout, flush=True)
            except OSError as error:  # nobody reads on, or the disk behind it is full
                self._error = f"last trouble: {error.strerror}"

    def holds(self, event: Event) -> bool:
        """Say whether ``event`` is in the end of the file, as it was when this was first asked."""
        if self._held is None:
            self._held = _keys(Path(self.path)) if self._file else set()
        return key_of(event) in self._held

    def told(self) -> str:
        """Say in words what became of the events; nothing where all were written."""
        told = self._file.told() if self._file else self._error
        return told and f"{self.name}: {told}"

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


def _mend(path: Path) -> None:
    """Cut an event that is not whole at the end of the file, and end any other last line."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("r+b") as file:
        start = max(0, file.seek(0, 2) - TAIL)
        file.seek(start)
        tail = file.read()
        last = tail.rfind(b"\n") + 1
        if last == len(tail):
            return
        if tail[last:].startswith(BEGINNING[: len(tail) - last]) and _key(tail[last:]) is None:
            file.truncate(start + last)
        else:
            file.write(b"\n")


def _keys(path: Path) -> set[str]:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - TAIL))
        lines = file.read().splitlines()  # the first may begin in its middle
    return {key for key in map(_key, lines) if key is not None}


def _key(line: bytes) -> str | None:
    """Return the key of the event that ``line`` holds, or None if there is none."""
    try:
        return key_of(msgspec.json.decode(line, type=Event))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
