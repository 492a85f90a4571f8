from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from situations import clip, clip_of

from operators.encoders.depth import DepthEncoder
from operators.encoders.tower import Architecture
from pipeline.messages import Array, Calibration

PIXEL_METRES = 518.86 * 0.075
"""Disparity times depth with the default camera."""


def prepared(frame: Array, encoder: DepthEncoder | None = None, focal_px: float = 0, baseline_m: float = 0) -> Array:
    """Return the disparity that is prepared, (224, 224), in pixels."""
    encoder = encoder or DepthEncoder()
    calibration = Calibration(focal_px=focal_px, baseline_m=baseline_m)
    ready = encoder.prepare(replace(clip_of([frame], "depth"), calibration=calibration))
    disparity: Array = encoder.max_disparity * ready[0].astype(np.float64)
    return disparity


def in_metres(frame: Array) -> Array:
    metres: Array = PIXEL_METRES / prepared(frame)
    return metres


@pytest.mark.parametrize(("metres", "due"), [(0.1, 0.2), (0.2, 0.2), (2.0, 2.0), (50.0, 50.0), (60.0, 50.0)])
def test_millimetres_and_metres_mean_the_same_and_are_clamped(metres: float, due: float) -> None:
    np.testing.assert_allclose(in_metres(np.full((60, 80), metres, np.float32)), due, rtol=1e-3)
    np.testing.assert_allclose(in_metres(np.full((60, 80), round(metres * 1000), np.uint16)), due, rtol=1e-3)


def test_disparity_is_that_of_the_calibrated_camera() -> None:
    frame = np.full((480, 640), 2.0, np.float32)
    np.testing.assert_allclose(prepared(frame), 518.86 * 0.075 / 2, rtol=1e-3)
    np.testing.assert_allclose(prepared(frame, focal_px=600), 600 * 0.075 / 2, rtol=1e-3)
    np.testing.assert_allclose(prepared(frame, baseline_m=0.05), 518.86 * 0.05 / 2, rtol=1e-3)
    np.testing.assert_allclose(prepared(frame, focal_px=385, baseline_m=0.095), 385 * 0.095 / 2, rtol=1e-3)


@pytest.mark.parametrize(
    ("shape", "focal_px"), [((480, 640), 600), ((240, 320), 300), ((320, 240), 300), ((1, 1280), 1200)]
)
def test_a_binned_or_turned_frame_has_the_same_disparity(shape: tuple[int, int], focal_px: float) -> None:
    np.testing.assert_allclose(prepared(np.full(shape, 3, np.float32), focal_px=focal_px), 600 * 0.075 / 3, rtol=1e-3)


def test_beyond_the_largest_disparity_all_is_alike() -> None:
    encoder = DepthEncoder(near_m=0.01, max_disparity=75)
    np.testing.assert_allclose(prepared(np.full((60, 80), 0.6, np.float32), encoder), PIXEL_METRES / 0.6, rtol=1e-3)
    np.testing.assert_allclose(prepared(np.full((60, 80), 0.3, np.float32), encoder), 75)


@pytest.mark.parametrize("hole", [0.0, np.nan, -1.0, -np.inf])
def test_small_holes_take_what_is_around_them(hole: float) -> None:
    frame = np.full((480, 640), 2.0, np.float32)
    frame[np.random.default_rng(0).random(frame.shape) < 0.3] = hole
    np.testing.assert_allclose(in_metres(frame), 2, rtol=1e-3)


def test_wide_holes_take_the_nearest_depth() -> None:
    frame = np.full((224, 224), 2.0, np.float32)
    frame[:, 112:] = 4
    frame[:, 92:132] = 0
    metres = in_metres(frame)
    np.testing.assert_allclose(metres[:, :111], 2, rtol=1e-3)
    np.testing.assert_allclose(metres[:, 113:], 4, rtol=1e-3)


def test_a_hole_is_not_near() -> None:
    frame = np.full((224, 224), 5.0, np.float32)
    frame[100:120] = 0
    assert in_metres(frame).min() > 4.9


@pytest.mark.parametrize("nothing", [np.zeros((60, 80), np.uint16), np.full((60, 80), np.nan, np.float32)])
def test_an_image_without_return_is_all_far(nothing: Array) -> None:
    np.testing.assert_allclose(in_metres(nothing), 50, rtol=1e-3)


def test_infinitely_far_is_far() -> None:
    np.testing.assert_allclose(in_metres(np.full((60, 80), np.inf, np.float32)), 50, rtol=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_pixel_is_a_frame(dtype: type) -> None:
    np.testing.assert_allclose(in_metres(np.full((1, 1), 3, dtype)), 3, rtol=1e-3)


def test_the_whole_frame_may_be_seen_at_any_size() -> None:
    frame = np.full((100, 300), 1.0, np.float32)
    frame[:, :100] = 2
    encoder = DepthEncoder(size=(112, 224), crop=False)
    ready = encoder.prepare(clip_of([frame], "depth"))
    assert ready.shape == (1, 112, 224)
    assert 2 * ready[0, 50, 70] == pytest.approx(ready[0, 50, 80], rel=2e-3)
    assert np.linalg.norm(encoder.embed(ready[np.newaxis])) == pytest.approx(1)


def test_mean_and_std_are_those_of_the_towers_input() -> None:
    ready = DepthEncoder().prepare(clip("depth"))[np.newaxis]
    shifted = DepthEncoder(mean=0.3, std=0.05).embed(0.3 + (ready.astype(np.float32) - 0.1) / 2)
    np.testing.assert_allclose(shifted, DepthEncoder().embed(ready), atol=1e-5)


def test_vectors_are_compared_at_the_papers_temperature() -> None:
    assert DepthEncoder().scale == pytest.approx(1 / 0.2)


@pytest.mark.parametrize("name", ["focal_px", "baseline_m", "max_disparity", "std"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_constants_that_cannot_be_are_refused(name: str, value: float) -> None:
    params: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} {value} must be above 0"):
        DepthEncoder(**params)


def test_impossible_range_or_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"near_m 5.* far_m 2"):
        DepthEncoder(near_m=5, far_m=2)
    with pytest.raises(ValueError, match=r"size \[8, 8\]"):
        DepthEncoder(Architecture(kernel=(16, 16)), size=(8, 8))


@pytest.mark.parametrize(
    "frame", [np.ones((4, 5), np.uint8), np.ones((4, 5), np.int32), np.ones((4, 5, 1)), np.zeros((0, 5))]
)
def test_what_is_no_depth_is_refused_with_its_shape(frame: Array) -> None:
    with pytest.raises(ValueError, match=rf"/depth: .*\({frame.shape[0]}, 5"):
        DepthEncoder().prepare(clip_of([frame], "depth"))
