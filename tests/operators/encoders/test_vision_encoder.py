import numpy as np
import pytest
from golden import golden, tensors
from PIL import Image
from situations import clip_of

from operators.encoders.vision import MEAN, STD, VisionEncoder


@pytest.mark.parametrize("name", ["img_180x301", "img_320x240"])
def test_pictures_are_prepared_as_the_reference_does(name: str) -> None:
    picture = np.array(Image.open(golden(f"{name}.png")).convert("RGB"))
    pixels = VisionEncoder().prepare(clip_of([picture], "vision"))[0, :, ::2, ::2].transpose(1, 2, 0)
    due = tensors("image_video_preproc.safetensors")[f"{name}_every2"].transpose(1, 2, 0)
    levels = np.round((due * STD + MEAN) * 255) - pixels
    assert np.abs(levels).max() <= 2
    assert (levels != 0).mean() < 0.001


def test_first_and_last_frame_are_taken_and_one_is_repeated() -> None:
    frames = [np.full((40, 50, 3), value, np.uint8) for value in (10, 20, 30)]
    assert VisionEncoder().prepare(clip_of(frames, "vision")).max((1, 2, 3)).tolist() == [10, 30]
    assert VisionEncoder().prepare(clip_of(frames[1:2], "vision")).max((1, 2, 3)).tolist() == [20, 20]


def test_grey_is_a_colour() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (60, 90), dtype=np.uint8)
    colour = np.repeat(grey[..., np.newaxis], 3, 2)
    np.testing.assert_array_equal(
        VisionEncoder().prepare(clip_of([grey], "vision")), VisionEncoder().prepare(clip_of([colour], "vision"))
    )


@pytest.mark.parametrize("shape", [(0, 5, 3), (4, 5, 4), (5,)])
def test_what_is_no_picture_is_refused_with_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"/vision.*\(" + str(shape[0])):
        VisionEncoder().prepare(clip_of([np.zeros(shape, np.uint8)], "vision"))


def test_float_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"/vision.*float64"):
        VisionEncoder().prepare(clip_of([np.zeros((4, 5, 3))], "vision"))
