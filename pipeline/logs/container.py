"""Opens a log by what its first bytes say, not by its name."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import heappop, heappush
from pathlib import Path

from pipeline.errors import LogError
from pipeline.logs.mcap import Mcap
from pipeline.logs.raw import Connection, Container, RawMessage
from pipeline.logs.rosbag import open_ros1, open_ros2
from pipeline.messages import FOREVER

OPENERS: dict[bytes, Callable[[Path], Container]] = {
    b"#ROSBAG V": open_ros1,
    b"\x89MCAP0\r\n": Mcap,
    b"SQLite format 3\0": open_ros2,
}
"""By a file's first bytes."""


def open_container(path: Path) -> Container:
    """Open a ROS 1 ``.bag``, an ``.mcap``, a ``.db3``, or a ROS 2 bag's folder. Raise LogError if it is none."""
    try:
        if path.is_dir():
            return _open_folder(path)
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise LogError(f"{path}: there is no such file") from None
    except OSError as error:
        raise LogError(f"{path}: the file cannot be read: {error.strerror}") from error
    if not head:
        raise LogError(f"{path}: the file is empty")
    for magic, opener in OPENERS.items():
        if head.startswith(magic):
            return opener(path)
    raise LogError(
        f"{path}: the file is no log: it begins with {head[:8]!r}; what is read are ROS 1 bags (.bag), "
        "MCAP files (.mcap), and ROS 2 bags (.db3, or their folder)"
    )


class Parts:
    """Several files that make one log: a recorder split it by size or time. A day of them is not open at once."""

    def __init__(self, parts: Sequence[Container]) -> None:
        self._parts = parts

    def connections(self) -> Sequence[Connection]:
        return [connection for part in self._parts for connection in part.connections()]

    def messages(self, topics: Collection[str] = (), start: int = 0, end: int = FOREVER) -> Iterator[RawMessage]:
        under_way: list[tuple[int, int, RawMessage, Iterator[RawMessage]]] = []
        for number, part in enumerate(sorted(self._parts, key=_first)):
            while under_way and under_way[0][0] < _first(part):
                yield from _step(under_way)
            _begin(under_way, number, part.messages(topics, start, end))
        while under_way:
            yield from _step(under_way)

    def close(self) -> None:
        for part in self._parts:
            part.close()


def _first(part: Container) -> int:
    return part.first if isinstance(part, Mcap) else 0


def _begin(
    under_way: list[tuple[int, int, RawMessage, Iterator[RawMessage]]], number: int, messages: Iterator[RawMessage]
) -> None:
    """Put the next of ``messages``, those of part ``number``, where it belongs by its time, if there is one."""
    for message in messages:
        heappush(under_way, (message.log_time, number, message, messages))
        return


def _step(under_way: list[tuple[int, int, RawMessage, Iterator[RawMessage]]]) -> Iterator[RawMessage]:
    """Yield the earliest message."""
    _, number, message, messages = heappop(under_way)
    yield message
    _begin(under_way, number, messages)


def _open_folder(folder: Path) -> Container:
    """Open a ROS 2 bag: its files one by one, so that a recorder that was killed does not cost all; else as a whole."""
    metadata = folder / "metadata.yaml"
    files = sorted([*folder.glob("*.mcap"), *folder.glob("*.db3")])
    packed = metadata.exists() and re.search(r"compression_mode:\s*\W?message", metadata.read_text(), re.IGNORECASE)
    if files and not packed:
        return Parts([open_container(file) for file in files])
    if not metadata.exists():
        raise LogError(f"{folder}: the folder is no log: it holds no .mcap, no .db3 and no metadata.yaml")
    return open_ros2(folder)
