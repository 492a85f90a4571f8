import numpy as np
import pytest
from PIL import Image

from operators.encoders.square import centre_square


@pytest.mark.parametrize("shape", [(301, 180, 3), (240, 320, 3), (480, 641), (50, 900), (224, 224, 3), (1, 7)])
def test_square_is_what_a_resize_and_a_crop_give(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    height, width = shape[:2]
    tall, wide = (int(224 * side / min(height, width)) for side in (height, width))
    top, left = round((tall - 224) / 2), round((wide - 224) / 2)
    slow = Image.fromarray(picture).resize((wide, height), Image.Resampling.BICUBIC)
    slow = slow.resize((wide, tall), Image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
    difference = np.abs(centre_square(picture, Image.Resampling.BICUBIC).astype(int) - np.asarray(slow))
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("shape", [(1, 100_000), (100_000, 1, 3)])
def test_extreme_proportions_stay_small(shape: tuple[int, ...]) -> None:
    assert centre_square(np.ones(shape, np.uint8), Image.Resampling.BICUBIC).shape[:2] == (224, 224)


def test_temperatures_keep_their_values() -> None:
    square = centre_square(np.full((30, 40), 293.15, np.float32), Image.Resampling.BILINEAR)
    assert square.dtype == np.float32
    np.testing.assert_allclose(square, 293.15, rtol=1e-6)
