import numpy as np
import pytest
import torch
from golden import tensors
from torch.nn import functional

from operators.encoders.video import views
from operators.encoders.vision import MEAN, STD, VisionEncoder
from pipeline.messages import Array


def test_views_are_those_of_the_reference() -> None:
    golden = tensors("image_video_preproc.safetensors")
    frames = golden["video_frames_uint8_CTHW"].transpose(1, 2, 3, 0)
    assert golden["video_sampled_idx"].tolist() == [0, len(frames) - 1]
    seen = (views(list(frames)) - MEAN) / STD
    assert seen.shape == (3, 3, 2, 224, 224)
    np.testing.assert_allclose(seen[..., ::8, ::8], golden["video_crops_every8"], atol=1e-4)


@pytest.mark.parametrize(
    ("height", "width"), [(301, 180), (302, 180), (180, 302), (480, 480), (50, 51), (1, 1), (3, 1)]
)
def test_views_are_crops_of_what_torch_interpolates(height: int, width: int) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (2, height, width, 3), dtype=np.uint8)
    tall, wide = (224 * side // min(height, width) for side in (height, width))
    pixels = torch.from_numpy(frames).permute(3, 0, 1, 2).float()
    due = functional.interpolate(pixels, (tall, wide), mode="bilinear", align_corners=False).numpy()
    first, middle, last = views(list(frames))
    top, left = -(-(tall - 224) // 2), -(-(wide - 224) // 2)
    np.testing.assert_allclose(first, due[..., :224, :224], atol=0.02)
    np.testing.assert_allclose(middle, due[..., top : top + 224, left : left + 224], atol=0.02)
    np.testing.assert_allclose(last, due[..., -224:, -224:], atol=0.02)


def test_films_of_extreme_proportions_stay_small() -> None:
    assert views([np.zeros((1, 20_000, 3), np.uint8)], 32).shape == (3, 3, 2, 32, 32)


def test_views_can_be_embedded_as_prepared_clips_can() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (9, 48, 64, 3), dtype=np.uint8)
    seen = views(list(frames))
    vectors = VisionEncoder().embed(seen)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    rounded = VisionEncoder().embed(np.round(seen).astype(np.uint8))
    assert (vectors * rounded).sum(1).min() > 0.9999
    assert (vectors[0] @ vectors[1]) < 0.9999


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [np.zeros((4, 5, 3))],
        [np.zeros((4, 5), np.uint8)],
        [np.zeros((0, 5, 3), np.uint8)],
        [np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4, 3), np.uint8)],
    ],
)
def test_other_frames_are_refused(frames: list[Array]) -> None:
    with pytest.raises(ValueError, match="frames"):
        views(frames)
