"""Pace, stamps, shapes and ends of the simulated sensors."""

import time
from itertools import islice
from typing import Any

import numpy as np
import pytest

from pipeline.messages import NS, Sensor
from sensors.simulator import Camera, Depth, Imu, Microphone, Thermal, timetable

KINDS: list[Any] = [Camera, Depth, Thermal, Imu, Microphone]
FORMS = {
    Camera: ((120, 160, 3), np.uint8, 15),
    Depth: ((120, 160), np.uint16, 10),
    Thermal: ((120, 160), np.uint16, 9),
    Imu: ((6,), np.float64, 200),
    Microphone: ((320,), np.int16, 50),
}


@pytest.mark.parametrize("kind", KINDS)
def test_samples_have_their_shape_type_rate_and_stamps(kind: Any) -> None:
    shape, dtype, rate_hz = FORMS[kind]
    sensor = kind(duration_s=1.0, start_ns=7 * NS, realtime=False)
    samples = list(sensor)
    assert isinstance(kind(), Sensor)
    assert {(s.data.shape, s.data.dtype, s.topic, s.frame_id) for s in samples} == {
        (shape, np.dtype(dtype), sensor.topic, sensor.frame_id)
    }
    assert [s.seq for s in samples] == list(range(rate_hz))
    assert [s.stamp for s in samples] == [7 * NS + round(k * NS / rate_hz) for k in range(rate_hz)]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_bytes_and_others_do_not(kind: Any) -> None:
    def contents(seed: int) -> list[bytes]:
        sensor = kind(seed=seed, duration_s=0.5, start_ns=1, realtime=False)
        return [sample.data.tobytes() for sample in sensor]

    assert contents(1) == contents(1)
    assert contents(1) != contents(2)


def test_second_iteration_starts_over() -> None:
    imu = Imu(duration_s=0.1, start_ns=1, realtime=False)
    assert [s.data.tobytes() for s in imu] == [s.data.tobytes() for s in imu]


def test_endless_sensor_goes_on() -> None:
    assert len(list(islice(Imu(realtime=False), 500))) == 500


def test_realtime_sensor_keeps_the_pace_of_the_wall_clock() -> None:
    before = time.time_ns()
    lags = [time.time_ns() - sample.stamp for sample in Imu(duration_s=0.5)]
    assert time.time_ns() - before >= round(0.495 * NS)
    assert min(lags) >= 0


def test_chunk_comes_when_its_last_sample_is_due() -> None:
    for sample in Microphone(duration_s=0.3):
        assert time.time_ns() - sample.stamp >= NS // 50


def test_picture_sensor_that_falls_behind_leaves_pictures_out_without_a_gap_in_seq() -> None:
    start = time.time_ns() - 20 * NS
    samples = list(islice(Camera(start_ns=start), 3))
    assert [sample.seq for sample in samples] == [0, 1, 2]
    assert samples[0].stamp > start + 15 * NS


def test_imu_that_falls_behind_leaves_nothing_out() -> None:
    start = time.time_ns() - 2 * NS
    samples = list(islice(Imu(start_ns=start), 300))
    assert [sample.stamp - start for sample in samples] == [k * 5_000_000 for k in range(300)]


def test_clock_jump_moves_the_stamps_of_its_sensor_and_of_no_other() -> None:
    for seed in range(20):
        (jump,) = timetable("clock jump", seed, "rover", 20)
        if jump.target == "imu":
            break
    true = range(0, 22 * NS, 5_000_000)
    imu = Imu(scenario="clock jump", seed=seed, duration_s=22, start_ns=NS, realtime=False)
    shifts = [sample.stamp - NS - at for sample, at in zip(imu, true, strict=True)]
    inside = {shift for shift, at in zip(shifts, true, strict=True) if jump.start <= at < jump.end}
    outside = {shift for shift, at in zip(shifts, true, strict=True) if not jump.start <= at < jump.end}
    assert outside == {0}
    assert inside in ({400_000_000}, {-800_000_000})
    thermal = Thermal(scenario="clock jump", seed=seed, rate_hz=1, duration_s=22, start_ns=NS, realtime=False)
    assert [sample.stamp for sample in thermal] == [(1 + k) * NS for k in range(22)]


@pytest.mark.parametrize("kind", KINDS)
def test_impossible_parameters_are_told_in_a_sentence(kind: Any) -> None:
    for params, says in (
        ({"rate_hz": 0.0}, "rate_hz of .* is 0"),
        ({"rate_hz": float("nan")}, "rate_hz of .* is nan"),
        ({"duration_s": -1.0}, "duration_s of .* is -1"),
        ({"seed": -1}, "seed .* must be 0 or more"),
        ({"scenario": "fier"}, "scenario 'fier' does not exist"),
        ({"variant": "boat"}, "variant 'boat' does not exist"),
    ):
        with pytest.raises(ValueError, match=says):
            kind(**params)
