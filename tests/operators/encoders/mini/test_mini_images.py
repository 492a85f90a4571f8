"""What ``mini`` makes of pictures, temperatures and distances before its networks see them."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from situations import clip_of

from operators.encoders.mini.depth import MiniDepth
from operators.encoders.mini.thermal import MiniThermal
from operators.encoders.mini.vision import MiniVision
from pipeline.messages import Array, Calibration

ENCODERS = (MiniVision, MiniThermal, MiniDepth)


def prepared(encoder: Any, *frames: Array) -> Array:
    """Return (channels, rows, columns) of a clip of ``frames``."""
    ready: Array = encoder.prepare(clip_of(frames, encoder.modality, rate_hz=len(frames) / 2))
    return ready


def test_the_whole_picture_is_seen_in_its_colours() -> None:
    frame = np.zeros((120, 320, 3), np.uint8)
    frame[:, :160, 0], frame[:, 160:, 2] = 200, 100
    ready = prepared(MiniVision(), frame)
    assert ready.shape == (3, 224, 224)
    assert ready.dtype == np.uint8
    assert ready[:, 112, 5].tolist() == [200, 0, 0]
    assert ready[:, 112, -5].tolist() == [0, 0, 100]


def test_a_grey_picture_has_three_equal_colours() -> None:
    frame = np.arange(120 * 160, dtype=np.uint32).reshape(120, 160).astype(np.uint8)
    ready = prepared(MiniVision(), frame)
    assert (ready == ready[:1]).all()
    assert ready.std() > 5


@pytest.mark.parametrize(
    ("encoder", "dtype"), [(MiniVision(), np.uint8), (MiniThermal(), np.uint8), (MiniDepth(), np.float32)]
)
def test_the_frame_nearest_to_the_centre_is_seen(encoder: Any, dtype: type) -> None:
    frames: list[Array] = [
        np.full((60, 80), value, dtype) for value in (1, 2, 4, 8, 16)
    ]  # 0, 0.4, 0.8, 1.2, 1.6 of 2 s
    np.testing.assert_array_equal(prepared(encoder, *frames), prepared(encoder, frames[2]))
    assert not np.array_equal(prepared(encoder, *frames), prepared(encoder, frames[3]))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_another_size_is_rows_and_columns(encoder: Any) -> None:
    frame = np.full((60, 80), 3, np.float32 if encoder is MiniDepth else np.uint8)
    assert prepared(encoder(size=(96, 160)), frame).shape[1:] == (96, 160)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_size_of_nothing_is_refused(encoder: Any) -> None:
    with pytest.raises(ValueError, match=r"size \[0, 224\]"):
        encoder(size=(0, 224))


@pytest.mark.parametrize(("celsius", "due"), [(-40, 0), (-10, 0), (20, 0.5), (35, 0.75), (50, 1), (300, 1)])
def test_a_temperature_has_one_grey_in_every_frame(celsius: float, due: float) -> None:
    counts = np.full((120, 160), round(celsius * 100 + 27315), np.uint16)
    np.testing.assert_allclose(prepared(MiniThermal(), counts), due, atol=1e-3)
    np.testing.assert_allclose(prepared(MiniThermal(), np.full((120, 160), celsius, np.float32)), due, atol=1e-3)


def test_range_of_temperatures_is_a_choice() -> None:
    ready = prepared(MiniThermal(low_c=0.0, high_c=400.0), np.full((60, 80), 100.0))
    np.testing.assert_allclose(ready, 0.25, atol=1e-3)
    with pytest.raises(ValueError, match=r"low_c 50.0 must be below high_c -10.0"):
        MiniThermal(low_c=50.0, high_c=-10.0)


@pytest.mark.parametrize(("metres", "due"), [(0.1, 1), (0.5, 1), (1, 0.5), (5, 0.1), (50, 0.01), (500, 0.01)])
def test_nearness_is_that_of_the_metre_in_every_unit(metres: float, due: float) -> None:
    np.testing.assert_allclose(prepared(MiniDepth(), np.full((60, 80), metres, np.float32)), due, rtol=2e-3)
    if metres < 65:
        counts = np.full((60, 80), round(1000 * metres), np.uint16)
        np.testing.assert_allclose(prepared(MiniDepth(), counts), due, rtol=2e-3)


def test_the_lens_makes_no_difference_to_nearness() -> None:
    clip = clip_of([np.full((60, 80), 2.0)], "depth")
    lens = replace(clip, calibration=Calibration(focal_px=900.0))
    np.testing.assert_array_equal(MiniDepth().prepare(lens), MiniDepth().prepare(clip))


def test_holes_are_filled_from_around_them() -> None:
    frame = np.full((60, 80), 2.0, np.float32)
    frame[10:40, 20:60] = np.nan
    np.testing.assert_allclose(prepared(MiniDepth(), frame), 0.25, rtol=2e-3)


@pytest.mark.parametrize("near_m", [0.0, -1.0, np.nan, np.inf])
def test_an_impossible_nearness_is_refused(near_m: float) -> None:
    with pytest.raises(ValueError, match=f"near_m {near_m}"):
        MiniDepth(near_m=near_m)
