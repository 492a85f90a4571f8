import numpy as np
import pytest
from PIL import Image
from situations import clip_of
from torchvision.transforms import v2

from operators.encoders.picture import central_sample, check_size, fitted
from pipeline.messages import Array

BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR


def noise(*shape: int) -> Array:
    return np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    "shape", [(301, 180, 3), (240, 320, 3), (480, 641), (50, 900), (720, 480, 3), (99, 198), (1, 7), (1, 1, 3)]
)
@pytest.mark.parametrize("side", [224, 336])
def test_squares_are_those_of_torchvision(shape: tuple[int, ...], side: int) -> None:
    picture = noise(*shape)
    reference = v2.Compose([v2.Resize(side, v2.InterpolationMode.BICUBIC), v2.CenterCrop(side)])
    difference = np.abs(fitted(picture, (side, side), True, BICUBIC).astype(int) - reference(Image.fromarray(picture)))
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.001


@pytest.mark.parametrize(
    ("size", "whole"), [((112, 448), (298, 448)), ((448, 112), (448, 597)), ((90, 135), (90, 135))]
)
def test_what_is_not_square_is_cut_from_the_least_resize_that_covers_it(
    size: tuple[int, int], whole: tuple[int, int]
) -> None:
    picture = noise(120, 180, 3) if size[0] < size[1] else noise(360, 480, 3)
    resized = v2.functional.resize(Image.fromarray(picture), list(whole), v2.InterpolationMode.BICUBIC)
    due = np.asarray(v2.functional.center_crop(resized, list(size)), dtype=int)
    difference = np.abs(fitted(picture, size, True, BICUBIC) - due)
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.001


@pytest.mark.parametrize("size", [(224, 224), (112, 448)])
def test_without_crop_the_whole_is_stretched(size: tuple[int, int]) -> None:
    picture = noise(120, 160).astype(np.float32)  # no levels to round to, in whatever order PIL takes the axes
    due = np.asarray(Image.fromarray(picture).resize(size[::-1], BICUBIC))
    np.testing.assert_allclose(fitted(picture, size, False, BICUBIC), due, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 100_000), (100_000, 1, 3), (1, 1)])
@pytest.mark.parametrize("crop", [True, False])
def test_extreme_proportions_stay_small(shape: tuple[int, ...], crop: bool) -> None:
    picture = fitted(np.full(shape, 77, np.uint8), (96, 128), crop, BICUBIC)
    assert picture.shape == (96, 128, *shape[2:])
    assert (picture == 77).all()


def test_temperatures_keep_their_values() -> None:
    picture = fitted(np.full((30, 40), 293.15, np.float32), (224, 224), True, BILINEAR)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, 293.15, rtol=1e-6)


def test_a_size_below_one_patch_is_refused() -> None:
    check_size((32, 48), (32, 32))
    for size in ((224, 31), (31, 224)):
        with pytest.raises(
            ValueError, match=rf"size \[{size[0]}, {size[1]}\] must hold at least one patch of \[32, 32\]"
        ):
            check_size(size, (32, 32))


def test_the_sample_nearest_to_the_centre_is_taken() -> None:
    frames = [np.full((4, 5), value, np.uint8) for value in range(5)]
    assert central_sample(clip_of(frames, "thermal", rate_hz=2.2)).seq == 2


@pytest.mark.parametrize("shape", [(0,), (0, 5), (4, 0, 3)])
def test_a_picture_without_pixels_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"/depth: .* without pixels, \(" + str(shape[0])):
        central_sample(clip_of([np.zeros(shape, np.uint16)], "depth"))
