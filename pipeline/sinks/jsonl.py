"""Events as JSON lines."""

import sys
from pathlib import Path

import msgspec

from pipeline.messages import Event
from pipeline.sinks.letters import json_of, key_of

TAIL = 16_000_000
"""Bytes at the end of a file in which it is looked for what was written before a restart."""


class JsonLines:
    """Appends one JSON object a line to ``path``, flushed at once; ``-`` is standard output.

    A line that was cut when the last run was killed is taken away first.
    """

    def __init__(self, path: str = "-", attachments: bool = True) -> None:
        self.path = path
        self.attachments = attachments
        self.name = f"lines {path}"
        self.acknowledged = 0
        self._held: set[str] | None = None
        if path != "-":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _mend(Path(path))
        self._file = sys.stdout if path == "-" else open(path, "a")  # noqa: SIM115  closed in close()

    def write(self, event: Event) -> None:
        """Write ``event``."""
        self._file.write(json_of(event, self.attachments).decode() + "\n")
        self._file.flush()
        self.acknowledged += 1

    def holds(self, event: Event) -> bool:
        """Say whether ``event`` is in the end of the file, as it was when this was first asked."""
        if self._held is None:
            self._held = set() if self.path == "-" else _keys(Path(self.path))
        return key_of(event) in self._held

    def close(self) -> None:
        """Close the file."""
        if self.path != "-":
            self._file.close()


def _mend(path: Path) -> None:
    """Cut what follows the last end of a line."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        start = max(0, size - TAIL)
        file.seek(start)
        tail = file.read()
        if not tail.endswith(b"\n"):
            file.truncate(start + tail.rfind(b"\n") + 1)


def _keys(path: Path) -> set[str]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        lines = file.read().splitlines()
    keys = set()
    for line in lines:
        try:
            keys.add(key_of(msgspec.json.decode(line, type=Event)))
        except msgspec.DecodeError:
            continue  # the first may begin in its middle
    return keys
