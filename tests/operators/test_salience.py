from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import pytest
from makers import sample
from msgspec.structs import replace

from operators import salience
from operators.salience import PIXELS, SENSES, Flow, jolts, knocks, turns
from pipeline.messages import NS, Array, Calibration, Sample

SOUND = Calibration(sample_rate_hz=16_000)
REST = np.array([0, 0, 9.81, 0, 0, 0])
KICK, TURN = np.array([3, 4, 0, 0, 0, 0]), np.array([0, 0, 0, 0.2, 0.4, -0.6])
WALL = np.add.outer(np.sin(np.arange(200) / 5), np.cos(np.arange(200) / 7))


def series(data: list[Array], rate_hz: float = 100.0) -> list[Sample]:
    return [sample(at_s=seq / rate_hz, seq=seq, data=each) for seq, each in enumerate(data)]


def views(right: int, down: int) -> list[Array]:
    """Two pictures (120, 160) of a wall that moves ``right`` and ``down`` from one to the other."""
    return [WALL[20:140, 20:180], WALL[20 - down : 140 - down, 20 - right : 180 - right]]


def test_a_jolt_lies_between_the_readings_that_it_changes() -> None:
    readings = series([REST, REST, REST + KICK, REST + KICK])
    curve = jolts(readings, Calibration())
    assert np.exp(curve.values[:, 0]) == pytest.approx([0.01, 5.01, 0.01])
    assert (curve.starts[1], curve.ends[1]) == (readings[1].stamp, readings[2].stamp)


def test_turning_is_no_jolt() -> None:
    assert np.ptp(jolts(series([REST, REST, REST + TURN]), Calibration()).values) == 0


def test_a_knock_lies_in_its_own_hundredth_of_a_second() -> None:
    chunk = np.zeros(800, np.int16)
    chunk[330:340:2] = 9000
    first, second = series([np.zeros(800, np.int16), chunk], rate_hz=20)
    curve = knocks([first, second], SOUND)
    loudest = int(curve.values.argmax())
    assert curve.starts[loudest] == second.stamp + 20_000_000
    assert curve.ends[loudest] == second.stamp + 30_000_000
    assert curve.ends[-1] == second.stamp + 50_000_000


def test_high_notes_are_louder_than_a_hum_of_equal_power() -> None:
    t = np.arange(1600) / 16_000
    silence, hum, hiss = (0 * t, 0.5 * np.sin(2 * np.pi * 50 * t), 0.5 * np.sin(2 * np.pi * 3000 * t))
    low, high = (knocks(series([silence, wave], 10), SOUND).values.mean() for wave in (hum, hiss))
    assert high - low > np.log(1000)


def test_one_sound_is_equally_loud_in_every_format() -> None:
    wave = np.sin(np.arange(320))
    mono = knocks(series([wave, wave]), SOUND).values
    stereo = np.stack([wave, 0 * wave], axis=1)
    for other in ((32768 * wave).clip(-32768, 32767).astype(np.int16), wave.astype(np.float32), stereo):
        np.testing.assert_allclose(knocks(series([other, other]), SOUND).values, mono, atol=0.01)


def test_sound_without_a_sample_rate_is_refused_by_topic() -> None:
    with pytest.raises(ValueError, match="/imu: audio needs a calibration"):
        knocks(series([np.zeros(320), np.zeros(320)]), Calibration())


def test_turns_are_the_mean_of_the_gyroscopes_readings() -> None:
    curve = turns(series([REST, REST + KICK + TURN]), Calibration())
    assert curve.values == pytest.approx(np.array([[0.1, 0.2, -0.3]]))


def test_without_a_gyroscope_gravity_tells_of_turns() -> None:
    curve = turns(series([np.array([0, 0, 9.8]), np.array([0.1, 0, 9.8])]), Calibration())
    assert curve.values == pytest.approx(np.array([[10.0, 0, 0]]))


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-2, 0), (0, 2), (0, -2), (2, -2)])
def test_flow_is_where_the_picture_moves(right: int, down: int) -> None:
    curve = Flow()(series(views(right, down), rate_hz=10), Calibration())
    assert curve.values == pytest.approx(np.array([[5.0 * right, 5.0 * down]]), abs=1.5)  # halved, a tenth of a second


