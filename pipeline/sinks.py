"""Events as JSON lines."""

import sys
from pathlib import Path

import msgspec

from pipeline.messages import Event


class JsonLines:
    """Appends one JSON object a line to ``path``, flushed at once; ``-`` is standard output."""

    def __init__(self, path: str = "-") -> None:
        self._path = path
        if path != "-":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._file = sys.stdout if path == "-" else open(path, "a")  # noqa: SIM115  closed in close()

    def write(self, event: Event) -> None:
        """Write ``event``."""
        self._file.write(msgspec.json.encode(event).decode() + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._path != "-":
            self._file.close()
