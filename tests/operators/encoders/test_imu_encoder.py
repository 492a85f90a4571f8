import numpy as np
import pytest
from msgspec.structs import replace
from situations import clip_of

from operators.encoders.imu import ImuEncoder
from pipeline.messages import NS, Array, Clip

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


def test_nothing_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="/imu: none of 3 samples is finite"):
        prepared(clip_of([np.full(6, np.inf) for _ in range(3)], "imu"))
