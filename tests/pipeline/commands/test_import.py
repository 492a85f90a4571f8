"""Whatever is imported replays as it was, and nothing half written ever has a name."""

import fcntl
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import film, sound
from recordings import parts
from rigs import CHANNELS, samples
from test_cli import rigbind

from pipeline.commands.import_ import import_
from pipeline.commands.info import info
from pipeline.config import Channel, Config
from pipeline.errors import LogError
from pipeline.logs import Log, Recorded, transfer
from pipeline.logs.chunks import ChunkWriter
from pipeline.logs.log import Log as AnyLog
from pipeline.logs.writer import LogWriter
from pipeline.messages import Received


def rig_of_three(folder: Path) -> list[Path]:
    ramp = (np.arange(48_000) % 400 * 50 - 10_000).astype(np.int16)
    table = folder / "drive.csv"
    table.write_text("t,ax,ay,az\n" + "".join(f"{n / 50},{n},0,9.81\n" for n in range(100)) + "2,x,0,0\n")
    return [film(folder / "walk.mp4", frames=20), sound(folder / "hum.flac", ramp[np.newaxis], 16_000), table]


def read(path: Path, *more: Path) -> list[Received]:
    with Log(path, *more) as log:
        return list(log.samples(log.channels()))


def test_films_sounds_and_tables_become_one_log_that_holds_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths, out = rig_of_three(tmp_path), tmp_path / "new" / "rig.mcap"
    import_(paths, out)
    was, now = read(*paths), read(out)
    assert len(was) > 120
    assert [parts(one) for one in Recorded(out).samples()] == [parts(one) for one in was]
    assert [one.sample.data.tobytes() for one in now] == [one.sample.data.tobytes() for one in was]
    printed = capsys.readouterr().out
    assert "/walk: 20 sensor_msgs/msg/Image" in printed
    assert "/imu: 1 left out, cells" in printed
    assert Recorded(out).config.channels == Log(*paths).channels()
    assert [path.name for path in out.parent.iterdir()] == ["rig.mcap"]


def stop_at(number: int, monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> None:
    """Import until the sample of that number is read."""
    whole = AnyLog.samples

    def stopped(self: AnyLog, channels: list[Channel]) -> Iterator[Received]:
        for place, one in enumerate(whole(self, channels)):
            if place == number:
                raise KeyboardInterrupt
            yield one

    with monkeypatch.context() as patched:
        patched.setattr(AnyLog, "samples", stopped)
        with pytest.raises(KeyboardInterrupt):
            import_(*arguments)


def test_one_that_is_stopped_goes_on_and_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(transfer, "FLUSH_BYTES", 100_000)
    paths, out, part = rig_of_three(tmp_path), tmp_path / "rig.mcap", tmp_path / "rig.mcap.part"
    import_(paths, tmp_path / "whole.mcap")
    whole = (tmp_path / "whole.mcap").read_bytes()
    stop_at(60, monkeypatch, paths, out)
    assert 1000 < part.stat().st_size < len(whole) - 1000
    was, put = part.read_bytes(), ChunkWriter._put_chunk
    again: list[int] = []

    def note(self: ChunkWriter, chunk: Any) -> None:
        again.append(self.place)
        put(self, chunk)

    monkeypatch.setattr(ChunkWriter, "_put_chunk", note)
    stop_at(30, monkeypatch, paths, out)  # before it came so far again
    assert (part.read_bytes(), again) == (was, [])
    import_(paths, out)
    assert out.read_bytes() == whole
    assert again
    assert min(again) > 0.8 * len(was)
    assert "rig.mcap.part: 0." in capsys.readouterr().out
    assert not part.exists()


@pytest.mark.parametrize("seed", range(8))
def test_of_what_a_killed_one_left_only_what_is_the_same_stays(tmp_path: Path, seed: int) -> None:
    paths, out, rng = rig_of_three(tmp_path), tmp_path / "rig.mcap", random.Random(seed)
    import_(paths, tmp_path / "whole.mcap")
    whole = (tmp_path / "whole.mcap").read_bytes()
    left = bytearray(whole[: rng.randrange(len(whole))]) + rng.randbytes(rng.choice([0, 10, 100_000]))
    left[rng.randrange(len(left))] ^= 1 << seed
    (tmp_path / "rig.mcap.part").write_bytes(left)
    import_(paths, out)
    content = out.read_bytes()
    assert content == whole
    with pytest.raises(LogError, match=r"rig\.mcap: nothing can be written there: there is a file already"):
        import_(paths, out)
    assert out.read_bytes() == content


def test_two_imports_do_not_write_one_file(tmp_path: Path) -> None:
    paths, out = rig_of_three(tmp_path), tmp_path / "rig.mcap"
    with (tmp_path / "rig.mcap.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LogError, match=r"rig\.mcap\.part: no recording .* another process writes it"):
            import_(paths, out)
    import_(paths, out)
    assert read(out)


def test_a_cut_log_is_imported_as_far_as_it_is_whole(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "run.mcap", Config(channels=CHANNELS))
    for number, one in enumerate(samples(2.0)):
        writer.sample(one)
        if number % 50 == 0:
            writer.flush()
    writer.finish({})
    whole = (tmp_path / "run.mcap").read_bytes()
    (tmp_path / "cut.mcap").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LogError, match=r"cut\.mcap: the log is cut"):
        import_([tmp_path / "cut.mcap"], tmp_path / "saved.mcap")
    with Log(tmp_path / "saved.mcap") as log:
        assert log.damage is None
        count = len(list(log.samples(log.channels())))
    assert count > 100
    with Log(tmp_path / "cut.mcap") as log:
        assert count == sum(topic.count for topic in log.topics.values() if topic.modality)


def test_a_map_makes_an_imu_of_a_table_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "drive.csv"
    table.write_text("when,x,y,z\n" + "".join(f"{n / 50},0,0,1\n" for n in range(100)))
    with pytest.raises(LogError, match="need a map that tells which is which"):
        import_([table], tmp_path / "out.mcap")
    done = rigbind("import", table, tmp_path / "out.mcap", "--map", "stamp=when;ax=x;ay=y;az=z;unit=g")
    assert (done.returncode, done.stderr) == (0, "")
    assert {tuple(one.sample.data) for one in read(tmp_path / "out.mcap")} == {(0, 0, 9.80665)}
    info([table], "stamp=when;ax=x;ay=y;az=z;unit=g", as_json=True)
    (topic,) = json.loads(capsys.readouterr().out)["topics"]
    assert (topic["name"], topic["rate_hz"], topic["count"]) == ("/imu", 50.0, 100)
