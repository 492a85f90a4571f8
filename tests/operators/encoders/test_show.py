from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from situations import clip, clip_of

from operators.encoders.audio import AudioEncoder
from operators.encoders.depth import DepthEncoder
from operators.encoders.imu import ImuEncoder
from operators.encoders.openclip import OpenClipVision
from operators.encoders.show import _band, _words, draw
from operators.encoders.text import TextEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.vision import VisionEncoder
from pipeline.messages import Array, Clip


def drawn(encoder: Any, prepared: Array, path: Path) -> Array:
    """Return (H, W, 3) uint8 of the picture."""
    draw(encoder, prepared, path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def share(picture: Array, colour: tuple[int, int, int]) -> float:
    """Return what share of a picture has a colour."""
    return float((picture == colour).all(2).mean())


@pytest.mark.parametrize("encoder", [VisionEncoder(), AudioEncoder(), DepthEncoder(), ThermalEncoder(), ImuEncoder()])
def test_what_towers_see_differs_from_clip_to_clip(tmp_path: Path, encoder: Any) -> None:
    a, b, again = (
        drawn(encoder, encoder.prepare(clip(encoder.modality, seed)), tmp_path / "p.png") for seed in (1, 2, 1)
    )
    assert a.shape[:2] in ((320, 700), (320, 500))
    np.testing.assert_array_equal(a, again)
    assert (a != b).any(2).mean() > 0.01


def test_frames_stand_side_by_side_in_their_colours(tmp_path: Path) -> None:
    colours = (200, 30, 10), (10, 40, 220)
    pair = clip_of([np.full((30, 40, 3), colour, np.uint8) for colour in colours], "vision")
    picture = drawn(VisionEncoder(), VisionEncoder().prepare(pair), tmp_path / "p.png")
    assert share(picture[:, :350], colours[0]) > 0.3
    assert share(picture[:, 350:], colours[1]) > 0.3


def test_one_frame_stands_alone(tmp_path: Path) -> None:
    still = clip_of([np.full((30, 40, 3), (200, 30, 10), np.uint8)], "vision")
    encoder = OpenClipVision()
    assert share(drawn(encoder, encoder.prepare(still), tmp_path / "p.png"), (200, 30, 10)) > 0.2


@pytest.mark.parametrize("hz", [100, 440, 1000, 3000, 7000])
def test_frequencies_are_written_where_they_sound(hz: float) -> None:
    assert (_band(20), _band(8000)) == (0, 128)
    sound = (9000 * np.sin(2 * np.pi * hz * np.arange(32_000) / 16_000)).astype(np.int16)
    mels = AudioEncoder().prepare(clip_of([sound], "audio"))[0, :, :198]
    assert abs(mels.mean(1).argmax() + 0.5 - _band(hz)) < 1.5


def test_rotation_is_drawn_below_whichever_comes_first(tmp_path: Path) -> None:
    moving: Clip = clip("imu")
    orders = ImuEncoder(), ImuEncoder(order="rotation first")
    a, b = (drawn(encoder, encoder.prepare(moving), tmp_path / "p.png") for encoder in orders)
    np.testing.assert_array_equal(a, b)


def test_temperatures_are_written_only_where_they_do_not_change(tmp_path: Path) -> None:
    prepared = ThermalEncoder().prepare(clip("thermal"))
    kinds = ThermalEncoder(), ThermalEncoder(low_c=0.0), ThermalEncoder(percentiles=(2, 98))
    pictures = [drawn(encoder, prepared, tmp_path / "p.png") for encoder in kinds]
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] != pictures[2]).any()


def test_tokens_are_written_as_words(tmp_path: Path) -> None:
    tokens = TextEncoder().tokenize(["A dog barks, $5", "снег", "word " * 99])
    assert _words(tokens[0, :9]) == ["[start]", "a", "dog", "bar", "ks", ",", "$", "5", "[end]"]
    assert _words(tokens[1, :7]) == ["[start]", "с", "н", "е", "·", "·", "[end]"]
    short, letters, long = (drawn(TextEncoder(), row, tmp_path / "p.png") for row in tokens)
    assert short.shape[1] == letters.shape[1] == long.shape[1] == 700
    assert len(short) < len(long)


def test_letters_that_the_font_lacks_are_no_trouble(tmp_path: Path) -> None:
    (tokens,) = TextEncoder().tokenize(["雪 🔥 の"])
    assert "🔥" in _words(tokens[:10])
    assert drawn(TextEncoder(), tokens, tmp_path / "p.png").shape[1] == 700


def test_tokens_of_another_vocabulary_are_dots() -> None:
    assert _words(np.array([1, 2, 3])) == ["·"] * 3
