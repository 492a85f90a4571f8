"""An MCAP file as it is written, chunk by chunk, beside threads that must not wait.

The ``mcap`` library's writer copies a picture four times on its way to the disk and holds Python's lock meanwhile. Here
large payloads stay where they are until their chunk is closed, and go from there through the compressor to the file in
blocks of 128 KiB, mostly without the lock. The records are those of https://mcap.dev/spec.
"""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, Any
from zlib import crc32

import zstandard
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Message,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.records import Chunk as McapChunk

Buffer = bytes | bytearray | memoryview
"""Memoryviews are of bytes, so that their length is their size."""

Index = dict[int, list[tuple[int, int]]]
"""What is in a chunk, by channel: log times, and places."""

CHUNK_BYTES = 4 << 20
"""A chunk is closed once it holds so much: one or two 720p frames."""

LARGE_BYTES = 16 << 10
"""Payloads from this size on are not copied together."""

LEVEL = -1
"""Of zstd: pictures of the TUM RGB-D benchmark take 0.82 of their size; level 1 gives 0.74 at half the speed."""

MAGIC = b"\x89MCAP0\r\n"
MESSAGE = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log time, publish time; then the data
CHUNK = struct.Struct("<BQQQQII4sQ")  # opcode, length, start, end, size, sum, "zstd" with its length, length; the data
MESSAGE_INDEX = struct.Struct("<BQHI")  # opcode, length, channel, length; then pairs of log time and place


