"""What a log holds before anything is decoded: connections and their messages, and how a broken file is told."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from pipeline.errors import LogError
from pipeline.messages import FOREVER


class MessageError(Exception):
    """A message that is no sample; ``cause`` is one word to count it by."""

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


class Connection(Struct, frozen=True, kw_only=True):
    """One topic with one message type."""

    topic: str
    type: str  # as ROS 2 spells it, also in ROS 1 logs: sensor_msgs/msg/Imu
    encoding: str  # how its messages are packed: ros1, cdr, json, protobuf, or another, which is not read
    definition: str = ""  # text of the message type; empty where the log leaves it to the reader
    syntax: Literal["msg", "idl"] = "msg"
    schema: bytes = b""  # of protobuf its descriptors, of JSON its JSON schema


class RawMessage(NamedTuple):
    """One message as its bytes; ``log_time`` is nanoseconds since the epoch."""

    connection: Connection
    log_time: int
    data: bytes


class Container(Protocol):
    """One opened file, or several that make one log."""

    def connections(self) -> Sequence[Connection]:
        """Return the connections known so far: all of them at once where there is an index, else as they are read."""

    def messages(self, topics: Collection[str] = (), start: int = 0, end: int = FOREVER) -> Iterator[RawMessage]:
        """Yield the messages of ``topics``, or of all where none is named, logged in ``[start, end)``, in log order.

        Raise LogError where the file is cut or damaged, after what comes before that place.
        """

    def close(self) -> None: ...


class Progress:
    """How far reading has come, for the sentence that tells where it broke off."""

    def __init__(self) -> None:
        self.last: RawMessage | None = None

    def __str__(self) -> str:
        if self.last is None:
            return "before its first message"
        return f"after the message of {self.last.connection.topic} at {self.last.log_time} ns"


@contextmanager
def telling(path: Path) -> Iterator[Progress]:
    """Turn whatever a parser trips over in a broken file into one LogError that names the file and the place."""
    progress = Progress()
    try:
        yield progress
    except LogError:
        raise
    # The parsers let their internals through: AssertionError, KeyError, struct.error, TypeError, OSError of bz2, ...
    except Exception as error:
        said = str(error).rstrip(".") or "unexpected bytes"
        raise LogError(f"{path}: the log is damaged {progress}: {said} ({type(error).__name__})") from error
