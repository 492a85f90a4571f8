"""A file that lines are added to, each whole, also where the disk is full for a while."""

import logging
from collections import deque
from pathlib import Path

MAX_WAITING = 1000
"""Lines that may wait for room on the disk."""

log = logging.getLogger(__name__)


class Appender:
    """Adds lines to ``path``; each is in the operating system's hands when ``append`` returns, or waits.

    What the disk does not take is written before the next line, and tried again by ``flush``; of more than
    ``MAX_WAITING`` the oldest are dropped. Only making it raises OSError. ``error`` is the last thing that went wrong.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self.dropped = 0
        self.error = ""
        self._file = path.open("ab", buffering=0)
        self._waiting: deque[tuple[int, bytes]] = deque()  # lines and their numbers
        self._begun = 0  # bytes of the first that are in the file
        self._num_appended = 0

    @property
    def settled(self) -> int:
        """How many lines, in their order, were written or dropped."""
        return self._waiting[0][0] if self._waiting else self._num_appended

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._file.tell()

    def append(self, line: bytes) -> None:
        """Write ``line``, which has no end yet."""
        self._waiting.append((self._num_appended, line + b"\n"))
        self._num_appended += 1
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[1]  # the first may be half written
            self.dropped += 1
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as the disk takes it."""
        try:
            while self._waiting:
                line = self._waiting[0][1]
                self._begun += self._file.write(line[self._begun :])
                if self._begun == len(line):
                    self._waiting.popleft()
                    self.written += 1
                    self._begun = 0
        except OSError as error:
            if not self.error:
                log.warning("%s: %s: lines wait until there is room", self.path, error.strerror)
            self.error = error.strerror or str(error)

    def reopen(self) -> None:
        """Go on in what is at ``path`` now. Raise OSError if that cannot be."""
        file = self.path.open("ab", buffering=0)
        self._file.close()
        self._file, self._begun = file, 0

    def told(self) -> str:
        """Say in words what became of the lines; nothing where all went well."""
        counts = {"written": self.written, "dropped": self.dropped, "left waiting": len(self._waiting)}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count or what == "written")
        return f"{said}; last trouble: {self.error}" if self.error else ""

    def close(self) -> None:
        """Try once more, and close the file."""
        self.flush()
        self._file.close()
