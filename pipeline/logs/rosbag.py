"""ROS 1 bags, and ROS 2 bags that need rosbags: SQLite files and compressed folders."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader

from pipeline.errors import LogError
from pipeline.logs.raw import Connection, RawMessage, telling
from pipeline.messages import FOREVER


class Rosbag:
    """A bag that rosbags reads by its index; each pass opens it anew, since an error leaves its reader unusable."""

    def __init__(self, path: Path, reader: Callable[[Path], Any], encoding: str) -> None:
        self.path = path
        self._reader = reader
        with telling(path), reader(path) as opened:
            self._connections = {c.id: _connection(c, encoding) for c in opened.connections}

    def connections(self) -> Sequence[Connection]:
        return list(self._connections.values())

    def messages(self, topics: Collection[str] = (), start: int = 0, end: int = FOREVER) -> Iterator[RawMessage]:
        span = {"start": start or None, "stop": None if end == FOREVER else end}
        with telling(self.path) as progress, self._reader(self.path) as opened:
            if wanted := [c for c in opened.connections if not topics or c.topic in topics]:
                for connection, log_time, data in opened.messages(connections=wanted, **span):
                    progress.last = RawMessage(self._connections[connection.id], log_time, data)
                    yield progress.last

    def close(self) -> None:
        """Nothing stays open between passes."""


def open_ros1(path: Path) -> Rosbag:
    """Open a ``.bag`` of version 2.0. Raise LogError where its index is missing."""
    _check_index(path)
    return Rosbag(path, Ros1Reader, "ros1")


def open_ros2(path: Path) -> Rosbag:
    """Open a ``.db3`` file, or a folder with its ``metadata.yaml``."""
    return Rosbag(path, Ros2Reader, "cdr")


def _check_index(path: Path) -> None:
    """Raise LogError where a ROS 1 bag ends before its index, which its recorder writes last."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4117)  # the bag header is padded to 4096 bytes (wiki.ros.org/Bags/Format/2.0)
    _, found, rest = head.partition(b"index_pos=")
    if not found or len(rest) < 8:
        raise LogError(f"{path}: the bag has no header; the file ends at byte {size}")
    index = int.from_bytes(rest[:8], "little")
    if index == 0 or index > size:
        why = "was never written" if index == 0 else f"should begin at byte {index}"
        raise LogError(
            f"{path}: the bag is cut: its index {why} and the file ends at byte {size}; "
            "`rosbag reindex` rebuilds it from the chunks that are whole"
        )


def _connection(connection: Any, encoding: str) -> Connection:
    definition = connection.msgdef
    return Connection(
        topic=connection.topic,
        type=connection.msgtype,
        encoding=encoding,
        definition=definition.data,
        syntax="idl" if definition.format == MessageDefinitionFormat.IDL else "msg",
    )
