"""Sensor processes that fail are started anew, and those that come to their end are not."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rigs import rig_file
from typer.testing import CliRunner

from pipeline.commands import sense
from pipeline.commands.__main__ import app
from pipeline.commands.sense import Sensing
from pipeline.logs import Recorded

SENSOR = """
import sys
from pathlib import Path

print("ready", flush=True)
start, lives = sys.stdin.readline().strip(), Path(sys.argv[1])
lives.write_text(lives.read_text() + start + "\\n" if lives.exists() else start + "\\n")
sys.exit({code} if lives.read_text().count("\\n") <= {failures} else 0)
"""

FRAIL = """
import os, time
from pathlib import Path

import numpy as np

from pipeline.messages import Sample

LIVES = Path(__file__).with_name("lives")


class Frail:
    def __init__(self, topic: str = "/imu") -> None:
        self.topic = topic

    def __iter__(self):
        is_first = not LIVES.exists()
        LIVES.touch()
        for seq in range(10_000):
            yield Sample(topic=self.topic, stamp=time.time_ns(), frame_id="imu", seq=seq, data=np.ones(6))
            time.sleep(0.01)
            if is_first and seq == 50:
                os._exit(7)
"""


@contextmanager
def sensing(folder: Path, code: int, failures: int) -> Iterator[tuple[Sensing, Path]]:
    """A sensor that ends ``failures`` times with ``code`` and then with 0; the starts that it was given, by line."""
    lives = folder / "lives"
    sensors = Sensing({"/imu": [sys.executable, "-c", SENSOR.format(code=code, failures=failures), str(lives)]})
    yield sensors, lives
    sensors.stop()


def ends(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_that_has_failed_is_started_anew_with_the_same_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sense, "FIRST_RETRY_S", 0.1)
    with sensing(tmp_path, 7, 2) as (sensors, lives):
        start = sensors.start()

        def has_ended() -> bool:
            sensors.revive()
            return sensors.processes["/imu"].poll() == 0

        ends(has_ended)
        time.sleep(0.2)
        sensors.revive()  # an end is no failure
        assert lives.read_text() == f"{start}\n" * 3
    assert [record.getMessage() for record in caplog.records] == [
        "/imu: its sensor has ended (exit code 7) and is started anew"
    ] * 2


def test_it_waits_ever_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sense, "FIRST_RETRY_S", 60.0)
    with sensing(tmp_path, 7, 9) as (sensors, lives):
        sensors.start()
        ends(lambda: sensors.processes["/imu"].poll() == 7)
        sensors.revive()
        assert sensors.processes["/imu"].poll() == 7
        assert lives.read_text().count("\n") == 1


@pytest.mark.slow
@pytest.mark.fault
def test_what_a_sensor_senses_after_it_has_failed_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where its module is
    rig, out = rig_file(tmp_path, address=f"ipc://{tmp_path}/bus"), tmp_path / "box.mcap"
    (tmp_path / "frail.py").write_text(FRAIL)
    text = rig.read_text()
    rig.write_text(text.replace("rate_hz = 200", 'rate_hz = 200\nsensor = { use = "frail:Frail" }'))
    done = CliRunner().invoke(app, ["record", str(rig), "--record", str(out), "--seconds", "25"])
    assert done.exit_code == 0, done.output
    lives = [item.sample.seq for item in Recorded(out).samples()]
    assert lives.count(0) == 2
    assert lives[50] == 50
    assert "restart 1" in done.output
