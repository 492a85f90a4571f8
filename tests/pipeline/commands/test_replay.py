"""Real recordings through the line: every window holds exactly what the log holds in its interval."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from makers import SHARED

from pipeline.commands.assembly import assemble
from pipeline.config import Channel, Config, Model, Windowing, load
from pipeline.line import Line
from pipeline.logs import Log
from pipeline.messages import NS, Observation
from pipeline.run import paced, run

ROOT = Path(__file__).resolve().parents[3]
DATA = SHARED / "data"
TUM = DATA / "rgbd_imu_tum_fr1_rpy" / "tum_fr1_rpy_a"
BAGS = DATA / "logs_native"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not beside the checkout")


def replay(
    path: Path, channels: list[Channel] | None = None, window: Windowing | None = None
) -> tuple[list[Observation], Line, dict[str, list[int]]]:
    """The observations of a log, its line, and the stamps of each topic as the log has them."""
    with Log(path) as log:
        config = Config(channels=channels or log.channels(), window=window or Windowing(), model=Model(engine="local"))
        stamps: dict[str, list[int]] = {channel.topic: [] for channel in config.channels}
        for received in log.samples(config.channels):
            stamps[received.sample.topic].append(received.sample.stamp)
        line = assemble(config)

        async def session() -> list[Observation]:
            observed = [one async for one in run(paced(log.samples(config.channels), line, None), line)]
            await line.close()
            return observed

        return asyncio.run(session()), line, stamps


def assert_windows_hold_the_log(observed: list[Observation], line: Line, stamps: dict[str, list[int]]) -> None:
    """Count by hand what each window must hold."""
    settings = line.config.window
    stride = round(settings.stride_s * NS)
    everything = np.sort(np.concatenate([np.array(times) for times in stamps.values()]))
    due = range(int(everything[0] // stride) + 1, int(everything[-1] // stride) + 2)
    assert [observation.window.end for observation in observed] == [number * stride for number in due]
    for observation in observed:
        window = observation.window
        for channel in line.config.channels:
            reach = round((settings.context_s[channel.modality] or settings.length_s) * NS)
            inside = sum(window.end - reach <= stamp < window.end for stamp in stamps[channel.topic])
            clip = window.clips.get(channel.topic)
            if settings.context_s[channel.modality]:
                assert (len(clip.samples) if clip else 0) == inside
            else:
                assert bool(clip) == bool(inside)
            assert bool(window.coverage[channel.topic]) == bool(inside)
            assert (channel.topic in observation.embeddings) == bool(inside)
    for topic, times in stamps.items():
        row = line.ledger.row(topic)
        assert row["received"] == row["used"] == len(times)


def test_a_kinect_log_gives_pictures_depth_and_acceleration() -> None:
    observed, line, stamps = replay(TUM)
    counts = {topic: len(times) for topic, times in stamps.items()}
    assert counts == {"/camera/rgb/image_color/compressed": 60, "/camera/depth/image": 61, "/imu": 1000}
    assert_windows_hold_the_log(observed, line, stamps)
    assert len(observed) == 5


def test_a_dropout_of_one_second_is_partial_and_nothing_is_invented() -> None:
    observed, line, stamps = replay(BAGS / "ardrone_imu.bag")
    assert_windows_hold_the_log(observed, line, stamps)
    times = np.array(stamps["/ardrone/imu"])
    largest = int(np.argmax(np.diff(times)))
    start, end = times[largest], times[largest + 1]
    assert (end - start) / NS == pytest.approx(1.0, abs=0.01)
    struck = [one.window for one in observed if one.window.end - 5 * NS < start and end < one.window.end]
    assert len(struck) == 8  # (5 s of context − 1 s) / stride
    assert all(window.coverage["/ardrone/imu"] < 0.82 for window in struck)
    before = [one.window for one in observed if start - 4 * NS < one.window.end - 5 * NS and one.window.end <= start]
    assert all(window.coverage["/ardrone/imu"] == 1 for window in before)


def test_a_short_look_back_finds_the_dropout_absent() -> None:
    short = Windowing(length_s=0.5, stride_s=0.5, context_s={"imu": 0.5})
    observed, line, stamps = replay(BAGS / "ardrone_imu.bag", window=short)
    assert_windows_hold_the_log(observed, line, stamps)
    (absent,) = [one for one in observed if one.window.absent]
    assert not absent.embeddings
    assert not absent.fused.any()


def test_an_imu_log_of_six_minutes_is_used_to_the_last_message() -> None:
    observed, line, stamps = replay(BAGS / "husky_imu_gps_odom.bag")
    assert len(stamps["/imu/data"]) == 11_865
    assert_windows_hold_the_log(observed, line, stamps)


def test_sound_without_a_rate_takes_it_from_the_rig_file() -> None:
    observed, line, stamps = replay(
        BAGS / "audio_speech_wave.bag", load(ROOT / "configs" / "logs" / "speech_wave.toml").channels
    )
    assert len(stamps["/audio"]) == 477
    assert_windows_hold_the_log(observed, line, stamps)
    assert max(len(one.window.clips["/audio"].samples) for one in observed) in range(198, 203)


def test_the_command_prints_windows_and_ledger() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.commands", "replay", str(TUM)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "5 windows" in done.stdout
    assert "/camera/rgb/image_color/compressed 60" in done.stdout
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("/imu ")]
    assert row[1:3] == ["1000", "1000"]
    assert done.stderr == ""


def test_sound_without_a_rate_and_without_a_rig_file_is_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.commands", "replay", str(BAGS / "audio_speech_wave.bag")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "none of its topics can be read" in done.stderr
