"""`rigbind record` is a black box: what comes in is kept, by the rig's own section or the options over it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from rigs import rig_file, samples
from typer.testing import CliRunner

from pipeline.bus import Publisher
from pipeline.commands.__main__ import app
from pipeline.commands.recording import path_of, recording
from pipeline.config import Config, Recording
from pipeline.errors import InputError
from pipeline.logs import Recorded
from pipeline.logs.quota import segments_of


@contextmanager
def sending(address: str) -> Iterator[None]:
    """Send the rig's samples over and over, about as they come."""
    stop = threading.Event()

    def send() -> None:
        publisher = Publisher(address)
        publisher.wait(20)
        for one in samples(5.0):
            if stop.wait(0.001):
                break
            publisher.publish(replace(one.sample, stamp=time.time_ns()))
        publisher.close()

    thread = threading.Thread(target=send)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_all_that_comes_in_is_in_a_new_folder_of_segments(tmp_path: Path) -> None:
    rig = rig_file(tmp_path, address=f"ipc://{tmp_path}/bus")
    rig.write_text(rig.read_text() + f'\n[record]\npath = "{tmp_path}/elsewhere"\nsegment_s = 100\n')
    out = tmp_path / "box"
    with sending(f"ipc://{tmp_path}/bus"):
        arguments = ["record", str(rig), "--record", str(out), "--no-sensors", "--seconds", "1.5", "--segment-s", "0.4"]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert f"recorded into {out}" in done.output.replace("\n", "")
    assert len(segments_of(out)) >= 2
    recorded = Recorded(out)
    found = [one.sample.seq for one in recorded.samples() if one.sample.topic == "/imu"]
    assert found == list(range(len(found)))
    assert len(found) > 100
    assert recorded.config.record.segment_s == 0.4
    assert not (tmp_path / "elsewhere").exists()


def test_what_cannot_be_recorded_is_a_sentence(tmp_path: Path) -> None:
    rig = rig_file(tmp_path)
    for arguments, said in (
        ([], "there is no place to record to"),
        (["--record", str(rig)], "there is a file already"),
        (["--record", str(tmp_path), "--segment-s", "1"], "the folder is not empty"),
        (["--record", str(tmp_path / "a.mcap"), "--quota-gb", "1"], "needs a folder"),
    ):
        done = CliRunner().invoke(app, ["record", str(rig), *arguments])
        assert said in str(done.exception)
    rig.write_text(rig.read_text() + '\n[record]\npath = "box"\nmode = "events"\n')
    assert "needs `rigbind run`" in str(CliRunner().invoke(app, ["record", str(rig)]).exception)


def test_options_stand_over_the_rig_and_dates_are_filled_in() -> None:
    rig = Config(record=Recording(path="box-%Y", segment_s=60, quota_gb=5))
    over = recording(rig, None, None, 100, None, only_events=True)
    assert over.record == Recording(path="box-%Y", segment_s=60, segment_mb=100, quota_gb=5, mode="events")
    assert str(path_of(over)) == f"box-{time.gmtime().tm_year}"
    assert path_of(Config()) is None
    with pytest.raises(InputError, match="there is no place to record to"):
        recording(Config(), None, 1, None, None)
