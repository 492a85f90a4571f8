"""Thumbnails: small JPEGs of what is seen, WAVs of what is heard."""

import io
import wave

import numpy as np
import pytest
from PIL import Image

from pipeline.messages import NS, Array, Calibration, Clip, Sample
from pipeline.thumbnail import WIDTH, picture, pixels, scaled_picture, sound


def sample(data: Array) -> Sample:
    return Sample(topic="/x", stamp=0, frame_id="x", seq=0, data=data)


@pytest.mark.parametrize("modality", ["vision", "thermal", "depth"])
def test_a_picture_keeps_its_shape_and_fits_the_width(modality: str) -> None:
    data = np.random.default_rng(0).integers(1, 255, (240, 320)).astype(np.uint8 if modality == "vision" else np.uint16)
    image = Image.open(io.BytesIO(picture(modality, sample(data))))
    assert (image.format, image.size) == ("JPEG", (WIDTH, 120))


def test_small_pictures_are_not_blown_up() -> None:
    assert Image.open(io.BytesIO(picture("vision", sample(np.zeros((9, 12, 3), np.uint8))))).size == (12, 9)


def test_colours_are_those_of_the_camera() -> None:
    red_HW3 = np.full((4, 4, 3), (200, 30, 10), np.uint8)
    np.testing.assert_array_equal(pixels("vision", red_HW3), red_HW3)


def test_hot_is_brighter_than_cold_and_near_than_far() -> None:
    ramp_HW = np.tile(np.linspace(1000, 5000, 64), (8, 1))
    thermal, depth = pixels("thermal", ramp_HW), pixels("depth", ramp_HW)
    assert thermal is not None
    assert depth is not None
    brightness = thermal.mean(axis=(0, 2))
    assert (np.diff(brightness) >= 0).mean() > 0.9
    assert depth[:, 0].mean() > depth[:, -1].mean()


def test_what_is_unknown_is_black() -> None:
    thermal = pixels("thermal", np.array([[np.nan, 20.0], [30.0, 40.0]], np.float32))
    depth = pixels("depth", np.array([[0, 2000], [3000, 4000]], np.uint16))
    nothing = pixels("thermal", np.full((2, 2), np.nan, np.float32))
    assert thermal is not None
    assert depth is not None
    assert nothing is not None
    assert not thermal[0, 0].any()
    assert not depth[0, 0].any()
    assert depth[0, 1].any()
    assert not nothing.any()


def test_what_is_felt_has_no_picture() -> None:
    assert picture("imu", sample(np.zeros(6))) == b""


def test_a_sound_is_a_wav_of_all_its_chunks_in_one_channel() -> None:
    chunks = tuple(sample(np.full((160, 2), level, np.float32)) for level in (0.5, -2.0))
    clip = Clip(
        topic="/x",
        modality="audio",
        start=0,
        end=NS,
        samples=chunks,
        coverage=1.0,
        calibration=Calibration(sample_rate_hz=16000),
    )
    with wave.open(io.BytesIO(sound(clip))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16000, 1, 320)
        heard = np.frombuffer(file.readframes(320), "<i2")
    assert heard[0] == pytest.approx(16383, abs=1)
    assert heard[-1] == -32767


def test_a_sound_of_unknown_rate_is_nothing() -> None:
    clip = Clip(topic="/x", modality="audio", start=0, end=NS, samples=(sample(np.zeros(4)),), coverage=1.0)
    assert sound(clip) == b""


@pytest.mark.parametrize(
    ("modality", "data", "scale"),
    [
        ("thermal", np.array([[0, 29315], [29315, 31315]], np.uint16), (20, 40, "°C")),
        ("thermal", np.array([[np.nan, 20], [20, 40]], np.float32), (20, 40, "°C")),
        ("thermal", np.array([[0, 7000], [7000, 9000]], np.uint16), (7000, 9000, "counts")),
        ("thermal", np.repeat(np.array([[10, 10], [10, 250]], np.uint8)[..., np.newaxis], 3, 2), (10, 250, "counts")),
        ("depth", np.array([[0, 1500], [1500, 3500]], np.uint16), (1.5, 3.5, "m")),
        ("depth", np.array([[np.inf, 1.5], [1.5, 3.5]], np.float32), (1.5, 3.5, "m")),
    ],
)
def test_a_picture_of_numbers_says_what_its_colours_stand_for(
    modality: str, data: Array, scale: tuple[float, float, str]
) -> None:
    jpeg, found = scaled_picture(modality, sample(data))
    assert jpeg[:2] == b"\xff\xd8"
    assert found is not None
    assert (found.low, found.high) == pytest.approx(scale[:2], rel=0.03)
    assert found.unit == scale[2]


@pytest.mark.parametrize(
    ("modality", "data"), [("vision", np.zeros((2, 2, 3), np.uint8)), ("depth", np.zeros((2, 2), np.uint16))]
)
def test_colours_of_nothing_measured_have_no_scale(modality: str, data: Array) -> None:
    assert scaled_picture(modality, sample(data))[1] is None
