from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from situations import clip_of

from operators.encoders.imu import ImuEncoder
from pipeline.messages import NS, Array, Calibration, Clip

MIDDLES = (np.arange(2000) + 0.5) / 1000
"""Of the steps, in seconds since the clip's start."""


def swing(rate_hz: float, hz: float = 3.0) -> Clip:
    """Two seconds of ax = sin."""
    seconds = np.arange(round(2 * rate_hz)) / rate_hz
    rows = np.zeros((len(seconds), 6))
    rows[:, 0] = np.sin(2 * np.pi * hz * seconds)
    return clip_of(list(rows), "imu", rate_hz)


def prepared(clip: Clip) -> Array:
    return ImuEncoder().prepare(clip)


@pytest.mark.parametrize("rate_hz", [100, 400, 1000, 4000])
def test_any_rate_becomes_the_same_curve(rate_hz: float) -> None:
    curve = prepared(swing(rate_hz))
    assert curve.shape == (6, 2000)
    inner = MIDDLES < 1.98
    np.testing.assert_allclose(curve[0, inner], np.sin(6 * np.pi * MIDDLES[inner]), atol=0.01)
    assert not curve[1:].any()


def test_more_samples_than_steps_are_averaged() -> None:
    rows = np.zeros((8000, 6))
    rows[::2, 3], rows[1::2, 3] = 2, -1
    np.testing.assert_allclose(prepared(clip_of(list(rows), "imu", 4000))[3], 0.5, atol=1e-6)


def test_a_gap_holds_the_last_value() -> None:
    clip = swing(100)
    gap = tuple(sample for n, sample in enumerate(clip.samples) if not 60 < n < 120)
    held = prepared(replace(clip, samples=gap))[0, (MIDDLES > 0.61) & (MIDDLES < 1.19)]
    np.testing.assert_allclose(held, clip.samples[60].data[0], rtol=1e-5)


def test_ends_hold_the_nearest_value() -> None:
    clip = swing(100)
    curve = prepared(replace(clip, samples=clip.samples[50:150]))
    np.testing.assert_allclose(curve[0, MIDDLES < 0.5], clip.samples[50].data[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(curve[0, MIDDLES > 1.49], clip.samples[149].data[0], rtol=1e-5, atol=1e-6)


def test_a_missing_gyroscope_is_zeros_and_gravity_stays() -> None:
    curve = prepared(clip_of([np.array([0.1, 0.2, 9.81]) for _ in range(200)], "imu"))
    np.testing.assert_allclose(curve[2], 9.81, rtol=1e-6)
    assert not curve[3:].any()


def test_stamps_place_samples_over_a_longer_clip() -> None:
    clip = swing(100)
    curve = prepared(replace(clip, start=clip.start - 3 * NS))
    assert not curve[0, :1200].any()
    np.testing.assert_allclose(curve[0, 1200:1990], np.sin(6 * np.pi * np.arange(0.00125, 1.975, 0.0025)), atol=0.01)


def test_samples_that_are_not_finite_count_as_missing() -> None:
    clip = swing(100)
    broken = np.full(6, np.nan)
    samples = tuple(replace(sample, data=broken) if n == 70 else sample for n, sample in enumerate(clip.samples))
    np.testing.assert_allclose(prepared(replace(clip, samples=samples)), prepared(clip), atol=0.02)


def test_no_finite_acceleration_is_refused() -> None:
    with pytest.raises(ValueError, match="/imu: none of 3 samples has a finite acceleration"):
        prepared(clip_of([np.full(6, np.inf) for _ in range(3)], "imu"))


def test_a_gyroscope_that_fails_leaves_the_acceleration() -> None:
    clip = swing(100)
    deaf = [replace(sample, data=np.array([*sample.data[:3], 1.0, np.nan, 1.0])) for sample in clip.samples]
    np.testing.assert_array_equal(prepared(replace(clip, samples=tuple(deaf))), prepared(clip))


def test_a_few_rotations_are_held_over_the_whole_clip() -> None:
    rows = [np.array([0, 0, 9.81, 0, 0, np.nan if n % 100 else n / 100]) for n in range(200)]
    turning = prepared(clip_of(rows, "imu", 100))[5]
    np.testing.assert_allclose(turning[MIDDLES < 1], 0)
    np.testing.assert_allclose(turning[MIDDLES > 1], 1)


def test_one_sample_lasts_the_whole_clip() -> None:
    row = np.array([1.0, 2.0, 9.81, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(prepared(clip_of([row], "imu")), np.tile(row[:, np.newaxis], 2000), rtol=1e-6)


def test_units_of_the_calibration_become_si() -> None:
    clip = clip_of([np.array([0, 0, 1, 0, 90, 0.0]) for _ in range(10)], "imu")
    curve = prepared(replace(clip, calibration=Calibration(acceleration_unit="g", rotation_unit="deg/s")))
    np.testing.assert_allclose(curve[2], 9.80665, rtol=1e-6)
    np.testing.assert_allclose(curve[4], np.pi / 2, rtol=1e-6)


@pytest.mark.parametrize("broken", [1e8, -1e12, 1e300])
def test_numbers_that_no_sensor_reads_count_as_missing(broken: float) -> None:
    rows = [np.array([0, 0, broken if n == 5 else 9.81, 0, 0, 0]) for n in range(200)]
    np.testing.assert_allclose(prepared(clip_of(rows, "imu", 100))[2], 9.81, rtol=1e-6)


def test_rotation_may_come_first_and_keeps_its_spread() -> None:
    clip = swing(100)
    first = ImuEncoder(order="rotation first")
    np.testing.assert_array_equal(first.prepare(clip)[[3, 4, 5, 0, 1, 2]], prepared(clip))
    batch = first.prepare(clip)[np.newaxis]
    spread = ImuEncoder(order="rotation first", std=(1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    ratio = np.array([1, 1, 1, 9.80665, 9.80665, 9.80665], np.float32).reshape(6, 1)
    np.testing.assert_allclose(spread.embed(batch / ratio), first.embed(batch), atol=1e-5)


@pytest.mark.parametrize("steps", [16, 500, 5000])
def test_other_numbers_of_steps_work(steps: int) -> None:
    encoder = ImuEncoder(steps=steps)
    curve = encoder.prepare(swing(400))
    assert curve.shape == (6, steps)
    np.testing.assert_allclose(np.linalg.norm(encoder.embed(curve[np.newaxis])), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"steps": 15}, r"steps 15 must hold at least one patch of \[1, 16\]"),
        ({"order": "xyz"}, "order 'xyz' must be one of 'acceleration first', 'rotation first'"),
        ({"std": (1.0, 1.0, 1.0, 1.0, 1.0, 0.0)}, "must be six numbers above 0"),
    ],
)
def test_impossible_parameters_are_refused_with_their_value(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImuEncoder(**params)


def test_temperature_is_that_of_the_paper() -> None:
    assert ImuEncoder().scale == pytest.approx(5)
