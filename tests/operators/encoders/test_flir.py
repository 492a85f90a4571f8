"""Real radiometric pictures are in ``test_recorded_files.py``; these are made up."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from radiometric import CELSIUS, camera, counted, counts, jpeg, seen

from operators.encoders.flir import temperatures
from pipeline.messages import Array


def celsius_of(jpeg: bytes) -> Array:
    celsius = temperatures(jpeg)
    assert celsius is not None
    return celsius


@pytest.mark.parametrize("png", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_counts_become_the_temperatures_they_were(png: bool, order: str) -> None:
    celsius = celsius_of(jpeg((32, camera()), (1, counts(seen(), png)), order=order))
    assert celsius.dtype == np.float32
    np.testing.assert_allclose(celsius, CELSIUS, atol=0.05)


def test_counts_in_many_segments_are_joined() -> None:
    celsius = celsius_of(jpeg((1, counts(seen())), (32, camera()), part=100))
    np.testing.assert_allclose(celsius, CELSIUS, atol=0.05)


def test_what_a_surface_reflects_is_taken_away() -> None:
    celsius = celsius_of(jpeg((1, counts(seen(emissivity=0.8))), (32, camera(emissivity=0.8))))
    np.testing.assert_allclose(celsius, CELSIUS, atol=0.06)


def test_a_window_hides_a_share() -> None:
    through = (0.9 * np.vectorize(counted)(CELSIUS) + 0.1 * counted(20)).round().astype(np.uint16)
    np.testing.assert_allclose(celsius_of(jpeg((1, counts(through)), (32, camera(window=0.9)))), CELSIUS, atol=0.06)


def test_what_no_surface_can_emit_is_a_dead_pixel() -> None:
    image = seen()
    image[2, 3] = 0
    celsius = celsius_of(jpeg((1, counts(image)), (32, camera())))
    assert np.isnan(celsius[2, 3])
    assert np.isfinite(celsius).sum() == image.size - 1


def test_a_mirror_that_hides_its_own_heat_has_dead_pixels() -> None:
    image = seen(emissivity=0.01)
    image[2, 3] = 0
    assert np.isnan(celsius_of(jpeg((1, counts(image)), (32, camera(emissivity=0.01))))[2, 3])


@pytest.mark.parametrize("records", [(), ((32, camera()),), ((1, counts(seen())),)])
def test_a_picture_without_counts_or_camera_has_no_temperatures(records: tuple[tuple[int, bytes], ...]) -> None:
    assert temperatures(jpeg(*records)) is None


def test_a_plain_picture_has_no_temperatures() -> None:
    file = BytesIO()
    Image.new("RGB", (8, 6)).save(file, "jpeg")
    assert temperatures(file.getvalue()) is None


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"", id="empty"),
        pytest.param(jpeg((1, counts(seen())[:-2]), (32, camera())), id="a pixel is missing"),
        pytest.param(jpeg((1, counts(seen(), png=True)[:80]), (32, camera())), id="half a PNG"),
        pytest.param(jpeg((1, counts(seen())[:4]), (32, camera())), id="no size"),
        pytest.param(jpeg((1, counts(seen())), (32, camera()[:100])), id="half a camera"),
        pytest.param(jpeg((1, counts(seen())), (32, camera(emissivity=0.0))), id="emissivity 0"),
        pytest.param(jpeg((1, counts(seen())), (32, camera(emissivity=2.0))), id="emissivity 2"),
        pytest.param(jpeg((1, counts(seen())), (32, camera(emissivity=np.nan))), id="emissivity NaN"),
        pytest.param(jpeg((1, counts(seen())), (32, camera())).replace(b"FFF\0", b"FFX\0"), id="another header"),
        pytest.param(jpeg((1, counts(seen())), (32, camera()))[:50], id="cut in the index"),
    ],
)
def test_damage_is_a_sentence(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="its radiometric data are damaged"):
        temperatures(damaged)
