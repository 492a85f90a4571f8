from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from radiometric import CELSIUS, camera, counts, jpeg, seen

from operators.encoders.stills import arrays_of, depth_of, is_deep, picture_of, thermal_of
from pipeline.messages import Array

RAMP = np.linspace(0, 255, 12 * 16).reshape(12, 16).astype(np.uint8)
COLOURS = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=2)


def saved(path: Path, image: Array | Image.Image, **params: Any) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **params)
    return path


def outcome(path: Path) -> str:
    """Return why a picture cannot be read, or its name and shape."""
    try:
        return f"{path.name} {picture_of(path).shape}"
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("name", ["p.png", "p.bmp", "p.tif", "p.webp", "p.ppm"])
def test_pictures_keep_their_colours(tmp_path: Path, name: str) -> None:
    params = {"lossless": True} if name.endswith("webp") else {}
    np.testing.assert_array_equal(picture_of(saved(tmp_path / name, COLOURS, **params)), COLOURS)


def test_jpeg_keeps_its_colours_nearly(tmp_path: Path) -> None:
    near = picture_of(saved(tmp_path / "p.jpg", COLOURS, quality=100, subsampling=0))
    assert np.abs(near.astype(int) - COLOURS).max() <= 3


def test_grey_becomes_three_equal_colours(tmp_path: Path) -> None:
    np.testing.assert_array_equal(picture_of(saved(tmp_path / "p.png", RAMP)), np.stack([RAMP] * 3, axis=2))


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    palette = Image.fromarray(COLOURS).quantize(256)
    path = saved(tmp_path / "p.png", palette)
    np.testing.assert_array_equal(picture_of(path), np.asarray(palette.convert("RGB")))


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    alpha = np.dstack([COLOURS, np.full_like(RAMP, 255)])
    alpha[3, 4] = (7, 7, 7, 0)
    picture = picture_of(saved(tmp_path / "p.png", alpha))
    assert picture[3, 4].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(picture[4:], COLOURS[4:])


def test_a_telephone_held_on_end_gives_an_upright_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90° clockwise to see it upright (EXIF 2.3, 4.6.4)
    path = saved(tmp_path / "p.png", COLOURS, exif=exif)
    np.testing.assert_array_equal(picture_of(path), np.rot90(COLOURS, -1))


def test_sixteen_bits_lose_the_lower_eight(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", RAMP.astype(np.uint16) * 256 + 255)
    np.testing.assert_array_equal(picture_of(path)[..., 1], RAMP)


def test_ink_becomes_light(tmp_path: Path) -> None:
    ink = Image.new("CMYK", (4, 4), (0, 0, 255, 0))
    assert np.abs(picture_of(saved(tmp_path / "p.tif", ink)) - [255, 255, 0]).max() <= 1


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")
    path = saved(tmp_path / "p.gif", first, save_all=True, append_images=[second])
    assert picture_of(path)[0, 0].tolist() == [255, 0, 0]


def test_floats_have_no_brightness(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"p\.tif: a picture of floats"):
        picture_of(saved(tmp_path / "p.tif", RAMP.astype(np.float32)))


@pytest.mark.parametrize("keep", [4, 40, 0.5, 0.9])
@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.tif", "p.webp"])
def test_a_picture_cut_short_is_refused_by_name(tmp_path: Path, name: str, keep: float) -> None:
    path = saved(tmp_path / name, np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep > 1 else keep * len(whole))])
    with pytest.raises(ValueError, match=name):
        picture_of(path)


@pytest.mark.parametrize("place", range(8, 120, 7))
def test_damage_anywhere_is_a_picture_or_a_sentence(tmp_path: Path, place: int) -> None:
    path = saved(tmp_path / "p.png", COLOURS)
    damaged = bytearray(path.read_bytes())
    damaged[place : place + 4] = b"\xff\x00\xff\x13"
    path.write_bytes(damaged)
    assert path.name in outcome(path)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "p.png", Image.new("1", (20_000, 20_000)))
    with pytest.raises(ValueError, match=r"p\.png: no picture.*decompression bomb"):
        picture_of(path)


