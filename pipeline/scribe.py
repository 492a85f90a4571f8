"""Writes files whole, in a thread of its own: a slow disk holds up nobody."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

log = logging.getLogger(__name__)


class Scribe:
    """Has files hold what was last asked for; of one file only the newest waits. ``error`` is the last trouble."""

    def __init__(self) -> None:
        self.error = ""
        self._newest: dict[Path, bytes] = {}
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(1, "scribe")

    @property
    def is_busy(self) -> bool:
        """Whether something waits to be written."""
        with self._lock:
            return bool(self._newest)

    def write(self, path: Path, data: bytes) -> None:
        """Have ``path`` hold ``data`` soon; never waits."""
        with self._lock:
            is_due = path in self._newest
            self._newest[path] = data
        if not is_due:
            self._thread.submit(self._write, path)

    def close(self) -> None:
        """Wait until all is written."""
        self._thread.shutdown()

    def _write(self, path: Path) -> None:
        with self._lock:
            data = self._newest.pop(path)
        try:
            write_whole(path, data)
            self.error = ""
        except OSError as error:
            if not self.error:
                log.warning("%s: %s: it holds what it held before", path, error.strerror)
            self.error = error.strerror or str(error)


def write_whole(path: Path, data: bytes) -> None:
    """Have ``path`` hold ``data``, or what it held before, whatever happens meanwhile. Raise OSError for the latter."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
