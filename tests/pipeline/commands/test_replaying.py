"""What can be asked of a replay: a part of the log, again and again, step by step, to another place, written down."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from makers import T0
from recordings import parts
from rigs import CHANNELS, recording, rig_file, samples

from pipeline.bus import Subscriber
from pipeline.commands.publishing import Numbers
from pipeline.commands.replay import replay
from pipeline.config import Bus
from pipeline.errors import InputError, LogError
from pipeline.ledger import Ledger
from pipeline.logs import Log, Recorded
from pipeline.logs.rows import TOPICS
from pipeline.messages import NS, Event, Received, Sample

SECONDS = 5.0


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recording(tmp_path_factory.mktemp("log") / "walk.mcap", SECONDS)


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    return rig_file(tmp_path, address=f"ipc://{tmp_path}/bus")


def used(printed: str) -> list[int]:
    """How many IMU readings each pass used."""
    return [int(line.split()[2]) for line in printed.splitlines() if line.startswith("/imu ")]


def test_a_part_is_replayed_from_start_to_before_end(log: Path, rig: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay([log], rig, start="1.5", end="0:03")
    assert used(capsys.readouterr().out) == [300]
    replay([log], rig, start="4.995")
    assert used(capsys.readouterr().out) == [1]


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [("3", "2", "nothing of the log, 4.995 s, lies from --start to --end"), ("99", "", "nothing of the log"),
     ("soon", "", "'soon' is no time in a log"), ("-1", "", "'-1' is no time"), ("nan", "", "'nan' is no time")],
)  # fmt: skip
def test_a_part_that_is_none_is_refused(log: Path, rig: Path, start: str, end: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        replay([log], rig, start=start, end=end)


class Typist:
    """A standard input on which Enter is pressed thrice, each time once a window has been shown for the last."""

    def __init__(self, shown: Callable[[], int]) -> None:
        self._shown = shown
        self.windows: list[int] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        until, seen = time.monotonic() + 20, 0
        while self.windows and not seen and time.monotonic() < until:
            seen += self._shown()
            time.sleep(0.01)
        time.sleep(0.1)  # for what should not have been shown
        self.windows.append(seen + self._shown())
        if len(self.windows) > 3:
            raise StopIteration
        return "\n"


def test_steps_follow_enter_and_the_end_of_input_lets_it_run(
    log: Path, rig: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typist = Typist(lambda: sum(" – " in line for line in capsys.readouterr().out.splitlines()))
    monkeypatch.setattr(sys, "stdin", typist)
    replay([log], rig, step=True)
    assert typist.windows == [0, 1, 1, 1]
    assert used(capsys.readouterr().out) == [1000]


def opened(path: Path) -> int:
    return path.read_text().count('"opened"') if path.exists() else 0


def test_a_loop_does_the_same_each_time_until_ctrl_c(
    log: Path, rig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"

    def interrupt() -> None:
        until = time.monotonic() + 30
        while opened(events) < 4 and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    presser = Thread(target=interrupt)
    presser.start()
    replay([log], rig, loop=True, events=events, annotate=tmp_path / "out.mcap", report=tmp_path / "out.html")
    presser.join()
    assert len(list(Recorded(tmp_path / "out.mcap").rows(Event))) <= 2  # those of the last pass
    assert re.search(r"· ([0-9]|10) windows · [01] events", (tmp_path / "out.html").read_text())
    printed = capsys.readouterr().out
    assert used(printed)[:3] == [1000, 1000, 1000]
    assert len({line for line in printed.splitlines() if line.startswith("embeddings")}) <= 2  # the last was cut short
    assert opened(events) >= 4


@pytest.mark.parametrize("original", [False, True])
def test_publishing_sends_what_sensors_would(log: Path, rig: Path, tmp_path: Path, original: bool) -> None:
    bus, ledger = Bus(address=f"ipc://{tmp_path}/bus"), Ledger()
    with closing(Subscriber(bus, CHANNELS, ledger, depth=5000)) as listening:
        before = time.time_ns()
        replay([log], rig, publish=True, rate="4", end="2", original_stamps=original)
        after = time.time_ns()
        until = time.monotonic() + 10
        found: list[Received] = []
        while len(found) < 530 and time.monotonic() < until:
            found += listening.take()
            time.sleep(0.01)
    sent = [one.sample for one in samples(SECONDS) if one.received < T0 + 2 * NS]
    assert len(sent) == 530
    for topic in ("/camera", "/imu", "/microphone"):
        mine = [one.sample for one in found if one.sample.topic == topic]
        theirs = [one for one in sent if one.topic == topic]
        assert [(one.seq, one.data.tobytes()) for one in mine] == [(one.seq, one.data.tobytes()) for one in theirs]
        if original:
            assert [one.stamp for one in mine] == [one.stamp for one in theirs]
        else:
            assert all(before <= one.stamp <= after for one in mine)
    assert len({one.session for one in found}) == 1


def test_published_numbers_rise_over_a_restart_and_keep_their_gaps() -> None:
    numbers, data = Numbers(), np.zeros(3)

    def number(topic: str, seq: int) -> int:
        return numbers.next(Sample(topic=topic, stamp=0, frame_id="", seq=seq, data=data)).seq

    assert [number("/a", seq) for seq in (5, 6, 9, 0, 1, 4, 0)] == [5, 6, 9, 10, 11, 14, 15]
    assert number("/b", 0) == 0


def test_events_are_written_anew_each_time(log: Path, rig: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    for _ in range(2):
        replay([log], rig, events=path)
        phases = [json.loads(line)["phase"] for line in path.read_text().splitlines()]
        assert phases == ["opened", "closed"]
    with pytest.raises(InputError, match="no events can be written there"):
        replay([log], rig, events=tmp_path)


def test_an_annotated_copy_holds_every_message_and_the_events(log: Path, tmp_path: Path) -> None:
    out, twice = tmp_path / "out.mcap", tmp_path / "twice.mcap"
    replay([log], rig_file(tmp_path, "first"), annotate=out)
    replay([out], rig_file(tmp_path, "second"), annotate=twice)
    for path, label in ((out, "first"), (twice, "second")):
        copy, original = Recorded(path), Recorded(log)
        assert [(one.label, one.phase) for one in copy.rows(Event)] == [(label, "opened"), (label, "closed")]
        assert [parts(one) for one in copy.samples()] == [parts(one) for one in original.samples()]
        assert copy.config == original.config
    with pytest.raises(LogError, match="there is a file already, and none is written over"):
        replay([log], rig_file(tmp_path, "third"), annotate=out)


def test_a_folder_or_another_kind_of_log_is_annotated_as_its_samples(tmp_path: Path) -> None:
    table = tmp_path / "drive.csv"
    table.write_text("t,ax,ay,az\n" + "".join(f"{n / 200},0,0,9.81\n" for n in range(400)))
    text = rig_file(tmp_path).read_text()
    rig = tmp_path / "imu.toml"
    rig.write_text(
        text[: text.index("[[channels]]")] + '[[channels]]\ntopic = "/imu"\nmodality = "imu"\nrate_hz = 200\n'
    )
    replay([table], rig, annotate=tmp_path / "out.mcap")
    with Log(tmp_path / "out.mcap") as log:
        assert {name: topic.count for name, topic in log.topics.items()} == {"/imu": 400, TOPICS[Event]: 2}


@pytest.mark.parametrize(("times", "windows"), [([0.0], 1), ([0.0, 86_400.0], None)])
def test_one_message_and_a_day_of_nothing_come_to_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], times: list[float], windows: int | None
) -> None:
    table = tmp_path / "drive.csv"
    table.write_text("t,ax,ay,az\n" + "".join(f"{1_700_000_000 + at},0,0,9.81\n" for at in times))
    text = rig_file(tmp_path).read_text()
    imu = '[[channels]]\ntopic = "/imu"\nmodality = "imu"\nrate_hz = 200\n'
    (tmp_path / "imu.toml").write_text(text[: text.index("[[channels]]")] + imu)
    replay([table], tmp_path / "imu.toml")
    printed = capsys.readouterr().out
    assert used(printed) == [len(times)]
    shown = sum(" – " in line for line in printed.splitlines())
    assert shown == windows if windows else 2 <= shown <= 60  # a rig that is silent pauses after ten seconds


def test_what_cannot_go_together_is_refused(log: Path, rig: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--publish sends samples and finds no events"):
        replay([log], rig, publish=True, events=tmp_path / "e")
    with pytest.raises(InputError, match="--verify repeats a whole run with its own rig"):
        replay([log], verify=True, start="1")
    with pytest.raises(LogError, match="there is nothing to verify"):
        replay([log], rig, verify=True)
    with pytest.raises(InputError, match="--rate '0' is neither a number above 0 nor 'max'"):
        replay([log], rig, rate="0")
