"""Our own recordings, read back exactly: every sample as it was received, and all that a replay needs to repeat a run.

``Log`` reads the same files as it reads anybody's.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property, partial
from os.path import isdir
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message, Metadata, Schema

from pipeline.config import Config, parse
from pipeline.control import Request
from pipeline.errors import LogError
from pipeline.exchange import Exchange
from pipeline.logs.exact import Form, restore
from pipeline.logs.mcap import MESSAGES, connection_of, records, unpacked
from pipeline.logs.quota import number_of, segments_of
from pipeline.logs.raw import Connection, RawMessage, telling
from pipeline.logs.rows import TOPICS, CommandRow, Row, Tick, WindowRow
from pipeline.logs.writer import RECORD
from pipeline.messages import Received

MAGIC = b"\x89MCAP0\r\n"
_STEPS: dict[str, type[Tick] | type[Exchange] | type[CommandRow]] = {
    TOPICS[kind]: kind for kind in (Tick, Exchange, CommandRow)
}
R = TypeVar("R", bound=Row)
T = TypeVar("T")


def is_recorded(path: Path) -> bool:
    """Say whether ``path`` is a recording of ours, or a folder of its segments; any other log, or none, is not."""
    if isdir(path):  # which says no, where a name is too long to be one
        return all(map(is_recorded, segments_of(path))) and bool(segments_of(path))
    try:
        with telling(path), path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                return False
            first = next(records(path, file, (Opcode.METADATA, *MESSAGES)), None)
            return isinstance(first, Metadata) and first.name == RECORD
    except LogError:
        return False


class Recorded:
    """One recording: a file, or a folder of segments. Raise LogError if ``path`` is none."""

    def __init__(self, path: Path) -> None:
        if not is_recorded(path):
            raise LogError(f"{path}: the file is no recording of `rigbind run --record`")
        self.path = path
        self._files = segments_of(path) if path.is_dir() else [path]
        self._info = _told(self._files[0]) | _told(self._files[-1])

    @cached_property
    def config(self) -> Config:
        """The rig that was recorded. Raise ConfigError where this version does not understand it."""
        with telling(self.path):
            raw = json.loads(self._info["config"])
        return parse(raw, f"{self.path}: its rig")

    @property
    def version(self) -> str:
        """Of rigbind, that recorded it."""
        return self._info.get("version", "")

    @property
    def model(self) -> str:
        """The encoders and their weights, as ``Recorder`` was told."""
        return self._info.get("model", "")

    @property
    def digests(self) -> dict[str, str]:
        """Those of the run by name; empty where the recorder was killed."""
        return self._mapping("digests", dict[str, str])

    @property
    def dropped(self) -> dict[str, int]:
        """How many samples and rows by topic the recorder had to leave out."""
        return self._mapping("dropped", dict[str, int])

    @property
    def complete(self) -> bool:
        """Whether all is there that the run received, so that a replay must come to the same digests."""
        is_gapless = self._files == [self.path] or [*map(number_of, self._files)] == [*range(len(self._files))]
        return bool(self.digests) and not self.dropped and is_gapless

    def samples(self) -> Iterator[Received]:
        """Yield the samples in the order of their arrival. Raise LogError as ``steps`` does."""
        return (step for step in self.steps() if isinstance(step, Received))

    def steps(self) -> Iterator[Received | Exchange | Tick | Request]:
        """Yield what moved the line, in its order: samples, exchanges with senders, ticks for deadlines, commands.

        Raise LogError where the recording is cut or damaged, after all that is whole.
        """
        return self._read(_step)

    def closings(self) -> Iterator[WindowRow]:
        """Yield the windows as they were closed, skipped and answered. Raise LogError as ``steps`` does."""
        return self.rows(WindowRow)

    def rows(self, kind: type[R]) -> Iterator[R]:
        """Yield the rows of one kind in their order. Raise LogError as ``steps`` does."""
        return self._read(partial(_row, kind))

    def _read(self, pick: Callable[[Form, Message], T | None]) -> Iterator[T]:
        """Yield what ``pick`` makes of the messages, in the order of their writing."""
        for path in self._files:
            yield from self._read_one(path, pick)

    def _read_one(self, path: Path, pick: Callable[[Form, Message], T | None]) -> Iterator[T]:
        schemas: dict[int, Schema] = {}
        channels: dict[int, tuple[Connection, Form]] = {}
        with telling(path) as progress, path.open("rb") as file:
            for record in _contents(path, file):
                if isinstance(record, Message):
                    connection, form = channels[record.channel_id]
                    progress.last = RawMessage(connection, record.log_time, record.data)
                    if (picked := pick(form, record)) is not None:
                        yield picked
                elif isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    connection = connection_of(record, schemas.get(record.schema_id))
                    channels[record.id] = connection, _form(record, connection.type)

    def _mapping(self, name: str, kind: type[T]) -> T:
        with telling(self.path):
            return msgspec.json.decode(self._info.get(name, "{}"), type=kind)


def _told(path: Path) -> dict[str, str]:
    """Return what the file says of itself; in a cut one, what it said in the beginning."""
    told: dict[str, str] = {}
    with telling(path), path.open("rb") as file, suppress(LogError):
        for record in records(path, file, (Opcode.METADATA,)):
            if isinstance(record, Metadata) and record.name == RECORD:
                told |= record.metadata
    return told


def _contents(path: Path, file: IO[bytes]) -> Iterator[McapRecord]:
    for record in records(path, file, MESSAGES):
        if isinstance(record, Chunk):
            yield from unpacked(record)
        else:
            yield record


def _form(channel: Channel, type_: str) -> Form:
    said = channel.metadata
    return Form(
        topic=channel.topic,
        type=type_ if "rigbind" in said else "",
        session=said.get("session", ""),
        dtype=said.get("dtype", ""),
        frame_id=said.get("frame_id", ""),
    )


def _step(form: Form, message: Message) -> Received | Exchange | Tick | Request | None:
    kind = _STEPS.get(form.topic)
    if kind is not None:
        step = msgspec.json.decode(message.data, type=kind)
        return Request(step.parsed(), step.received) if isinstance(step, CommandRow) else step
    return restore(form, message) if form.type else None


def _row(kind: type[R], form: Form, message: Message) -> R | None:
    return msgspec.json.decode(message.data, type=kind) if form.topic == TOPICS[kind] else None