def test_flow_is_the_same_in_every_kind_of_picture() -> None:
    grey = [100 + 40 * view for view in views(2, 2)]
    due = Flow()(series(grey), Calibration()).values
    colour = [np.repeat(view[..., np.newaxis], 3, axis=2).astype(np.uint8) for view in grey]
    millimetres = [(20 * view).astype(np.uint16) for view in grey]
    large = [np.repeat(np.repeat(view, 4, axis=0), 4, axis=1).astype(np.uint8) for view in grey]
    for other in (colour, millimetres, large):
        np.testing.assert_allclose(Flow()(series(other), Calibration()).values, due, rtol=0.05)


def test_a_light_that_is_turned_up_is_no_flow() -> None:
    curve = Flow()(series([100 + 20 * WALL, 150 + 40 * WALL]), Calibration())
    assert np.abs(curve.values).max() < 1e-3


def test_what_cannot_be_compared_tells_nothing() -> None:
    after_a_pause = [sample(at_s=0, data=REST), sample(at_s=1.1, data=REST)]
    at_one_time = [sample(at_s=0, data=REST), sample(at_s=0, seq=1, data=REST)]
    of_other_kind = [sample(at_s=0, data=REST[:3]), sample(at_s=0.01, data=REST)]
    for pair in (after_a_pause, at_one_time, of_other_kind):
        assert len(jolts(pair, Calibration()).starts) == len(turns(pair, Calibration()).starts) == 0
    other_size = series([np.zeros((48, 64), np.uint8), np.zeros((24, 32), np.uint8)])
    assert Flow()(other_size, Calibration()).values.shape == (0, 2)


@pytest.mark.parametrize(
    ("modality", "data"),
    [
        ("imu", np.full(6, 1e300)),
        ("imu", np.full(3, -1e300)),
        ("audio", np.full(1, 1e300)),
        ("audio", np.zeros(320, np.float16)),
        ("vision", np.zeros((1, 1, 3), np.uint8)),
        ("vision", np.zeros((5, 4000), np.uint8)),
        ("thermal", np.full((60, 80), 1e300)),
        ("depth", np.full((60, 80), np.nan)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.shape}-{value.dtype}",
)
def test_the_strangest_data_give_finite_curves(modality: str, data: Array) -> None:
    samples = series([data, np.zeros_like(data), data])
    for notice in SENSES[modality].values():
        curve = notice(samples, SOUND)
        assert len(curve.starts)
        assert np.isfinite(curve.values).all()
        assert ((curve.ends - curve.starts) < NS).all()


def test_pictures_are_thinned_to_what_motion_needs() -> None:
    tall = np.zeros((40 * PIXELS, 30), np.uint8)
    assert len(Flow()(series([tall, tall]), Calibration()).values) == 1


def test_pictures_that_come_one_by_one_move_as_all_together() -> None:
    pictures = series([WALL[20 - step : 140 - step, 20:180] for step in (0, 2, 1, 3, 3)], rate_hz=10)
    together, one_by_one = Flow()(pictures, Calibration()), Flow()
    curves = [one_by_one(pictures[end - 1 : end + 1], Calibration()).values for end in range(1, len(pictures))]
    np.testing.assert_allclose(np.concatenate(curves), together.values, rtol=1e-4, atol=1e-4)
    resized = [replace(each, data=each.data[:60]) for each in pictures]
    np.testing.assert_allclose(one_by_one(resized, Calibration()).values, Flow()(resized, Calibration()).values)


def test_a_picture_is_made_small_once() -> None:
    small, made, flow = salience._small, [], Flow()
    pictures = series(views(2, 0) * 3, rate_hz=10)

    def counted(data: Sequence[Array]) -> Array:
        made.append(len(data))
        return small(data)

    with patch.object(salience, "_small", counted):
        for first, end in ((0, 3), (2, 5), (0, 2)):
            flow(pictures[first:end], Calibration())
    assert made == [3, 2, 2]
