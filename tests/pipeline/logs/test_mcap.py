"""Messages come in the order and with the checks of the ``mcap`` library's reader, at less cost."""

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import zstandard
from mcap.reader import SeekingReader
from mcap.records import Chunk, Message
from mcap.stream_reader import CRCValidationError, breakup_chunk
from mcap.writer import CompressionType, IndexType, Writer

from pipeline.errors import LogError
from pipeline.logs.mcap import Mcap, unpacked


def disordered(path: Path, compression: CompressionType, indexes: IndexType = IndexType.ALL) -> Path:
    """Small chunks whose times overlap, with many equal ones."""
    rng = random.Random(1)
    with path.open("wb") as file:
        writer: Any = Writer(file, 300, compression, indexes)
        writer.start()
        channels = [writer.register_channel(f"/{name}", "json", 0) for name in "abc"]
        for number in range(400):
            writer.add_message(
                rng.choice(channels), number // 10 + rng.randrange(20), rng.randbytes(rng.randrange(60)), 0
            )
        writer.finish()
    return path


@pytest.mark.parametrize("topics", [(), ("/b",), ("/c", "/a"), ("/none",)])
@pytest.mark.parametrize("indexes", [IndexType.ALL, IndexType.CHUNK])
@pytest.mark.parametrize("compression", [CompressionType.ZSTD, CompressionType.NONE])
def test_messages_come_in_the_librarys_order(
    tmp_path: Path, compression: CompressionType, indexes: IndexType, topics: tuple[str, ...]
) -> None:
    path = disordered(tmp_path / "log.mcap", compression, indexes)
    with path.open("rb") as file:
        theirs = [(c.topic, m.log_time, m.data) for _, c, m in SeekingReader(file).iter_messages(topics or None)]
    ours = [(message.connection.topic, message.log_time, message.data) for message in Mcap(path).messages(topics)]
    assert ours == theirs
    assert len(ours) == 400 or topics


def record(opcode: int, body: bytes) -> bytes:
    return struct.pack("<BQ", opcode, len(body)) + body


def chunk_of(data: bytes, crc: int | None = None) -> Chunk:
    return Chunk("", data, 0, 0, zlib.crc32(data) if crc is None else crc, len(data))


MESSAGE = record(5, struct.pack("<HIQQ", 1, 2, 3, 4) + b"data")


def test_a_chunk_gives_what_it_gives_the_library_and_passes_over_what_is_unknown() -> None:
    chunk = chunk_of(MESSAGE + record(0x80, b"of a later version") + MESSAGE)
    assert list(unpacked(chunk)) == list(breakup_chunk(chunk)) == [Message(1, 3, b"data", 4, 2)] * 2
    assert list(unpacked(chunk_of(b""))) == []


@pytest.mark.parametrize("cut", [1, 4, len(MESSAGE) - 9, len(MESSAGE) - 5])
def test_a_record_that_reaches_beyond_its_chunk_is_an_error(cut: int) -> None:
    with pytest.raises((ValueError, struct.error)):
        list(unpacked(chunk_of(MESSAGE + MESSAGE[:-cut])))


def test_a_chunk_whose_sum_is_another_is_an_error() -> None:
    with pytest.raises(CRCValidationError):
        list(unpacked(chunk_of(MESSAGE, crc=1)))


def test_a_message_of_a_channel_that_nothing_tells_of_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.mcap"
    with path.open("wb") as file:
        writer: Any = Writer(file, compression=CompressionType.NONE, repeat_channels=False)
        writer.start()
        writer.add_message(writer.register_channel("/a", "json", 0), 1, b"{}", 1)
        writer.finish()
    with pytest.raises(LogError, match=r"log\.mcap: the log is damaged"):
        list(Mcap(path).messages(("/a",)))


def test_a_chunk_that_says_it_becomes_too_large_is_refused_before_memory_is_asked_for() -> None:
    """Its frame does not say how large it is, so nothing contradicts it."""
    data = zstandard.ZstdCompressor(write_content_size=False).compress(b"x")
    chunk = Chunk("zstd", data, message_end_time=0, message_start_time=0, uncompressed_crc=0, uncompressed_size=1 << 62)
    with pytest.raises(ValueError, match=f"says that it holds {1 << 62} bytes"):
        list(unpacked(chunk))
