"""Pictures, depth images and thermal images from files, as the arrays that samples carry."""

import struct
import warnings
import zlib
from functools import partial
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from PIL import Image, ImageOps

from operators.encoders import flir
from pipeline.messages import Array

DAMAGE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError, RuntimeError),
    *(struct.error, zlib.error, TokenError, BadZipFile, Image.DecompressionBombError),
)
"""What PIL and numpy raise for files that are not what they seem (all of it seen in damaged files)."""

DEEP = ("I", "F")
"""How PIL's names of modes begin that hold more than eight bits a pixel."""

UNWARNED = partial(warnings.catch_warnings, action="ignore")
"""PIL warns of damaged remarks beside a picture that is whole."""

COLDEST_CK = 15_000
"""Centikelvin, -123 °C: counts of a 14-bit sensor lie below, and no thing on Earth does."""


def picture_of(path: Path) -> Array:
    """Return (H, W, 3) uint8 RGB, upright, of any picture that PIL reads; of an animation the first frame.

    What is transparent becomes white, and 16-bit grey keeps its upper eight bits.
    """
    picture = _opened(path)
    if picture.mode.startswith("F"):
        raise ValueError(
            f"{path}: a picture of floats has no brightness that is known; write depth:FILE or thermal:FILE"
        )
    if picture.mode.startswith("I"):
        return np.repeat((np.clip(np.asarray(picture), 0, 65535) >> 8).astype(np.uint8)[..., np.newaxis], 3, axis=2)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB"))


def depth_of(path: Path) -> Array:
    """Return (H, W) uint16 millimetres of a 16-bit picture, or what an .npy holds: uint16 millimetres, float metres."""
    image = _numbers(path)
    if image.ndim != 2 or image.dtype not in (np.uint16, np.float32, np.float64):
        raise ValueError(
            f"{path}: depth is a 16-bit grey picture in millimetres, or an .npy of (H, W) uint16 millimetres or float"
            f" metres; this is {image.shape} {image.dtype}"
        )
    return image


def thermal_of(path: Path) -> Array:
    """Return (H, W) of float32 °C for a radiometric JPEG, uint16 centikelvin or uint8 grey; (H, W, 3) uint8 in colours.

    An .npy holds any of these, floats being °C.
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        try:
            celsius = flir.temperatures(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if celsius is not None:
            return celsius
    image = _numbers(path)
    if image.dtype == np.uint16 and image.any() and (typical := np.median(image[image > 0])) < COLDEST_CK:
        raise ValueError(
            f"{path}: 16-bit thermal pictures are in centikelvin, and {typical:g} would be"
            f" {typical / 100 - flir.ZERO_C:.0f} °C; save °C as .npy"
        )
    return image


def is_deep(path: Path) -> bool:
    """Say whether a picture holds more than eight bits a pixel, as those of depth and thermal cameras do."""
    try:
        with UNWARNED(), Image.open(path) as picture:
            return picture.mode.startswith(DEEP)
    except DAMAGE:
        return False


def arrays_of(path: Path) -> Array | dict[str, Array]:
    """Return what an .npy holds, or an .npz by name. Raise ValueError if it is damaged; pickled code is never run."""
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return dict(loaded) if isinstance(loaded, NpzFile) else np.asarray(loaded)
    except DAMAGE as error:
        raise ValueError(f"{path}: no array of numbers, or a damaged one: {error}") from error


def _numbers(path: Path) -> Array:
    """Return (H, W) or (H, W, 3) of the file's own numbers, byte order that of this machine."""
    if path.suffix.lower() == ".npy":
        loaded = arrays_of(path)
        if isinstance(loaded, dict):
            raise ValueError(f"{path}: holds several arrays, and one was due")
        image: Array = loaded.astype(loaded.dtype.newbyteorder("="))
        return image
    picture = _opened(path)
    if picture.mode.startswith("I"):
        image = np.clip(np.asarray(picture), 0, 65535)
        return image.astype(np.uint16)
    if picture.mode in ("L", "F"):
        return np.asarray(picture)
    return np.asarray(picture.convert("RGB"))


def _opened(path: Path) -> Image.Image:
    """Return the picture with its pixels read, upright."""
    try:
        with UNWARNED(), Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture)
    except DAMAGE as error:
        raise ValueError(f"{path}: no picture, or a damaged one: {error}") from error
