"""Writes the events of a replay into a copy of its log."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Header, McapRecord, Message, Metadata, Schema

from pipeline.config import Config
from pipeline.errors import LogError
from pipeline.logs.chunks import CHUNK_BYTES, MAGIC, ChunkWriter
from pipeline.logs.log import Log
from pipeline.logs.mcap import MESSAGES, records, unpacked
from pipeline.logs.raw import telling
from pipeline.logs.rows import TOPICS, json_schema
from pipeline.logs.transfer import anew, transfer
from pipeline.messages import Event


class Annotations:
    """A sink that keeps every event, in all its phases, until they are written."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with none."""
        self.events: list[Event] = []

    def write(self, event: Event) -> None:
        """Keep ``event``."""
        self.events.append(event)

    def close(self) -> None:
        """Nothing is held."""

    def annotate(self, path: Path, out: Path, log: Log, config: Config) -> None:
        """Write ``log``, which lies at ``path``, with the events to a new file at ``out``.

        MCAP files are copied message by message, also those that nobody here reads, but without earlier events of ours
        and without attachments; of any other log there are the samples. Raise LogError as ``transfer.anew`` does, and
        where the log is damaged.
        """
        files = _mcap_files(path)
        with anew(out) as part:
            damage = _copied(files, part, self.events) if files else transfer(log, config, part, self.events)
        if damage:
            raise damage


class Copy:
    """Writes the records of one MCAP file to another, whose chunks are our own."""

    def __init__(self, file: IO[bytes], profile: str) -> None:
        self._writer = ChunkWriter(file, profile, "rigbind")
        self._held = 0
        self.begin()

    def begin(self) -> None:
        """Begin with another file, whose numbers of schemas and channels are its own."""
        self._schemas = {0: 0}  # numbers there, and here
        self._channels: dict[int, int] = {}
        self._left_out: set[int] = set()

    def put(self, record: McapRecord) -> None:
        """Take a record, or all in a chunk."""
        if isinstance(record, Chunk):
            for one in unpacked(record):
                self.put(one)
        elif isinstance(record, Metadata):
            self._writer.add_metadata(record.name, record.metadata)
        elif isinstance(record, Schema) and record.id not in self._schemas:
            self._schemas[record.id] = self._writer.register_schema(record.name, record.encoding, record.data)
        elif isinstance(record, Channel) and record.id not in {*self._channels, *self._left_out}:
            self._open(record)
        elif isinstance(record, Message) and record.channel_id not in self._left_out:
            self._message(record)

    def events(self, events: list[Event]) -> None:
        """Write ``events``, each logged at its end."""
        told = {"type": "rigbind.Event", "schema": json_schema(Event)}  # no MCAP schema: as in LogWriter.row
        channel = self._writer.register_channel(TOPICS[Event], "json", 0, told)
        for event in events:
            self._writer.add_message(channel, event.end, [msgspec.json.encode(event)], event.end)

    def finish(self) -> None:
        """Write what is held, and the index."""
        self._writer.finish()

    def _open(self, channel: Channel) -> None:
        if channel.topic == TOPICS[Event]:
            self._left_out.add(channel.id)
            return
        self._channels[channel.id] = self._writer.register_channel(
            channel.topic, channel.message_encoding, self._schemas[channel.schema_id], channel.metadata
        )

    def _message(self, message: Message) -> None:
        self._writer.add_message(
            self._channels[message.channel_id],
            message.log_time,
            [message.data],
            message.publish_time,
            message.sequence,
        )
        self._held += len(message.data)
        if self._held > CHUNK_BYTES:
            self._writer.flush()
            self._held = 0


def _copied(files: Sequence[Path], part: Path, events: list[Event]) -> LogError | None:
    """Return the error at which a file ends early, after all that is whole is copied."""
    damage = None
    with part.open("wb") as file:
        copy = Copy(file, _profile(files[0]))
        for path in files:
            copy.begin()
            try:
                with telling(path), path.open("rb") as source:
                    for record in records(path, source, (Opcode.METADATA, *MESSAGES)):
                        copy.put(record)
            except LogError as error:
                damage = error
        copy.events(events)
        copy.finish()
    return damage


def _profile(path: Path) -> str:
    with telling(path), path.open("rb") as source:
        header = next(iter(records(path, source, (Opcode.HEADER,))), None)
    return header.profile if isinstance(header, Header) else ""


def _mcap_files(path: Path) -> list[Path]:
    """Return ``path`` if it is an MCAP file, or those of its folder; none for any other log."""
    files = sorted(path.glob("*.mcap")) if path.is_dir() else [path]
    return files if all(_begins(file) == MAGIC for file in files) else []


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(MAGIC))
