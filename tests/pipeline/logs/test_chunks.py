"""The file is one as the ``mcap`` library writes it, and what is large is not copied on its way there."""

import io
import random
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mcap.data_stream import ReadDataStream
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.records import Chunk, Footer, Message, MessageIndex, SummaryOffset
from mcap.stream_reader import StreamReader, get_chunk_data_stream
from mcap.writer import CompressionType, Writer

from pipeline.logs.chunks import CHUNK_BYTES, LARGE_BYTES, ChunkWriter, _Chunk

TOLD = {"who": "ü", "empty": ""}
MESSAGES = [
    (1 + number % 2, 1_000 + random.Random(number).randrange(500), number, random.Random(number).randbytes(size))
    for number, size in enumerate(
        [0, 5, 100_000, LARGE_BYTES, CHUNK_BYTES, 3, LARGE_BYTES - 1, 3_000_000, 2_000_000, 9]
    )
]
"""Channel, log time, sequence, data; log times go forth and back."""


def written(messages: list[tuple[int, int, int, bytes]] = MESSAGES) -> bytes:
    file = io.BytesIO()
    writer = ChunkWriter(file, "ros2", "us")
    writer.add_metadata("rigbind", TOLD)
    schema = writer.register_schema("a/msg/B", "ros2msg", b"uint8[] c")
    writer.register_channel("/one", "cdr", schema, TOLD)
    writer.register_channel("/two", "json", 0, {})
    for channel, log_time, sequence, data in messages:
        writer.add_message(channel, log_time, [data[:3], memoryview(data)[3:]], log_time - 1, sequence)
    writer.add_metadata("rigbind", {})
    writer.finish()
    return file.getvalue()


def by_the_library() -> bytes:
    file = io.BytesIO()
    writer: Any = Writer(file, CHUNK_BYTES, CompressionType.ZSTD)
    writer.start("ros2", "us")
    writer.add_metadata("rigbind", TOLD)
    schema = writer.register_schema("a/msg/B", "ros2msg", b"uint8[] c")
    writer.register_channel("/one", "cdr", schema, TOLD)
    writer.register_channel("/two", "json", 0, {})
    for channel, log_time, sequence, data in MESSAGES:
        writer.add_message(channel, log_time, data, log_time - 1, sequence)
    writer.add_metadata("rigbind", {})
    writer.finish()
    return file.getvalue()


def without_places(record: Any) -> dict[str, Any]:
    places = (
        "offset",
        "length",
        "group_",
        "compressed_size",
        "summary_",
        "data",
        "message_index_offsets",
        "chunk_start",
    )
    return {name: value for name, value in vars(record).items() if not name.startswith(places)}


def is_of_nothing(record: Any) -> bool:
    """The library has one for attachments, of which there are none."""
    return isinstance(record, SummaryOffset) and record.group_length == 0


@pytest.mark.parametrize("reader", [SeekingReader, NonSeekingReader])
def test_the_library_reads_what_was_written_and_checks_every_sum(reader: Callable[..., Any]) -> None:
    found = list(reader(io.BytesIO(written()), validate_crcs=True).iter_messages(log_time_order=False))
    assert [(m.channel_id, m.log_time, m.sequence, m.data) for _, _, m in found] == MESSAGES
    assert [m.publish_time for _, _, m in found] == [log_time - 1 for _, log_time, _, _ in MESSAGES]
    assert [channel.topic for _, channel, _ in found] == [("/one", "/two")[c - 1] for c, _, _, _ in MESSAGES]


def test_its_records_are_those_of_the_librarys_own_writer() -> None:
    ours, theirs = (
        [record for record in StreamReader(io.BytesIO(file), emit_chunks=True).records if not is_of_nothing(record)]
        for file in (written(), by_the_library())
    )
    assert [type(record) for record in ours] == [type(record) for record in theirs]
    assert [without_places(record) for record in ours] == [without_places(record) for record in theirs]


