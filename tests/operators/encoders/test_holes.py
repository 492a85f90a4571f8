import numpy as np
import pytest

from operators.encoders.holes import fitted_without_holes
from pipeline.messages import Array

SIZE = (224, 224)


def filled(picture: Array, valid: Array, crop: bool = True) -> Array:
    result = fitted_without_holes(picture, valid, SIZE, crop)
    assert result is not None
    assert result.shape == SIZE
    assert result.dtype == np.float32
    return result


def test_small_holes_take_the_mean_of_what_is_around_them() -> None:
    valid = np.random.default_rng(0).random((480, 640)) > 0.3
    np.testing.assert_allclose(filled(np.where(valid, 5, 900), valid), 5, rtol=1e-5)


def test_wide_holes_take_the_nearest_value() -> None:
    picture = np.full(SIZE, 2.0)
    picture[:, 112:] = 4
    valid = np.ones(SIZE, bool)
    valid[:, 92:132] = False
    result = filled(picture, valid)
    np.testing.assert_allclose(result[:, :111], 2)
    np.testing.assert_allclose(result[:, 113:], 4)


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 1e9])
def test_what_is_missing_does_not_speak(missing: float) -> None:
    picture = np.tile(np.linspace(0, 1, 320, dtype=np.float32), (240, 1))
    valid = np.ones(picture.shape, bool)
    valid[::17, ::13] = False
    whole = filled(picture, np.ones_like(valid))
    assert np.abs(filled(np.where(valid, picture, missing), valid) - whole).max() < 0.01


def test_a_frame_with_one_valid_pixel_is_full_of_it() -> None:
    valid = np.zeros((60, 60), bool)
    valid[30, 20] = True
    np.testing.assert_allclose(filled(np.where(valid, 7, 0), valid), 7, rtol=1e-5)


def test_what_lies_outside_the_crop_fills_nothing() -> None:
    valid = np.zeros((60, 240), bool)
    valid[:, :20] = True
    assert fitted_without_holes(np.ones(valid.shape), valid, SIZE, crop=True) is None
    assert (filled(np.ones(valid.shape), valid, crop=False) == 1).all()


def test_nothing_valid_is_nothing() -> None:
    assert fitted_without_holes(np.zeros((60, 80)), np.zeros((60, 80), bool), SIZE, crop=True) is None
