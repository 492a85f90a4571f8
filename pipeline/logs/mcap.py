"""MCAP files, also those whose recorder was killed: what is whole is read, then the cut is told."""

import io
import re
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import IO

import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, McapRecord, Message, Schema
from mcap.stream_reader import MAGIC_SIZE, StreamReader, get_chunk_data_stream
from mcap.summary import Summary

from pipeline.errors import LogError
from pipeline.logs.raw import Connection, RawMessage, telling
from pipeline.messages import FOREVER

MESSAGES = (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK)
"""Records that lead to messages."""

RECORD = struct.Struct("<BQ")  # opcode, length
MAX_CHUNK_BYTES = 1 << 30
"""What a chunk may become; one that says more is taken for damaged before memory is asked for it."""

MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time; then the data


class Mcap:
    """One ``.mcap`` file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._schemas: dict[int, Schema] = {}
        self._connections: dict[int, Connection] = {}
        self._chunks: list[ChunkIndex] = []
        summary = summary_of(path)
        if summary is not None:
            self._chunks = sorted(summary.chunk_indexes, key=attrgetter("message_start_time", "chunk_start_offset"))
            self._schemas.update(summary.schemas)
            for channel in summary.channels.values():
                self._learn(channel)

    @property
    def first(self) -> int:
        """Log time before which there is no message; 0 where no index tells."""
        return min((chunk.message_start_time for chunk in self._chunks), default=0)

    def connections(self) -> Sequence[Connection]:
        return list(self._connections.values())

    def messages(self, topics: Collection[str] = (), start: int = 0, end: int = FOREVER) -> Iterator[RawMessage]:
        with telling(self.path) as progress, self.path.open("rb") as file:
            found = self._by_index(file, topics, start, end) if self._chunks else self._in_file_order(file, topics)
            for progress.last in found:
                if start <= progress.last.log_time < end:
                    yield progress.last

    def close(self) -> None:
        """Nothing stays open between passes."""

    def _by_index(self, file: IO[bytes], topics: Collection[str], start: int, end: int) -> Iterator[RawMessage]:
        """Read the chunks of ``[start, end)`` in log order, and in file order where log times are equal.

        Chunks may overlap.
        """
        unwanted = {id_ for id_, connection in self._connections.items() if topics and connection.topic not in topics}
        waiting: list[tuple[int, int, int, Message]] = []  # log time, place in the file, what is there
        for index in self._chunks:
            if index.message_index_offsets and unwanted.issuperset(index.message_index_offsets):
                continue
            if index.message_end_time < start or index.message_start_time >= end:
                continue
            ready = bisect_left(waiting, (index.message_start_time,))
            yield from map(self._raw, waiting[:ready])
            file.seek(index.chunk_start_offset + RECORD.size)
            messages = enumerate(unpacked(Chunk.read(ReadDataStream(file))))
            waiting = waiting[ready:] + [
                (message.log_time, index.chunk_start_offset, place, message)
                for place, message in messages
                if isinstance(message, Message) and message.channel_id not in unwanted
            ]
            waiting.sort()
        yield from map(self._raw, waiting)

    def _raw(self, entry: tuple[int, int, int, Message]) -> RawMessage:
        log_time, _, _, message = entry
        return RawMessage(self._connections[message.channel_id], log_time, message.data)

    def _in_file_order(self, file: IO[bytes], topics: Collection[str]) -> Iterator[RawMessage]:
        """Read from the start, sorting within each chunk only: without an index, all else is not known yet."""
        for record in records(self.path, file, MESSAGES):
            for message in self._unpack(record):
                connection = self._connections[message.channel_id]
                if not topics or connection.topic in topics:
                    yield RawMessage(connection, message.log_time, message.data)

    def _unpack(self, record: McapRecord) -> Sequence[Message]:
        """Return the messages in one record, by log time; learn its schemas and channels on the way."""
        records = list(unpacked(record)) if isinstance(record, Chunk) else [record]
        for one in records:
            if isinstance(one, Schema):
                self._schemas[one.id] = one
            elif isinstance(one, Channel):
                self._learn(one)
        return sorted((one for one in records if isinstance(one, Message)), key=attrgetter("log_time"))

    def _learn(self, channel: Channel) -> None:
        if channel.id not in self._connections:
            self._connections[channel.id] = connection_of(channel, self._schemas.get(channel.schema_id))


def summary_of(path: Path) -> Summary | None:
    """Return what stands at the end of a finished file, or None where that is missing or broken."""
    with path.open("rb") as file, suppress(Exception):  # as in raw.telling; reading from the start tells what is wrong
        return SeekingReader(file).get_summary()
    return None


def records(path: Path, file: IO[bytes], wanted: Collection[Opcode]) -> Iterator[McapRecord]:
    """Yield the records of the ``wanted`` kinds, up to the footer; one is an opcode, a length and so many bytes.

    Raise LogError where the file ends before a record does, ValueError for a chunk whose length is wrong.
    """
    size, place = path.stat().st_size, MAGIC_SIZE
    file.seek(place)
    while len(head := file.read(9)) == 9:
        length = int.from_bytes(head[1:], "little")
        if place + 9 + length > size:
            break
        if head[0] == Opcode.FOOTER:
            return
        if head[0] in wanted:
            record = next(StreamReader(io.BytesIO(head + file.read(length)), skip_magic=True, emit_chunks=True).records)
            if isinstance(record, Chunk) and length != 40 + len(record.compression) + len(record.data):
                raise ValueError(f"the chunk at byte {place} is longer or shorter than what it holds")
            yield record
        place += 9 + length
        file.seek(place)
    raise LogError(f"{path}: the log is cut: the file ends at byte {size}, in the record that begins at byte {place}")


def unpacked(chunk: Chunk) -> Iterator[McapRecord]:
    """Yield the schemas, channels and messages in ``chunk``. Raise ValueError where it does not hold what it should.

    What ``mcap.stream_reader.breakup_chunk`` does, at a third of its time: small messages come by the thousand.
    """
    if chunk.uncompressed_size > MAX_CHUNK_BYTES:
        raise ValueError(f"a chunk says that it holds {chunk.uncompressed_size} bytes")
    if chunk.compression == "zstd" and zstandard.frame_content_size(chunk.data) not in (-1, chunk.uncompressed_size):
        raise ValueError(f"a chunk says that it holds {chunk.uncompressed_size} bytes, and its content says otherwise")
    stream, size = get_chunk_data_stream(chunk, validate_crc=True)
    data, place = stream.read(size), 0
    while place < size:
        opcode, length = RECORD.unpack_from(data, place)
        start, place = place + RECORD.size, place + RECORD.size + length
        if place > size:
            raise ValueError(f"a record of {length} bytes reaches beyond its chunk")
        if opcode == Opcode.MESSAGE:
            channel, sequence, log_time, publish_time = MESSAGE.unpack_from(data, start)
            yield Message(channel, log_time, data[start + MESSAGE.size : place], publish_time, sequence)
        elif opcode == Opcode.CHANNEL:
            yield Channel.read(ReadDataStream(io.BytesIO(data[start:place])))
        elif opcode == Opcode.SCHEMA:
            yield Schema.read(ReadDataStream(io.BytesIO(data[start:place])))


def connection_of(channel: Channel, schema: Schema | None) -> Connection:
    """Return what ``channel`` says of its messages; the type of one without schema is the one in its metadata."""
    name, syntax = (schema.name, schema.encoding) if schema else (channel.metadata.get("type", ""), "")
    return Connection(
        topic=channel.topic,
        type=re.sub(r"^(\w+)/(\w+)$", r"\1/msg/\2", name),
        encoding=channel.message_encoding,
        definition=schema.data.decode("utf-8", "replace") if schema and syntax.startswith(("ros", "omg")) else "",
        syntax="idl" if syntax.endswith("idl") else "msg",
        schema=schema.data if schema and syntax in ("protobuf", "jsonschema") else b"",
    )
