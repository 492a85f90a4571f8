"""Recordings of real sensors, each with what is known of its time: gaps, bursts, and streams that no clock joins."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from makers import SHARED, T0, sample
from msgspec.structs import replace
from senders import kinds
from test_time_faults import windows_of

from pipeline.clock import Clock
from pipeline.config import Channel, load
from pipeline.logs import Log
from pipeline.messages import NS, Event, Received, Sample
from pipeline.streams import Streams

DATA = SHARED / "data"
LOGS = {
    "rgbd_imu_tum_fr1_rpy/tum_fr1_rpy_a": "receipt",
    "logs_native/ardrone_imu.bag": "trusted",
    "logs_native/husky_imu_gps_odom.bag": "trusted",
    "logs_native/sparkfun_razor.bag": "trusted",
    "logs_native/audio_speech_wave.bag": "trusted",
}
"""What each clock is, and stays."""

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recordings are not beside the checkout")


def read(path: Path) -> tuple[list[Channel], list[Received]]:
    with Log(path) as log:
        channels = log.channels()
        return channels, list(log.samples(channels))


def stamps_of(items: list[Received], topic: str) -> np.ndarray:
    return np.array([item.sample.stamp for item in items if topic in item.sample.topic], np.int64)


def test_a_kinects_pictures_and_depth_are_0_to_11_4_ms_apart_and_its_acceleration_0_9_to_4_6_ms() -> None:
    """TUM fr1_rpy: three clocks of one device that nobody triggers together."""
    channels, items = read(DATA / "rgbd_imu_tum_fr1_rpy" / "tum_fr1_rpy_a" / "tum_fr1_rpy_a.mcap")
    pictures, depths = stamps_of(items, "rgb"), stamps_of(items, "depth")
    apart = np.abs(pictures[:, np.newaxis] - depths).min(1) / 1e6
    assert apart.min() == pytest.approx(0.0, abs=0.05)
    assert apart.max() == pytest.approx(11.4, abs=0.1)
    gaps = np.diff(np.sort(stamps_of(items, "imu"))) / 1e6
    assert (gaps.min(), gaps.max()) == (pytest.approx(0.9, abs=0.05), pytest.approx(4.6, abs=0.1))
    for window in windows_of(items, channels):
        for topic, clip in window.clips.items():
            if "depth" in topic and clip.coverage == 1:
                assert clip.pairing_error is not None
                assert clip.pairing_error <= 0.6 * NS / 30  # half a period, and its jitter


def test_a_drones_dropout_of_a_second_is_seen_told_and_over() -> None:
    """An AR.Drone's IMU at 50 Hz with one gap of 999 ms."""
    channels, items = read(DATA / "logs_native" / "ardrone_imu.bag")
    (channel,) = [channel for channel in channels if channel.modality == "imu"]
    stamps = np.sort(stamps_of(items, channel.topic))
    gaps = np.diff(stamps)
    assert round(gaps.max() / 1e6) == 999
    gone = int(stamps[gaps.argmax()])
    streams, events = Streams(), list[Event]()
    windows = windows_of([item for item in items if item.sample.topic == channel.topic], [channel])
    for window in windows:
        events += streams(window)
    told = [event for event in events if event.phase == "opened" and abs(event.start - gone) < 2 * NS]
    assert len(told) == 1
    assert [event.phase for event in events if event.id == told[0].id][-1] == "closed"
    states = [window.states[channel.topic] for window in windows if gone - NS < window.end < gone + 3 * NS]
    changes = [states[0], *(after for before, after in pairwise(states) if after != before)]
    assert changes == ["ok", "stale", "recovered", "ok"]
    assert max(clip.coverage for window in windows for clip in window.clips.values()) == 1
    holed = [window.coverage[channel.topic] for window in windows if window.start <= gone < window.end - NS]
    assert holed
    assert max(holed) < 0.85


