"""Pictures in ROS messages, packed or raw, become arrays. H, W = rows and columns of a picture, C = its colours."""

import io
import struct
import warnings
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import convolve

from pipeline.logs.raw import MessageError
from pipeline.messages import Array, Compressed


class Encoding(NamedTuple):
    """How one pixel stands in ``sensor_msgs/Image.data``."""

    dtype: str
    colours: str  # in their order; one letter for each, or the 2×2 tile of a Bayer mosaic
    mosaic: bool = False


ENCODINGS = {
    "rgb8": Encoding("u1", "rgb"),
    "rgba8": Encoding("u1", "rgba"),
    "bgr8": Encoding("u1", "bgr"),
    "bgra8": Encoding("u1", "bgra"),
    "8UC3": Encoding("u1", "bgr"),  # OpenCV's own order: the name says nothing
    "8UC4": Encoding("u1", "bgra"),
    "mono8": Encoding("u1", "v"),
    "8UC1": Encoding("u1", "v"),
    "mono16": Encoding("u2", "v"),
    "16UC1": Encoding("u2", "v"),
    "32FC1": Encoding("f4", "v"),
    "64FC1": Encoding("f8", "v"),
    **{f"bayer_{tile}8": Encoding("u1", tile, mosaic=True) for tile in ("rggb", "bggr", "gbrg", "grbg")},
}
"""By sensor_msgs' names (sensor_msgs/image_encodings)."""

_FITS = {
    "vision": {("u1", 2), ("u1", 3)},
    "depth": {("u2", 2), ("f4", 2), ("f8", 2)},
    "thermal": {("u1", 2), ("u2", 2)},
}
"""Kinds and dimensions of each modality's data."""
_DEPTH_HEADER = 12  # compressed_depth_image_transport: an int32 and two float32 before the PNG


def unpack(message: Any, modality: str) -> Array:
    """Return (H, W) or (H, W, 3) of a raw image, ROS's or Foxglove's.

    RGB, in native byte order, without the padding of rows.
    """
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        raise MessageError("encoding", f"encoding {message.encoding!r} is not read")
    height, width, step = message.height, message.width, message.step
    dtype = np.dtype(encoding.dtype).newbyteorder(">" if getattr(message, "is_bigendian", 0) else "<")
    num_colours = 1 if encoding.mosaic else len(encoding.colours)
    row = width * num_colours * dtype.itemsize
    if not row or step < row or message.data.size != height * step or not height:
        raise MessageError(
            "sizes",
            f"{width}×{height} {message.encoding} in rows of {step} bytes does not fit {message.data.size} bytes",
        )
    rows = np.ascontiguousarray(message.data.reshape(height, step)[:, :row])
    data = rows.view(dtype).astype(dtype.newbyteorder("="), copy=False)
    if encoding.mosaic:
        data = demosaic(data, encoding.colours)
    elif num_colours > 1:
        order = slice(3) if encoding.colours.startswith("rgb") else slice(2, None, -1)
        data = np.ascontiguousarray(data.reshape(height, width, num_colours)[..., order])
    return _fitting(data, modality, message.encoding)


def decompress(message: Any, modality: str) -> tuple[Array, Compressed | None]:
    """Return (H, W) or (H, W, 3) of a ``CompressedImage``: JPEG, PNG or WebP; thermal in colours becomes grey.

    With it come the bytes that ``wire.picture_in`` would make the same of, where there are such.
    """
    packed = message.data[_DEPTH_HEADER:] if "compressedDepth" in message.format else message.data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(packed), formats=("JPEG", "PNG", "WEBP"))
            if picture.mode.startswith("I"):
                mode, data = "I;16", np.asarray(picture).astype(np.uint16)
            else:
                mode = "L" if picture.mode == "L" or modality == "thermal" else "RGB"
                data = np.asarray(picture.convert(mode))
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError, Warning) as error:
        raise MessageError("picture", f"{message.format!r}: {error}") from error
    data = _fitting(data, modality, message.format)
    if picture.mode != mode:
        return data, None
    match picture.format:
        case "JPEG":
            return data, Compressed("jpeg", bytes(packed))
        case "PNG":
            return data, Compressed("png", bytes(packed))
    return data, None


def demosaic(mosaic_HW: Array, tile: str) -> Array:
    """Return (H, W, 3) uint8 of a Bayer mosaic: each colour is the mean of its nearest sites (bilinear).

    ``tile`` names the top-left 2×2 sites by rows.

    >>> demosaic(np.array([[200, 100], [100, 50]], np.uint8), "rggb")[0, 0]
    array([200, 100,  50], dtype=uint8)
    """
    square = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)
    cross = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32)
    planes = []
    for colour in "rgb":
        sites = np.zeros(mosaic_HW.shape, np.float32)
        for index, site in enumerate(tile):
            sites[index // 2 :: 2, index % 2 :: 2] = site == colour
        kernel = cross if colour == "g" else square
        # over the edge there is no light and no weight, so that borders do not darken
        light = convolve(mosaic_HW * sites, kernel, mode="constant")
        planes.append(light / np.maximum(convolve(sites, kernel, mode="constant"), 1))
    colours_HW3: Array = np.rint(np.stack(planes, axis=-1)).astype(np.uint8)
    return colours_HW3


def _fitting(data: Array, modality: str, encoding: str) -> Array:
    if (data.dtype.str[1:], data.ndim) not in _FITS[modality]:
        raise MessageError("encoding", f"{encoding!r} cannot be read as {modality}")
    return data