class ChunkWriter:
    """Writes to ``file``; whatever that raises comes through.

    A file that can be read may hold what a writer that broke off has left: the first chunks that are whole and would be
    written again as they stand are not compressed anew.
    """

    def __init__(self, file: IO[bytes], profile: str, library: str) -> None:
        self._file = file
        self._is_repeating = file.readable()
        self._place = 0  # bytes given to the file
        self._chunk = _Chunk()
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._schemas: list[Schema] = []
        self._channels: list[Channel] = []
        self._chunks: list[ChunkIndex] = []
        self._metadata: list[MetadataIndex] = []
        self._counts: Counter[int] = Counter()  # of messages, by channel
        self._flushed = (0, 0, 0, 0, Counter(self._counts))
        self._put(MAGIC, bytes_of(Header(profile, library)))

    def add_metadata(self, name: str, told: Mapping[str, str]) -> None:
        """Write what the file says of itself, at once."""
        record = bytes_of(Metadata(name=name, metadata=dict(told)))
        self._metadata.append(MetadataIndex(offset=self._place, length=len(record), name=name))
        self._put(record)

    def register_schema(self, name: str, encoding: str, data: bytes) -> int:
        """Return the number of a new schema."""
        self._schemas.append(Schema(id=len(self._schemas) + 1, name=name, encoding=encoding, data=data))
        self._chunk.put(bytes_of(self._schemas[-1]))
        return len(self._schemas)

    def register_channel(self, topic: str, encoding: str, schema: int, told: Mapping[str, str]) -> int:
        """Return the number of a new channel; ``schema`` 0 is none."""
        number = len(self._channels) + 1
        self._channels.append(
            Channel(number, topic=topic, message_encoding=encoding, metadata=dict(told), schema_id=schema)
        )
        self._chunk.put(bytes_of(self._channels[-1]))
        return number

    def add_message(
        self, channel: int, log_time: int, data: Sequence[Buffer], publish_time: int, sequence: int = 0
    ) -> None:
        """Write a message, whose parts must stay as they are until the next ``flush``."""
        self._counts[channel] += 1
        self._chunk.add(channel, log_time, data, publish_time, sequence)
        if self._chunk.size > CHUNK_BYTES:
            self._close_chunk()

    def flush(self) -> None:
        """Hand all to the operating system."""
        self._close_chunk()
        self._file.flush()
        sizes = len(self._schemas), len(self._channels), len(self._chunks)
        self._flushed = (self._place, *sizes, Counter(self._counts))

    @property
    def place(self) -> int:
        """Bytes that the file will have once what is held is written, before compression."""
        return self._place + self._chunk.size

    def roll_back(self, file: IO[bytes]) -> None:
        """Go back to the last ``flush``, and on in ``file``, which is cut there; only ``finish`` may follow."""
        self._file = file
        self._place, schemas, channels, chunks, self._counts = self._flushed
        del self._schemas[schemas:], self._channels[channels:], self._chunks[chunks:]
        self._chunk = _Chunk()
        file.truncate(self._place)
        file.seek(self._place)

    def finish(self) -> None:
        """Write what is held, and the summary."""
        self._close_chunk()
        self._put(bytes_of(DataEnd(0)))
        groups: list[Sequence[McapRecord]] = [
            self._schemas,
            self._channels,
            [self._statistics()],
            self._chunks,
            self._metadata,
        ]
        start, summary, offsets = self._place, bytearray(), bytearray()
        for group in groups:
            if records := b"".join(map(bytes_of, group)):
                offset = SummaryOffset(records[0], group_start=start + len(summary), group_length=len(records))
                offsets += bytes_of(offset)
                summary += records
        footer = bytes_of(Footer(summary_start=start, summary_offset_start=start + len(summary), summary_crc=0))
        checked = bytes(summary + offsets + footer[:-4])
        self._put(checked, struct.pack("<I", crc32(checked)), MAGIC)
        self._file.truncate()

    def _close_chunk(self) -> None:
        """Write the chunk and its index; without a message it waits for one."""
        if not self._chunk.index:
            return
        chunk, self._chunk = self._chunk, _Chunk()
        start = self._place
        self._is_repeating = self._is_repeating and self._repeats(chunk)
        if not self._is_repeating:
            self._put_chunk(chunk)
        self._put_indexes(start, self._place - start - CHUNK.size, "zstd", chunk.size, chunk.index)

    def adopt(self, raw: bytes, chunk: McapChunk, records: Sequence[McapRecord]) -> bool:
        """Write a chunk of another file as its bytes; ``records`` are all in it. Say whether they are, else do nothing.

        Schemas and channels keep their numbers, and are to be told by ``define``.
        """
        index: Index = {}
        place = 0
        for record in records:
            if isinstance(record, Message):
                index.setdefault(record.channel_id, []).append((record.log_time, place))
            place += MESSAGE.size + len(record.data) if isinstance(record, Message) else len(bytes_of(record))
        if place != chunk.uncompressed_size:
            return False
        self._close_chunk()
        self._counts.update({channel: len(entries) for channel, entries in index.items()})
        start = self._place
        self._put(raw)
        self._put_indexes(start, len(chunk.data), chunk.compression, place, index)
        return True

    def define(self, record: Schema | Channel, is_inside: bool) -> None:
        """Tell of a schema or a channel of another file, by its number; one that ``is_inside`` a chunk is written."""
        known: list[Any] = self._schemas if isinstance(record, Schema) else self._channels
        if all(one.id != record.id for one in known):
            known.append(record)
            if not is_inside:
                self._put(bytes_of(record))

    def _repeats(self, chunk: "_Chunk") -> bool:
        """Go to the end of ``chunk`` if it stands here already; else cut the file here."""
        start, crc = self._place, chunk.crc()
        head = self._file.read(CHUNK.size)
        length = int.from_bytes(head[-8:], "little")
        is_alike = length < chunk.bound and head == chunk.head(length, crc)
        if is_alike and _sum_of(self._file.read(length), chunk.size) == crc:
            self._place += CHUNK.size + length
        else:
            self._file.seek(start)
            self._file.truncate()
        return self._place > start

    def _put_chunk(self, chunk: "_Chunk") -> None:
        start = self._place
        self._put(chunk.head(chunk.bound))  # what is written of it now reads as cut
        compressed = self._compressor.stream_writer(self._file, size=chunk.size, closefd=False)
        for part in chunk.parts:
            compressed.write(part)
        compressed.flush(zstandard.FLUSH_FRAME)
        self._place = self._file.tell()
        self._file.seek(start)
        self._file.write(chunk.head(self._place - start - CHUNK.size, chunk.crc()))
        self._file.seek(self._place)

    def _put_indexes(self, start: int, compressed_size: int, compression: str, size: int, index: Index) -> None:
        """Write the index of a chunk that begins at ``start`` and ends here."""
        end, times = self._place, [time for entries in index.values() for time, _ in entries]
        places = {channel: self._put_index(channel, entries) for channel, entries in index.items()}
        self._chunks.append(
            ChunkIndex(
                chunk_length=end - start,
                chunk_start_offset=start,
                compression=compression,
                compressed_size=compressed_size,
                message_end_time=max(times),
                message_index_length=self._place - end,
                message_index_offsets=places,
                message_start_time=min(times),
                uncompressed_size=size,
            )
        )

    def _put_index(self, channel: int, entries: Sequence[tuple[int, int]]) -> int:
        """Return where it is written."""
        place, values = self._place, [value for entry in entries for value in entry]
        body = struct.pack(f"<{len(values)}Q", *values)
        self._put(MESSAGE_INDEX.pack(Opcode.MESSAGE_INDEX, 6 + len(body), channel, len(body)), body)
        return place

    def _statistics(self) -> Statistics:
        return Statistics(
            attachment_count=0,
            channel_count=len(self._channels),
            channel_message_counts=dict(self._counts),
            chunk_count=len(self._chunks),
            message_count=self._counts.total(),
            message_end_time=max((chunk.message_end_time for chunk in self._chunks), default=0),
            message_start_time=min((chunk.message_start_time for chunk in self._chunks), default=0),
            metadata_count=len(self._metadata),
            schema_count=len(self._schemas),
        )

    def _put(self, *parts: Buffer) -> None:
        for part in parts:
            self._file.write(part)
            self._place += len(part)


