import numpy as np
import pytest
from situations import clip, clip_of

from operators.encoders.thermal import ThermalEncoder
from operators.encoders.tower import Architecture
from pipeline.messages import Array


def centikelvin(celsius: float) -> int:
    return round(celsius * 100 + 27315)


def prepared(frame: Array, encoder: ThermalEncoder | None = None) -> Array:
    """Return what is prepared, (224, 224) in [0, 1]."""
    heat: Array = (encoder or ThermalEncoder()).prepare(clip_of([frame], "thermal"))[0]
    return heat


@pytest.mark.parametrize(("celsius", "due"), [(-40, 0), (-20, 0), (50, 0.5), (120, 1), (300, 1)])
def test_a_temperature_has_one_grey_in_every_frame(celsius: float, due: float) -> None:
    np.testing.assert_allclose(prepared(np.full((120, 160), centikelvin(celsius), np.uint16)), due, atol=1e-3)
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(prepared(np.full((120, 160), celsius, dtype)), due, atol=1e-3)


def test_range_is_a_choice() -> None:
    frame = np.full((60, 80), centikelvin(30), np.uint16)
    np.testing.assert_allclose(prepared(frame, ThermalEncoder(low_c=20, high_c=40)), 0.5, atol=1e-3)


def test_percentiles_stretch_each_frame_of_temperatures() -> None:
    encoder = ThermalEncoder(percentiles=(10, 90))
    for low, high in ((20, 21), (-30, 300)):
        celsius = np.tile(np.linspace(low, high, 101), (101, 1))
        heat = prepared(celsius, encoder)
        due = np.clip((np.linspace(0, 1, 224) - 0.1) / 0.8, 0, 1)
        np.testing.assert_allclose(heat, np.tile(due, (224, 1)), atol=0.01)
        np.testing.assert_allclose(prepared((celsius * 100 + 27315).astype(np.uint16), encoder), heat, atol=0.02)


def test_a_stretched_frame_of_one_temperature_is_in_the_middle() -> None:
    assert (prepared(np.full((60, 80), 20.0), ThermalEncoder(percentiles=(1, 99))) == 0.5).all()


def test_dead_pixels_do_not_stretch_a_frame() -> None:
    celsius = np.tile(np.linspace(20, 30, 320), (240, 1))
    encoder = ThermalEncoder(percentiles=(1, 99))
    whole = prepared(celsius.copy(), encoder)
    celsius[::5, ::7], celsius[1::5, ::7], celsius[2::5, ::7] = np.nan, np.inf, -np.inf
    np.testing.assert_allclose(prepared(celsius, encoder), whole, atol=0.02)


@pytest.mark.parametrize("percentiles", [None, (1.0, 99.0)])
def test_grey_images_keep_their_scale(percentiles: tuple[float, float] | None) -> None:
    grey = np.full((60, 80), 51, np.uint8)
    np.testing.assert_allclose(prepared(grey, ThermalEncoder(percentiles=percentiles)), 0.2, atol=1e-3)


@pytest.mark.parametrize("dead", [np.nan, np.inf, -np.inf])
def test_dead_pixels_take_what_is_around_them(dead: float) -> None:
    celsius = np.full((120, 160), 50.0)
    celsius[::7, ::5] = dead
    celsius[40:60, 40:90] = dead
    np.testing.assert_allclose(prepared(celsius), 0.5, atol=1e-3)


def test_no_temperature_is_zero_kelvin() -> None:
    frame = np.full((120, 160), centikelvin(50), np.uint16)
    frame[::7, ::5] = 0
    np.testing.assert_allclose(prepared(frame), 0.5, atol=1e-3)


@pytest.mark.parametrize("frame", [np.full((60, 80), np.nan), np.zeros((60, 80), np.uint16)])
@pytest.mark.parametrize("percentiles", [None, (1.0, 99.0)])
def test_a_frame_without_a_live_pixel_is_refused(frame: Array, percentiles: tuple[float, float] | None) -> None:
    with pytest.raises(ValueError, match=r"/thermal: .* without one live pixel at 100"):
        prepared(frame, ThermalEncoder(percentiles=percentiles))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_three_equal_colours_are_grey(dtype: type) -> None:
    one: Array = np.random.default_rng(0).integers(0, 250, (60, 80)).astype(dtype)
    three = np.repeat(one[..., np.newaxis], 3, 2)
    np.testing.assert_array_equal(prepared(three.copy()), prepared(one))
    three[..., 2] += 3  # chroma off by one
    np.testing.assert_array_equal(prepared(three), prepared(one))


def test_false_colours_are_refused_by_name() -> None:
    iron = np.zeros((60, 80, 3), np.uint8)
    iron[..., 0] = 200
    with pytest.raises(ValueError, match=r"/thermal: .*false colours, \(60, 80, 3\) uint8: a palette hides"):
        prepared(iron)


def test_the_frame_nearest_to_the_centre_is_taken() -> None:
    frames = [np.full((60, 80), value, np.uint8) for value in (0, 51, 102, 153, 204)]
    heat = ThermalEncoder().prepare(clip_of(frames, "thermal", rate_hz=2.2))
    np.testing.assert_allclose(heat, 0.4, atol=1e-3)


@pytest.mark.parametrize("value", [np.uint8(51), np.uint16(centikelvin(8)), np.float32(8)])
def test_one_pixel_is_a_frame(value: np.generic) -> None:
    np.testing.assert_allclose(prepared(np.full((1, 1), value)), 0.2, atol=1e-3)


def test_the_whole_frame_may_be_seen_at_any_size() -> None:
    grey = np.zeros((100, 300), np.uint8)
    grey[:, :100] = 255
    encoder = ThermalEncoder(size=(112, 224), crop=False)
    ready = encoder.prepare(clip_of([grey], "thermal"))
    assert ready.shape == (1, 112, 224)
    assert ready.mean() == pytest.approx(1 / 3, abs=0.01)
    assert np.linalg.norm(encoder.embed(ready[np.newaxis])) == pytest.approx(1)


def test_mean_and_std_are_those_of_the_towers_input() -> None:
    ready = ThermalEncoder().prepare(clip("thermal"))[np.newaxis].astype(np.float32)
    plain = ThermalEncoder(mean=0, std=1).embed((ready - 0.3) / 0.1)
    np.testing.assert_allclose(plain, ThermalEncoder().embed(ready), atol=1e-5)


def test_vectors_are_compared_at_the_papers_temperature() -> None:
    assert ThermalEncoder().scale == pytest.approx(1 / 0.1)


@pytest.mark.parametrize("percentiles", [(50.0, 50.0), (99.0, 1.0), (-1.0, 99.0), (1.0, 101.0), (np.nan, 99.0)])
def test_percentiles_that_do_not_rise_are_refused(percentiles: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"percentiles \[.*\] must rise"):
        ThermalEncoder(percentiles=percentiles)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"low_c 50.* high_c 20"):
        ThermalEncoder(low_c=50, high_c=20)
    with pytest.raises(ValueError, match=r"std 0.* above 0"):
        ThermalEncoder(std=0.0)
    with pytest.raises(ValueError, match=r"size \[8, 8\]"):
        ThermalEncoder(Architecture(kernel=(16, 16)), size=(8, 8))


@pytest.mark.parametrize(
    "frame", [np.ones((4, 5), np.int16), np.ones((4, 5), complex), np.ones((4, 5, 4), np.uint8), np.zeros((0, 5))]
)
def test_what_is_not_thermal_is_refused_with_its_shape(frame: Array) -> None:
    with pytest.raises(ValueError, match=rf"/thermal: .*\({frame.shape[0]}, 5"):
        prepared(frame)
