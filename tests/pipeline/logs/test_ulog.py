"""PX4's flight logs, written byte by byte (docs.px4.io/main/en/dev_log/ulog_file_format)."""

import struct
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.source import UNDATED
from pipeline.messages import NS, Calibration

BOOT = 5_000_000
"""Microseconds after which the log begins."""


def record(kind: str, body: bytes) -> bytes:
    return struct.pack("<Hc", len(body), kind.encode()) + body


def flight(path: Path, dated: bool) -> Path:
    """Ten IMU readings at 250 Hz, two module states without stamps, and a fix if ``dated``."""
    formats = (
        "sensor_combined:uint64_t timestamp;float[3] gyro_rad;float[3] accelerometer_m_s2;",
        "state:uint64_t timestamp;uint8_t mode;uint8_t armed;",
        "vehicle_gps_position:uint64_t timestamp;uint64_t time_utc_usec;",
    )
    parts = [b"ULog\x01\x12\x35\x01" + struct.pack("<Q", BOOT), record("B", bytes(40))]
    parts += [record("F", one.encode()) for one in formats]
    parts += [record("A", struct.pack("<BH", 0, n) + one.partition(":")[0].encode()) for n, one in enumerate(formats)]
    for number in range(10):
        reading = struct.pack("<HQ6f", 0, BOOT + 4000 * number, 0.1, 0.2, 0.3, number, 2, -9.81)
        parts.append(record("D", reading))
    parts += [record("D", struct.pack("<HQBB", 1, 0, mode, 1)) for mode in (3, 4)]
    if dated:
        parts.append(record("D", struct.pack("<HQQ", 2, BOOT, 0)))
        parts.append(record("D", struct.pack("<HQQ", 2, BOOT + 1000, 1_700_000_000_000_000)))
    path.write_bytes(b"".join(parts))
    return path


def test_the_imu_of_a_flight_is_read_in_its_axes(tmp_path: Path) -> None:
    with Log(flight(tmp_path / "a.ulg", dated=False)) as log:
        found = [one.sample for one in log.samples(log.channels())]
        assert [one.stamp - UNDATED for one in found] == [(BOOT + 4000 * number) * 1000 for number in range(10)]
        assert_allclose(found[7].data, [7, 2, -9.81, 0.1, 0.2, 0.3], rtol=1e-6)
        assert {(one.topic, one.frame_id) for one in found} == {("/sensor_combined", "base_link_frd")}
        assert (log.topics["/sensor_combined"].rate_hz, log.is_dated) == (250.0, False)


def test_the_first_fix_tells_the_date(tmp_path: Path) -> None:
    with Log(flight(tmp_path / "a.ulg", dated=True)) as log:
        assert log.is_dated
        first = next(log.samples(log.channels()))
    assert first.sample.stamp == 1_700_000_000 * NS - 1_000_000


def test_other_topics_are_listed_and_are_numbers(tmp_path: Path) -> None:
    with Log(flight(tmp_path / "a.ulg", dated=False)) as log:
        assert {name: topic.count for name, topic in log.topics.items()} == {"/sensor_combined": 10, "/state": 2}
        assert log.topics["/state"].first == log.start == UNDATED + BOOT * 1000  # not before the log began
        state = Channel("/state", "mode", 1.0, calibration=Calibration(shape=(2,)))
        assert [one.sample.data.tolist() for one in log.samples([state])] == [[1, 3], [1, 4]]  # armed, mode


def test_a_flight_log_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = flight(tmp_path / "a.ulg", dated=False).read_bytes()
    cut = tmp_path / "cut.ulg"
    cut.write_bytes(whole[:10])
    with pytest.raises(LogError, match=r"cut\.ulg: the log is damaged before its first message: .*Header too short"):
        Log(cut)
    cut.write_bytes(whole[:7] + b"\x09" + whole[8 : -5 * 40])  # of a version that nobody has seen, which is told
    with Log(cut) as log:
        assert 0 < len(list(log.samples(log.channels()))) < 10
    assert capsys.readouterr().out == ""