def test_the_indexes_point_to_messages() -> None:
    file = written()
    summary: Any = SeekingReader(io.BytesIO(file)).get_summary()
    assert len(summary.chunk_indexes) >= 3
    pointed = []
    for index in summary.chunk_indexes:
        stream, size = get_chunk_data_stream(
            Chunk.read(ReadDataStream(io.BytesIO(file[index.chunk_start_offset + 9 :])))
        )
        chunk = stream.read(size)
        for channel, place in index.message_index_offsets.items():
            entries = MessageIndex.read(ReadDataStream(io.BytesIO(file[place + 9 :])))
            assert entries.channel_id == channel
            for log_time, offset in entries.records:
                length = int.from_bytes(chunk[offset + 1 : offset + 9], "little")
                message = Message.read(ReadDataStream(io.BytesIO(chunk[offset + 9 :])), length)
                assert (message.channel_id, message.log_time) == (channel, log_time)
                pointed.append(message.sequence)
    assert sorted(pointed) == list(range(len(MESSAGES)))


def test_a_file_without_messages_is_whole() -> None:
    summary: Any = SeekingReader(io.BytesIO(written([]))).get_summary()
    assert (summary.statistics.message_count, summary.statistics.chunk_count) == (0, 0)
    assert [channel.topic for channel in summary.channels.values()] == ["/one", "/two"]


def test_what_is_flushed_can_be_read_and_the_rest_comes_after_it() -> None:
    file = io.BytesIO()
    writer = ChunkWriter(file, "ros2", "us")
    channel = writer.register_channel("/one", "json", 0, {})
    for number in range(4):
        writer.add_message(channel, number, [b"{}"], number)
        writer.flush()
        writer.flush()  # without a message there is no chunk
        records = StreamReader(io.BytesIO(file.getvalue()), emit_chunks=True).records
        chunks = [next(records) for _ in range(2 * number + 3)][1::2]
        assert [type(record) for record in chunks] == [Chunk] * (number + 1)


def test_a_chunk_whose_writing_broke_off_reads_as_cut_in_it() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell() > 200_000:
                raise OSError("No space left on device")
            return super().write(data)

    file = Full()
    writer = ChunkWriter(file, "ros2", "us")
    channel = writer.register_channel("/one", "json", 0, {})
    writer.add_message(channel, 1, [random.Random(0).randbytes(2 << 20)], 1)
    start = file.tell()
    with pytest.raises(OSError, match="No space left on device"):
        writer.flush()
    left = file.getvalue()
    assert left[start] == 6
    assert start + 9 + int.from_bytes(left[start + 1 : start + 9], "little") > len(left)


def test_a_picture_stays_where_it_is_until_it_is_compressed() -> None:
    chunk, picture = _Chunk(), np.zeros(LARGE_BYTES, np.uint8)
    for number in range(3):
        chunk.add(1, number, [b"head", picture.data, b"tail"], 0, number)
    held = [np.frombuffer(part, np.uint8) for part in chunk.parts]
    assert sum(np.shares_memory(part, picture) for part in held) == 3
    assert sum(map(len, held)) == chunk.size


def test_the_end_says_where_each_part_of_the_summary_is_and_what_its_sum_is() -> None:
    file = written()
    footer, *_ = StreamReader(io.BytesIO(file[-37:]), skip_magic=True).records
    assert isinstance(footer, Footer)
    assert footer.summary_crc == zlib.crc32(file[footer.summary_start : -12])
    records = StreamReader(io.BytesIO(file[footer.summary_offset_start :]), skip_magic=True).records
    offsets = [record for record in records if isinstance(record, SummaryOffset)]
    assert [offset.group_opcode for offset in offsets] == [3, 4, 11, 8, 13]  # schemas to metadata
    start = footer.summary_start
    for offset in offsets:
        assert (offset.group_start, file[start]) == (start, offset.group_opcode)
        start += offset.group_length
    assert start == footer.summary_offset_start
