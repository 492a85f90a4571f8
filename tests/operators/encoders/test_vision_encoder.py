import numpy as np
import pytest
import torch
from golden import golden, tensors
from PIL import Image
from situations import clip_of

from operators.encoders.tower import Architecture, seeded_tower
from operators.encoders.vision import MEAN, STD, VisionEncoder


@pytest.mark.parametrize("name", ["img_180x301", "img_320x240"])
def test_pictures_are_prepared_as_the_reference_does(name: str) -> None:
    picture = np.array(Image.open(golden(f"{name}.png")).convert("RGB"))
    pixels = VisionEncoder().prepare(clip_of([picture], "vision"))[..., ::2, ::2]
    due = tensors("image_video_preproc.safetensors")[f"{name}_every2"][:, np.newaxis]
    levels = np.round(due * STD + MEAN) - pixels
    assert np.abs(levels).max() <= 2
    assert (levels != 0).mean() < 0.001


def test_first_and_last_frame_are_taken_and_one_is_repeated() -> None:
    frames = [np.full((40, 50, 3), value, np.uint8) for value in (10, 20, 30)]
    both = VisionEncoder().prepare(clip_of(frames, "vision"))
    assert both.shape == (3, 2, 224, 224)
    assert both.max((0, 2, 3)).tolist() == [10, 30]
    assert VisionEncoder().prepare(clip_of(frames[1:2], "vision")).max((0, 2, 3)).tolist() == [20, 20]


def test_colours_stay_in_their_order() -> None:
    frame = np.broadcast_to(np.array([10, 20, 30], np.uint8), (48, 64, 3)).copy()
    assert VisionEncoder().prepare(clip_of([frame], "vision")).mean((1, 2, 3)).tolist() == [10, 20, 30]


def test_grey_is_a_colour() -> None:
    grey = np.random.default_rng(0).integers(0, 255, (60, 90), dtype=np.uint8)
    colour = np.repeat(grey[..., np.newaxis], 3, 2)
    np.testing.assert_array_equal(
        VisionEncoder().prepare(clip_of([grey], "vision")), VisionEncoder().prepare(clip_of([colour], "vision"))
    )


def test_the_whole_picture_may_be_seen_at_any_size() -> None:
    frame = np.zeros((100, 300, 3), np.uint8)
    frame[:, :100] = 200
    cropped = VisionEncoder(size=(112, 224)).prepare(clip_of([frame], "vision"))
    whole = VisionEncoder(size=(112, 224), crop=False).prepare(clip_of([frame], "vision"))
    assert cropped.shape == (3, 2, 112, 224)
    assert whole.shape == (3, 2, 112, 224)
    assert cropped[0, 0, 50].mean() == pytest.approx(200 * 56 / 224, abs=1)
    assert whole[0, 0, 50].mean() == pytest.approx(200 / 3, abs=1)
    vectors = VisionEncoder(size=(112, 224), crop=False).embed(whole[np.newaxis])
    assert np.linalg.norm(vectors) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1), (1, 3000, 3), (3000, 1)])
def test_tiny_and_narrow_pictures_are_pictures(shape: tuple[int, ...]) -> None:
    encoder = VisionEncoder()
    ready = encoder.prepare(clip_of([np.full(shape, 99, np.uint8)], "vision"))
    assert (ready == 99).all()
    assert np.linalg.norm(encoder.embed(ready[np.newaxis])) == pytest.approx(1)


def test_levels_are_standardized_by_colour() -> None:
    encoder = VisionEncoder()
    shape = (1, 3, 2, 224, 224)
    seen = encoder.embed(np.tile(MEAN + STD, (1, 1, 2, 224, 224)))
    np.testing.assert_allclose(seen, seeded_tower("vision", Architecture(), 0)(torch.ones(shape)).detach(), atol=1e-5)
    assert (encoder.embed(np.full(shape, 128, np.uint8)) == encoder.embed(np.full(shape, 128, np.float32))).all()


def test_a_size_below_one_patch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"size \[224, 13\] .* patch of \[14, 14\]"):
        VisionEncoder(Architecture(kernel=(14, 14)), size=(224, 13))


def test_vectors_of_vision_are_not_scaled() -> None:
    assert VisionEncoder().scale == 1


@pytest.mark.parametrize("shape", [(0, 5, 3), (4, 5, 4), (5,)])
def test_what_is_no_picture_is_refused_with_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"/vision.*\(" + str(shape[0])):
        VisionEncoder().prepare(clip_of([np.zeros(shape, np.uint8)], "vision"))


def test_float_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match=r"/vision.*float64"):
        VisionEncoder().prepare(clip_of([np.zeros((4, 5, 3))], "vision"))