def test_bursts_of_0_ms_between_gaps_of_24_lose_nothing_and_are_no_outage() -> None:
    """As of a Phidgets IMU at 250 Hz: six samples of nearly one stamp, then 24 ms nothing."""
    channel = Channel("/imu", "imu", 250.0)
    items = [
        Received(
            sample=sample(at_s=burst * 0.024 + place * 1e-6, seq=burst * 6 + place), received=T0 + burst * 24_000_000
        )
        for burst in range(400)
        for place in range(6)
    ]
    windows = windows_of(items, [channel])
    counted = sum(window.ledger["/imu"]["used"] for window in windows[-1:])
    assert counted == len(items)
    streams = Streams()
    assert not [event for window in windows for event in streams(window)]
    assert {window.states["/imu"] for window in windows} <= {"ok", "late"}
    full = [window.clips["/imu"] for window in windows if window.end >= T0 + 5 * NS]
    assert len(full[0].samples) == pytest.approx(1250, abs=6)


def test_a_phones_sensors_and_a_cars_are_paired_though_nothing_aligns_them() -> None:
    """comma2k19: accelerometer, speed and GNSS of one drive, each with a rate and a beginning of its own."""
    folder = DATA / "car_imu_gnss_comma2k19"
    names = {"/accelerometer": "IMU/accelerometer", "/speed": "CAN/speed", "/gnss": "GNSS/live_gnss_ublox"}
    times = {topic: np.load(folder / name / "t.npy") for topic, name in names.items()}
    first = float(times["/accelerometer"][0])
    assert [round(1e3 * (float(of[0]) - first), 1) for of in times.values()] == [0.0, 9.5, 74.9]
    rates = {topic: (len(of) - 1) / float(of[-1] - of[0]) for topic, of in times.items()}
    assert [round(rate, 1) for rate in rates.values()] == [104.3, 82.9, 9.7]
    channels = [Channel(topic, "imu", rate, context_s=0.0) for topic, rate in rates.items()]
    items = [
        Received(sample=sample(topic, float(time) - first, seq), received=T0 + round((float(time) - first) * NS))
        for topic, of in times.items()
        for seq, time in enumerate(of)
    ]
    windows = windows_of(sorted(items, key=lambda item: item.received), channels)
    assert len(windows) == 120
    for window in windows[4:-1]:
        assert window.clips.keys() == rates.keys()
        for topic, clip in window.clips.items():
            assert clip.pairing_error is not None
            assert clip.pairing_error <= 0.75 * NS / rates[topic]
    ledger = windows[-1].ledger
    assert {topic: ledger[topic]["used"] for topic in rates} == {topic: len(of) for topic, of in times.items()}


@pytest.mark.parametrize("name", LOGS)
def test_recordings_of_right_clocks_are_left_as_they_are(name: str) -> None:
    sound = (
        load(Path(__file__).resolve().parents[2] / "configs" / "logs" / "speech_wave.toml").channels
        if "speech" in name
        else None
    )
    with Log(DATA / name) as log:
        channels = sound or log.channels()
        clock = Clock(channels)
        assert all(clock.correct(item) is item.sample for item in log.samples(channels))
    assert not clock.incidents()
    assert {clock.report(channel.topic).method for channel in channels} == {LOGS[name]}


def test_a_phone_that_counts_from_its_start_and_the_car_beside_it_get_one_time() -> None:
    """comma2k19: clocks since the phone's start, received by one that knows the year."""
    folder = DATA / "car_imu_gnss_comma2k19"
    for name in ("IMU/accelerometer", "CAN/speed", "GNSS/live_gnss_ublox"):
        times = np.load(folder / name / "t.npy")
        channel = Channel("/x", "imu", (len(times) - 1) / float(times[-1] - times[0]))
        start = round(float(times[0]) * NS)
        clock = Clock([channel])
        for seq, time in enumerate(times):
            stamp = round(float(time) * NS)
            item = replace(sample("/x", seq=seq), stamp=stamp)
            answer = clock.correct(Received(sample=item, received=T0 + stamp - start))
            assert isinstance(answer, Sample)
            assert abs(answer.stamp - (T0 + stamp - start)) < 1_000_000
        assert kinds(clock) == ["offset"]
