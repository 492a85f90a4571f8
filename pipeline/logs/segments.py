"""A recording in several files: ``000000.mcap`` and so on in one folder, each of which opens alone, too."""

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.config import Config
from pipeline.errors import LogError
from pipeline.logs.quota import EVENT, Quota
from pipeline.logs.rows import Row
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Event, Received

SHARE = 16
"""A quota without a size of segments holds so many: what is deleted at once is a small part of it."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a full disk. EFBIG, which another file may mend, is that of file systems whose files end at 4 GB."""

Write = Callable[[LogWriter], None]


class Segments:
    """Writes as ``LogWriter`` does, to a new folder at ``path``, by the section ``record`` of ``config``.

    A full disk costs the oldest segments, where there is a quota; what had no room is then written again. Raise
    LogError if the folder is not empty or cannot be made; later OSError comes through.
    """

    def __init__(self, path: Path, config: Config, model: str = "") -> None:
        record = config.record
        self.path = path
        self._config, self._model = config, model
        self._quota = Quota(record.path or str(path), round(record.quota_gb * 1e9))
        self._max_bytes = round(record.segment_mb * 1e6) or self._quota.max_bytes // SHARE
        self._length = round(record.segment_s * NS)
        self._writer: LogWriter | None = None
        self._last: Path | None = None  # the segment before
        self._next = 0
        self._began = 0  # receipt of the first that is in the segment
        self._is_marked = False
        self._held: list[Write] = []  # since the last flush, to be written again where there was no room
        self._make()

    def sample(self, received: Received) -> None:
        """Write one sample."""
        self._put(lambda writer: writer.sample(received), received.received)

    def row(self, row: Row, log_time: int) -> None:
        """Write one row; an event that is worth a warning marks the segment."""
        self._put(lambda writer: writer.row(row, log_time), log_time)
        if isinstance(row, Event) and row.severity != "info":
            self._is_marked = True
            if row.start < self._began and self._last:
                self._last = _marked(self._last)

    def flush(self) -> None:
        """Hand all to the operating system."""
        self._surely(self._flush)

    def sync(self) -> None:
        """Hand all to the disk itself."""
        self._surely(self._sync)

    def cut(self) -> None:
        """End the segment; the next one begins with what comes next."""
        self._surely(self._end)

    def finish(self, told: Mapping[str, str]) -> None:
        """End the last segment, which keeps ``told``."""
        self._surely(lambda: self._end(told))

    def abandon(self) -> None:
        """Let go of a folder that takes no more."""
        if self._writer:
            self._writer.abandon()

    def _make(self) -> None:
        if self.path.suffix == ".mcap":
            raise LogError(f"{self.path}: a recording in several files needs a folder, and this is called as one file")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = any(self.path.iterdir())
        except OSError as error:
            raise LogError(f"{self.path}: no recording can be written there: {error.strerror}") from error
        if taken:
            raise LogError(f"{self.path}: no recording can be written there: the folder is not empty")

    def _put(self, write: Write, now: int) -> None:
        if self._is_due(now):
            self.cut()
        if not self._writer:
            self._began = now
        self._held.append(write)
        try:
            write(self._open())
        except (OSError, LogError) as error:
            self._make_room(error)

    def _is_due(self, now: int) -> bool:
        if not self._writer:
            return False
        is_old = 0 < self._length <= now - self._began
        return is_old or 0 < self._max_bytes <= self._writer.size

    def _surely(self, write: Callable[[], None]) -> None:
        """Do ``write``, and again once there is room for it."""
        try:
            write()
        except (OSError, LogError) as error:
            self._make_room(error)
            write()
        self._quota.keep(self._writer.path if self._writer else None)

    def _open(self) -> LogWriter:
        if not self._writer:
            path = self.path / f"{self._next:06}.mcap"
            self._next += 1
            self._is_marked = False
            try:
                self._writer = LogWriter(path, self._config, self._model)
            except LogError:
                path.unlink(missing_ok=True)  # of which there was no room for the beginning
                raise
        return self._writer

    def _flush(self) -> None:
        if self._writer:
            self._writer.flush()
            self._held.clear()

    def _sync(self) -> None:
        self._flush()
        if self._writer:
            self._writer.sync()

    def _end(self, told: Mapping[str, str] | None = None) -> None:
        self._flush()
        if not self._writer:
            return
        self._writer.finish(told or {})
        self._last = _marked(self._writer.path) if self._is_marked else self._writer.path
        self._writer = None

    def _make_room(self, error: OSError | LogError) -> None:
        """Write what is held to another segment, as soon as enough old ones are gone. Raise ``error`` if none is."""
        cause = error.__cause__ if isinstance(error, LogError) else error
        if not isinstance(cause, OSError) or cause.errno not in (*FULL, errno.EFBIG):
            raise error
        has_room = cause.errno == errno.EFBIG
        while has_room or self._quota.evict(self._writer.path if self._writer else None):
            has_room = False
            with suppress(OSError, LogError):
                self._leave()
                for write in self._held:
                    write(self._open())
                self._open().flush()
                self._held.clear()
                return
        raise error

    def _leave(self) -> None:
        """Let the segment end with what was flushed."""
        if self._writer:
            self._writer.abandon()
            self._last = _marked(self._writer.path) if self._is_marked else self._writer.path
            self._writer = None


def _marked(path: Path) -> Path:
    """Give ``path`` the name of a segment with an event, and return it."""
    if path.name.endswith(EVENT) or not path.exists():
        return path
    return path.rename(path.with_name(path.name.removesuffix(".mcap") + EVENT))
