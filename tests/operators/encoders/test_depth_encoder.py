import numpy as np
import pytest
from situations import clip_of

from operators.encoders.depth import DepthEncoder
from pipeline.messages import Array


def prepared(frame: Array) -> Array:
    """Return what is prepared, (224, 224), back in metres."""
    metres: Array = 0.2 / DepthEncoder().prepare(clip_of([frame], "depth"))[0].astype(np.float64)
    return metres


@pytest.mark.parametrize(("metres", "due"), [(0.1, 0.2), (0.2, 0.2), (2.0, 2.0), (50.0, 50.0), (60.0, 50.0)])
def test_millimetres_and_metres_mean_the_same_and_are_clamped(metres: float, due: float) -> None:
    np.testing.assert_allclose(prepared(np.full((60, 80), metres, np.float32)), due, rtol=1e-3)
    np.testing.assert_allclose(prepared(np.full((60, 80), round(metres * 1000), np.uint16)), due, rtol=1e-3)


@pytest.mark.parametrize("hole", [0.0, np.nan, -1.0])
def test_small_holes_take_what_is_around_them(hole: float) -> None:
    frame = np.full((480, 640), 2.0, np.float32)
    frame[np.random.default_rng(0).random(frame.shape) < 0.3] = hole
    np.testing.assert_allclose(prepared(frame), 2, rtol=1e-3)


def test_wide_holes_take_the_nearest_depth() -> None:
    frame = np.full((224, 224), 2.0, np.float32)
    frame[:, 112:] = 4
    frame[:, 92:132] = 0
    metres = prepared(frame)
    np.testing.assert_allclose(metres[:, :111], 2, rtol=1e-3)
    np.testing.assert_allclose(metres[:, 113:], 4, rtol=1e-3)


def test_a_hole_is_not_near() -> None:
    frame = np.full((224, 224), 5.0, np.float32)
    frame[100:120] = 0
    assert prepared(frame).min() > 4.9


@pytest.mark.parametrize("nothing", [np.zeros((60, 80), np.uint16), np.full((60, 80), np.nan, np.float32)])
def test_an_image_without_return_is_all_far(nothing: Array) -> None:
    np.testing.assert_allclose(prepared(nothing), 50, rtol=1e-3)


def test_infinitely_far_is_far() -> None:
    np.testing.assert_allclose(prepared(np.full((60, 80), np.inf, np.float32)), 50, rtol=1e-3)


def test_impossible_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"near_m 5.* far_m 2"):
        DepthEncoder(near_m=5, far_m=2)


def test_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"/depth: .*uint8"):
        DepthEncoder().prepare(clip_of([np.ones((4, 5), np.uint8)], "depth"))
