import numpy as np
import pytest
from msgspec.structs import replace

from operators.encoders.mini.imu import MiniImu
from pipeline.messages import NS, Array, Calibration, Clip, Execution, Sample

RATE = 200


def motion(readings_T6: Array) -> Clip:
    """A clip that ends with the last of ``readings_T6``, 200 a second."""
    end = 100 * NS
    start = end - len(readings_T6) * NS // RATE
    samples = tuple(
        Sample(topic="/imu", stamp=start + number * NS // RATE, frame_id="", seq=number, data=reading)
        for number, reading in enumerate(readings_T6)
    )
    return Clip(
        topic="/imu", modality="imu", start=start, end=end, samples=samples, coverage=1.0, calibration=Calibration()
    )


def drawn(seconds: int) -> Array:
    return np.random.default_rng(0).normal(0, 1, (seconds * RATE, 6))


def test_five_seconds_are_seen_as_they_were_measured() -> None:
    readings = drawn(5)
    ready = MiniImu().prepare(motion(readings))
    assert ready.shape == (6, 1000)
    assert ready.dtype == np.float32
    between = (readings[:-1] + readings[1:]) / 2  # the value in the middle of each step
    np.testing.assert_allclose(ready[:, :-1], between.T, atol=1e-5)


def test_of_a_longer_clip_the_last_five_seconds_count() -> None:
    readings = drawn(12)
    np.testing.assert_array_equal(MiniImu().prepare(motion(readings)), MiniImu().prepare(motion(readings[-5 * RATE :])))


def test_a_shorter_clip_is_preceded_by_its_first_reading() -> None:
    readings = drawn(2)
    ready = MiniImu().prepare(motion(readings))
    np.testing.assert_allclose(ready[:, : 3 * RATE], np.tile(readings[0][:, None], 3 * RATE), atol=1e-6)
    np.testing.assert_allclose(ready[:, -RATE:-1], ((readings[-RATE:-1] + readings[-RATE + 1 :]) / 2).T, atol=1e-5)


def test_units_are_those_that_a_channel_names() -> None:
    clip = motion(drawn(5))
    in_g = replace(clip, calibration=Calibration(acceleration_unit="g"))
    ready, due = MiniImu().prepare(in_g), MiniImu().prepare(clip)
    np.testing.assert_allclose(ready[:3], 9.80665 * due[:3], rtol=1e-5)
    np.testing.assert_array_equal(ready[3:], due[3:])


def test_a_clip_whose_last_seconds_are_empty_is_refused_by_topic() -> None:
    clip = motion(drawn(2))
    with pytest.raises(ValueError, match="/imu: none of 0 samples"):
        MiniImu().prepare(replace(clip, end=clip.end + 5 * NS))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_it_is_computed_in_float32_whatever_the_numbers_of_other_senses(dtype: str) -> None:
    half, single = MiniImu(execution=Execution(device="cpu", dtype=dtype)), MiniImu()  # type: ignore[arg-type]
    batch = single.prepare(motion(drawn(5)))[np.newaxis]
    np.testing.assert_array_equal(half.embed(batch), single.embed(batch))


@pytest.mark.parametrize("broken", [1e7, 1e12, 1e30])
def test_a_reading_of_broken_bits_costs_nothing_but_itself(broken: float) -> None:
    readings, spoilt = drawn(5), drawn(5)
    spoilt[500, 2] = broken
    encoder = MiniImu()
    whole, other = encoder.embed(np.stack([encoder.prepare(motion(readings)), encoder.prepare(motion(spoilt))]))
    assert whole @ other > 0.99


def test_the_wildest_readings_that_are_taken_still_have_a_vector() -> None:
    wild = 1e7 * np.sign(drawn(5))
    encoder = MiniImu()
    np.testing.assert_allclose(np.linalg.norm(encoder.embed(encoder.prepare(motion(wild))[np.newaxis])), 1, atol=1e-3)
