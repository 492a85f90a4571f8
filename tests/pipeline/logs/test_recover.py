"""What is whole in a broken recording becomes a whole recording, and what is not is named by its place."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import IMU, received, stream
from mcap.reader import make_reader
from mcap.writer import CompressionType, IndexType, Writer
from recordings import CONFIG, many, parts, whole
from rosbags.highlevel import AnyReader
from typer.testing import CliRunner

from pipeline.commands.__main__ import app
from pipeline.errors import LogError
from pipeline.logs.mcap import summary_of
from pipeline.logs.recorded import Recorded
from pipeline.logs.recover import recover
from pipeline.logs.writer import LogWriter

ITEMS = list(many(400, seed=21))
EXPECTED = [parts(one) for one in ITEMS]
STEP = 40


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, int]]]:
    """A finished recording, and how large it was after how many samples when it was flushed."""
    path = tmp_path_factory.mktemp("recover") / "log.mcap"
    writer = LogWriter(path, CONFIG)
    flushed = [(path.stat().st_size, 0)]
    for index, one in enumerate(ITEMS, 1):
        writer.sample(one)
        if index % STEP == 0:
            writer.flush()
            flushed.append((path.stat().st_size, index))
    writer.finish({"digests": '{"windows": "a"}'})
    return path, flushed


def test_cut_at_a_hundred_bytes_all_that_was_flushed_is_recovered_and_indexed(
    written: tuple[Path, list[tuple[int, int]]], tmp_path: Path
) -> None:
    path, flushed = written
    content = path.read_bytes()
    for number, place in enumerate(np.random.default_rng(22).integers(flushed[1][0], len(content), 100)):
        cut, out = tmp_path / "cut.mcap", tmp_path / f"{number}.mcap"
        cut.write_bytes(content[:place])
        recover(cut, out)
        recorded = Recorded(out)
        found, said = whole(recorded)
        assert said == ""
        assert len(found) >= max(count for size, count in flushed if size <= place)
        assert [parts(one) for one in found] == EXPECTED[: len(found)]
        summary = summary_of(out)
        assert summary is not None
        assert summary.statistics is not None
        assert summary.statistics.message_count == len(found)


def test_a_flipped_bit_costs_one_chunk_which_is_named(
    written: tuple[Path, list[tuple[int, int]]], tmp_path: Path
) -> None:
    path, flushed = written
    content = path.read_bytes()
    rng = np.random.default_rng(23)
    named = 0
    for number, place in enumerate(rng.integers(flushed[0][0], flushed[-1][0], 60)):
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "broken.mcap").write_bytes(broken)
        told = recover(tmp_path / "broken.mcap", tmp_path / f"{number}.mcap")
        recorded = Recorded(tmp_path / f"{number}.mcap")
        found, said = whole(recorded)
        assert said == ""
        left_out = set(range(len(ITEMS))) - {EXPECTED.index(parts(one)) for one in found}
        assert len(left_out) in (0, STEP)
        assert bool(told.lost) or not left_out
        assert recorded.complete == (not told.lost)
        named += bool(left_out)
    assert named > 30


def test_lengths_that_lie_cost_one_chunk_and_no_memory(
    written: tuple[Path, list[tuple[int, int]]], tmp_path: Path
) -> None:
    """Of the third chunk: its record, its content, what it becomes; of all of these, too much and far too much."""
    path, flushed = written
    content = path.read_bytes()
    begins = flushed[2][0]
    for number, (offset, value) in enumerate(
        (offset, value) for offset in (1, 25, 45) for value in (0, 7, len(content) // 2, 1 << 33, (1 << 64) - 1)
    ):
        broken = bytearray(content)
        struct.pack_into("<Q", broken, begins + offset, value)
        (tmp_path / "broken.mcap").write_bytes(broken)
        told = recover(tmp_path / "broken.mcap", tmp_path / f"{number}.mcap")
        found, _ = whole(Recorded(tmp_path / f"{number}.mcap"))
        assert [parts(one) for one in found] == EXPECTED[: 2 * STEP] + EXPECTED[3 * STEP :]
        assert str(begins) in told.lost[0]
        found, said = whole(Recorded(tmp_path / "broken.mcap"))
        assert "broken.mcap: the log is" in said or [parts(one) for one in found] == EXPECTED


@pytest.mark.parametrize("compression", ["NONE", "LZ4"])
@pytest.mark.parametrize("use_chunking", [True, False])
def test_files_of_others_are_recovered_too(
    record: Callable[[str], Any], tmp_path: Path, compression: str, use_chunking: bool
) -> None:
    source = tmp_path / "whole.mcap"
    with source.open("wb") as file:
        writer = Writer(
            file,
            chunk_size=4000,
            compression=CompressionType[compression],
            use_chunking=use_chunking,
            index_types=IndexType.NONE,
        )
        writer.start(profile="ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        channel = writer.register_channel("/words", "cdr", schema)
        for number in range(100):
            writer.add_message(channel, number, bytes([0, 1, 0, 0, 92, 0, 0, 0, *([number] * 91), 0]), number)
        writer.finish()  # type: ignore[no-untyped-call]
    content = source.read_bytes()
    (tmp_path / "cut.mcap").write_bytes(content[: len(content) * 3 // 5])
    told = recover(tmp_path / "cut.mcap", tmp_path / "out.mcap")
    assert 20 < told.messages < 100
    with (tmp_path / "out.mcap").open("rb") as mcap:
        found = list(make_reader(mcap, validate_crcs=True).iter_messages())
    assert [message.data[8] for _, _, message in found] == list(range(told.messages))
    with AnyReader([tmp_path / "out.mcap"]) as bag:
        assert len(list(bag.messages())) == told.messages


def test_what_cannot_be_recovered_is_a_sentence(written: tuple[Path, list[tuple[int, int]]], tmp_path: Path) -> None:
    content = written[0].read_bytes()
    for name, data, said in (
        ("empty", b"", "the file is empty"),
        ("text", b"no log at all" * 9, "there is nothing to recover: bytes 0 to 117 are no whole record"),
        ("head", content[:400], "there is nothing to recover"),
    ):
        (tmp_path / f"{name}.mcap").write_bytes(data)
        with pytest.raises(LogError, match=rf"{name}\.mcap: {said}"):
            recover(tmp_path / f"{name}.mcap", tmp_path / "out.mcap")
    with pytest.raises(LogError, match="there is a file already"):
        recover(written[0], written[0])
    assert not list(tmp_path.glob("out*"))


def test_the_command_recovers_a_folder_and_says_what_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    for number in range(2):
        writer = LogWriter(folder / f"00000{number}.mcap", CONFIG)
        for one in received(list(stream(IMU, number, number + 1))):
            writer.sample(one)
            writer.flush()
        writer.finish({})
    last = folder / "000001.mcap"
    last.write_bytes(last.read_bytes()[:20_000])
    (folder / "000002.mcap").touch()
    done = CliRunner().invoke(app, ["recover", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "000001.mcap: lost: bytes" in done.output
    assert "000002.mcap: the file is empty" in done.output
    found, said = whole(Recorded(tmp_path / "box.recovered"))
    assert said == ""
    assert [one.sample.seq for one in found][:200] == list(range(200))
