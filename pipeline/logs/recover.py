"""Makes a whole MCAP file of a broken one: every chunk that is as it was written, and a new index of them."""

import io
import json
import mmap
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Header, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
from mcap.summary import Summary
from msgspec import Struct, field

from pipeline.errors import LogError
from pipeline.logs.chunks import MAGIC, ChunkWriter, bytes_of
from pipeline.logs.mcap import RECORD, summary_of, unpacked
from pipeline.logs.transfer import anew
from pipeline.logs.writer import RECORD as OURS

CHUNK = re.compile(rb"\x06.{36}(?:\x04\0\0\0zstd|\x03\0\0\0lz4)", re.DOTALL)
"""The head of a compressed chunk, wherever it lies; its sum tells whether it is one."""

INDEX = struct.Struct("<HI")  # of an index's body: channel, length of what follows

USED = (Opcode.HEADER, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK, Opcode.METADATA)
LAST = (Opcode.DATA_END, Opcode.FOOTER)


class Salvage(Struct):
    """What was found in a broken file; ``lost`` names in a sentence each place where something was."""

    messages: int = 0
    chunks: int = 0
    lost: list[str] = field(default_factory=list)


def recover(path: Path, out: Path) -> Salvage:
    """Write all of ``path`` that is whole to a new file at ``out``.

    Raise LogError where nothing is, or as ``transfer.anew`` does.
    """
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise LogError(f"{path}: the file is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content, anew(out) as part:
                return _Repair(path, content).write(part)
    except OSError as error:
        raise LogError(f"{path}: the file cannot be read: {error.strerror}") from error


class _Repair:
    """One pass through the bytes of a file."""

    def __init__(self, path: Path, content: mmap.mmap) -> None:
        self._path, self._content = path, content
        self._summary = summary_of(path)
        self._channels: set[int] = set()  # those that the new file tells of
        self._schemas = {0}
        self._told = Salvage()

    def write(self, part: Path) -> Salvage:
        """Write the new file."""
        with part.open("wb") as file:
            writer: ChunkWriter | None = None
            for place, record in self._whole():
                if writer is None:
                    writer = ChunkWriter(file, *_header(record))
                self._put(writer, place, record)
            if not self._told.messages or writer is None:
                why = "; ".join(self._told.lost) or "it holds no message"
                raise LogError(f"{self._path}: there is nothing to recover: {why}")
            if self._told.lost:
                writer.add_metadata(OURS, {"dropped": json.dumps({"(damaged)": len(self._told.lost)})})
            writer.finish()
        return self._told

    def _whole(self) -> Iterator[tuple[int, McapRecord]]:
        """Yield the records that lead to messages, with their places, up to the end of data."""
        place = len(MAGIC) if self._content[: len(MAGIC)] == MAGIC else 0
        while place < len(self._content):
            end = self._end_of(place)
            if end and self._content[place] in LAST:
                return
            if end and self._content[place] in USED:
                record = self._read(place, end)
                if record is None:
                    end = 0
                else:
                    yield place, record
            place = end or self._next_chunk(place)

    def _end_of(self, place: int) -> int:
        """Return where the record at ``place`` ends; 0 where none can be."""
        if place + RECORD.size + INDEX.size > len(self._content):
            return 0
        opcode, length = RECORD.unpack_from(self._content, place)
        end = int(place + RECORD.size + length)
        if end > len(self._content) or not Opcode.HEADER <= opcode <= Opcode.DATA_END:
            return 0
        if opcode == Opcode.MESSAGE_INDEX and length != INDEX.size + INDEX.unpack_from(self._content, place + 9)[1]:
            return 0
        return end

    def _read(self, place: int, end: int) -> McapRecord | None:
        """Return the record in ``[place, end)``, or None where that is not all that stands there."""
        raw = self._content[place:end]
        try:
            record = next(StreamReader(io.BytesIO(raw), skip_magic=True, emit_chunks=True).records)
        except Exception:  # as in raw.telling; what is lost is told by its place
            return None
        return record if bytes_of(record) == raw else None

    def _next_chunk(self, place: int) -> int:
        """Return where the next chunk may begin, and note what lies before it."""
        found = CHUNK.search(self._content, place + 1)
        following = found.start() if found else len(self._content)
        self._told.lost.append(f"bytes {place} to {following} are no whole record")
        return following

    def _put(self, writer: ChunkWriter, place: int, record: McapRecord) -> None:
        try:
            records = list(unpacked(record)) if isinstance(record, Chunk) else [record]
            missing = self._missing(records)
        except Exception as error:  # as in raw.telling
            said = str(error).rstrip(".") or "unexpected bytes"
            self._told.lost.append(f"the record that begins at byte {place}: {said} ({type(error).__name__})")
            return
        for one in missing:
            writer.define(one, is_inside=False)
        if isinstance(record, Metadata):
            writer.add_metadata(record.name, record.metadata)
        self._take(writer, place, record, records)

    def _take(self, writer: ChunkWriter, place: int, record: McapRecord, records: Sequence[McapRecord]) -> None:
        """Write the messages of one record, and what leads to them."""
        messages = [one for one in records if isinstance(one, Message)]
        raw = self._content[place : self._end_of(place)]
        is_adopted = isinstance(record, Chunk) and bool(messages) and writer.adopt(raw, record, records)
        for one in records:
            if isinstance(one, Schema | Channel):
                writer.define(one, is_inside=is_adopted)
        for one in messages if not is_adopted else []:
            writer.add_message(one.channel_id, one.log_time, [one.data], one.publish_time, one.sequence)
        self._told.messages += len(messages)
        self._told.chunks += isinstance(record, Chunk)

    def _missing(self, records: Sequence[McapRecord]) -> list[Schema | Channel]:
        """Return what ``records`` need and do not hold. Raise ValueError where nothing tells of it."""
        told = self._summary or Summary()
        channels = {one.id: one for one in records if isinstance(one, Channel)}
        schemas = self._schemas | {one.id for one in records if isinstance(one, Schema)}
        asked = {one.channel_id for one in records if isinstance(one, Message)} - self._channels - channels.keys()
        if strange := asked - told.channels.keys():
            raise ValueError(f"it holds messages of channels {sorted(strange)}, of which nothing whole tells")
        found = [told.channels[number] for number in asked]
        needed = {one.schema_id for one in (*channels.values(), *found)} - schemas
        if strange := needed - told.schemas.keys():
            raise ValueError(f"it holds messages with schemas {sorted(strange)}, of which nothing whole tells")
        self._channels |= channels.keys() | asked
        self._schemas = schemas | needed
        return [*(told.schemas[number] for number in needed), *found]


def _header(record: McapRecord) -> tuple[str, str]:
    return (record.profile, record.library) if isinstance(record, Header) else ("", "rigbind recover")