@pytest.mark.parametrize("name", ["d.png", "d.tif"])
def test_sixteen_bit_pictures_are_millimetres(tmp_path: Path, name: str) -> None:
    depth = RAMP.astype(np.uint16) * 30
    image = depth_of(saved(tmp_path / name, depth))
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, depth)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<f4", ">f4", "<f8"])
def test_arrays_keep_their_depths_in_any_byte_order(tmp_path: Path, dtype: str) -> None:
    depth = (RAMP.astype(np.float64) * 30).astype(dtype)
    np.save(tmp_path / "d.npy", depth)
    image = depth_of(tmp_path / "d.npy")
    assert image.dtype.isnative
    np.testing.assert_array_equal(image, depth)


def test_eight_bits_are_no_depth(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"d\.png: depth is .* this is \(12, 16\) uint8"):
        depth_of(saved(tmp_path / "d.png", RAMP))


def test_thermal_pictures_keep_what_they_hold(tmp_path: Path) -> None:
    centikelvin = RAMP.astype(np.uint16) + 29_000
    np.testing.assert_array_equal(thermal_of(saved(tmp_path / "t.tif", centikelvin)), centikelvin)
    np.testing.assert_array_equal(thermal_of(saved(tmp_path / "g.png", RAMP)), RAMP)
    np.testing.assert_array_equal(thermal_of(saved(tmp_path / "c.png", COLOURS)), COLOURS)
    assert thermal_of(saved(tmp_path / "g.jpg", RAMP)).dtype == np.uint8
    celsius = RAMP.astype(np.float32) / 10
    np.testing.assert_array_equal(thermal_of(saved(tmp_path / "f.tif", celsius)), celsius)


def test_a_radiometric_jpeg_holds_temperatures(tmp_path: Path) -> None:
    (tmp_path / "t.JPG").write_bytes(jpeg((1, counts(seen())), (32, camera())))
    celsius = thermal_of(tmp_path / "t.JPG")
    assert celsius.dtype == np.float32
    np.testing.assert_allclose(celsius, CELSIUS, atol=0.05)
    (tmp_path / "u.jpg").write_bytes(jpeg((1, counts(seen())), (32, camera(emissivity=0.0))))
    with pytest.raises(ValueError, match=r"u\.jpg: its radiometric data are damaged"):
        thermal_of(tmp_path / "u.jpg")


def test_counts_of_a_sensor_are_no_centikelvin(tmp_path: Path) -> None:
    counts = RAMP.astype(np.uint16) + 7_900
    with pytest.raises(ValueError, match=r"t\.png: .* in centikelvin, and 8027.* would be -193 °C"):
        thermal_of(saved(tmp_path / "t.png", counts))


@pytest.mark.parametrize(
    ("image", "deep"),
    [(RAMP, False), (COLOURS, False), (RAMP.astype(np.uint16), True), (RAMP.astype(np.float32), True)],
)
def test_more_than_eight_bits_are_deep(tmp_path: Path, image: Array, deep: bool) -> None:
    assert is_deep(saved(tmp_path / "p.tif", image)) == deep


def test_what_is_no_picture_is_not_deep(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_text("hello")
    assert not is_deep(tmp_path / "p.png")
    assert not is_deep(tmp_path / "nowhere.png")


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"a\.npy: no array of numbers"):
        arrays_of(tmp_path / "a.npy")


@pytest.mark.parametrize("keep", [3, 20, 200])
def test_an_array_cut_short_is_refused_by_name(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "a.npy", RAMP)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.npy: no array of numbers"):
        arrays_of(tmp_path / "a.npy")


def test_several_arrays_are_no_image(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", a=RAMP, b=RAMP)
    (tmp_path / "d.npz").rename(tmp_path / "d.npy")
    with pytest.raises(ValueError, match=r"d\.npy: holds several arrays, and one was due"):
        depth_of(tmp_path / "d.npy")