class _Chunk:
    """What is held until it is compressed."""

    def __init__(self) -> None:
        self.size = 0
        self.index: Index = {}
        self._large: list[Buffer] = []  # and the small ones between them
        self._small = bytearray()  # since the last large one

    @property
    def parts(self) -> list[Buffer]:
        """All the bytes, in order."""
        return [*self._large, self._small]

    @property
    def bound(self) -> int:
        """More bytes than there can be once it is compressed."""
        return 2 * self.size + 1024

    @property
    def start(self) -> int:
        """The earliest log time."""
        return min(time for entries in self.index.values() for time, _ in entries)

    @property
    def end(self) -> int:
        """The latest log time."""
        return max(time for entries in self.index.values() for time, _ in entries)

    def add(self, channel: int, log_time: int, data: Sequence[Buffer], publish_time: int, sequence: int) -> None:
        """Take a message."""
        self.index.setdefault(channel, []).append((log_time, self.size))
        length = MESSAGE.size - 9 + sum(map(len, data))
        self.put(MESSAGE.pack(Opcode.MESSAGE, length, channel, sequence, log_time, publish_time), *data)

    def put(self, *parts: Buffer) -> None:
        """Take bytes, small ones together."""
        for part in parts:
            self.size += len(part)
            if len(part) < LARGE_BYTES:
                self._small += part
            else:
                self._large += [self._small, part]
                self._small = bytearray()

    def head(self, length: int, crc: int = 0) -> bytes:
        """Return what stands before the ``length`` compressed bytes."""
        size = CHUNK.size - 9 + length
        return CHUNK.pack(Opcode.CHUNK, size, self.start, self.end, self.size, crc, 4, b"zstd", length)

    def crc(self) -> int:
        """Return the sum of the bytes as they are before compression."""
        crc = 0
        for part in self.parts:
            crc = crc32(part, crc)
        return crc


def _sum_of(compressed: bytes, size: int) -> int | None:
    """Return the sum of what was compressed; None where it does not unpack."""
    try:
        return crc32(zstandard.ZstdDecompressor().decompress(compressed, max_output_size=size))
    except zstandard.ZstdError:
        return None


def bytes_of(record: McapRecord) -> bytes:
    """Return a record as it stands in a file."""
    builder: Any = RecordBuilder()
    record.write(builder)
    return bytes(builder.end())
