import numpy as np
import pytest
from situations import clip_of

from operators.encoders.thermal import ThermalEncoder


def centikelvin(celsius: float) -> int:
    return round(celsius * 100 + 27315)


@pytest.mark.parametrize(("celsius", "due"), [(-40, 0), (-20, 0), (50, 0.5), (120, 1), (300, 1)])
def test_a_temperature_has_one_grey_in_every_frame(celsius: float, due: float) -> None:
    frame = np.full((120, 160), centikelvin(celsius), np.uint16)
    heat = ThermalEncoder().prepare(clip_of([frame], "thermal"))
    np.testing.assert_allclose(heat, due, atol=1e-3)


def test_range_is_a_choice() -> None:
    frame = np.full((60, 80), centikelvin(30), np.uint16)
    heat = ThermalEncoder(low_c=20, high_c=40).prepare(clip_of([frame], "thermal"))
    np.testing.assert_allclose(heat, 0.5, atol=1e-3)


def test_grey_images_keep_their_scale() -> None:
    heat = ThermalEncoder().prepare(clip_of([np.full((60, 80), 51, np.uint8)], "thermal"))
    np.testing.assert_allclose(heat, 0.2, atol=1e-3)


def test_the_frame_nearest_to_the_centre_is_taken() -> None:
    frames = [np.full((60, 80), value, np.uint8) for value in (0, 51, 102, 153, 204)]
    heat = ThermalEncoder().prepare(clip_of(frames, "thermal", rate_hz=2.2))
    np.testing.assert_allclose(heat, 0.4, atol=1e-3)


def test_upside_down_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"low_c 50.* high_c 20"):
        ThermalEncoder(low_c=50, high_c=20)


def test_celsius_as_float_is_refused() -> None:
    with pytest.raises(ValueError, match=r"/thermal: .*float64"):
        ThermalEncoder().prepare(clip_of([np.full((4, 5), 20.0)], "thermal"))
