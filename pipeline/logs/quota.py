"""Keeps recorded segments within a number of bytes: the oldest go first, those with warnings last."""

import glob
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

EVENT = ".event.mcap"
"""Ends the name of a segment in which something was worth a warning."""


def segments_of(folder: Path) -> list[Path]:
    """Return the segments in ``folder``, in the order of their writing."""
    return sorted(path for path in folder.glob("*.mcap") if re.fullmatch(r"\d{6}(\.event)?\.mcap", path.name))


def number_of(segment: Path) -> int:
    """Return its number in its run, from 0.

    >>> number_of(Path("box/000012.event.mcap"))
    12
    """
    return int(segment.name[:6])


class Quota:
    """Keeps the segments in the folders that ``pattern`` makes within ``max_bytes``; 0 is no bound.

    ``pattern`` is a folder with dates as strftime writes them, so that earlier runs count too.
    """

    def __init__(self, pattern: str, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._folders = re.sub(r"%[-_0^#]?[A-Za-z]", "*", glob.escape(pattern))

    def keep(self, writing: Path | None, coming: int = 0) -> None:
        """Make room for ``coming`` more bytes; ``writing`` stays in any case."""
        sizes = {path: path.stat().st_size for path in self._segments()}
        total = sum(sizes.values()) + coming
        for path in self._in_order(sizes, writing):
            if total <= self.max_bytes or not self.max_bytes:
                return
            total -= sizes[path]
            _delete(path)

    def evict(self, writing: Path | None) -> bool:
        """Delete the one that is to go next. Say whether there was one, and a quota that allows it."""
        path = next(iter(self._in_order(self._segments(), writing)), None) if self.max_bytes else None
        if path is not None:
            _delete(path)
        return path is not None

    def _segments(self) -> list[Path]:
        return [path for folder in glob.glob(self._folders) for path in segments_of(Path(folder))]

    def _in_order(self, paths: Iterable[Path], writing: Path | None) -> list[Path]:
        others = (path for path in paths if path != writing)
        return sorted(others, key=lambda path: (path.name.endswith(EVENT), path.stat().st_mtime_ns, path.name))


def _delete(path: Path) -> None:
    """Delete a segment, and the folder of a run of which nothing is left."""
    path.unlink()
    with suppress(OSError):
        path.parent.rmdir()
