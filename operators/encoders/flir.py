"""Radiometric JPEG of FLIR cameras: the sensor's counts that lie beside the picture, as temperatures.

FLIR publishes no specification. Layout and names of the fields are those that ExifTool documents as "FLIR Tags"; the
radiation that a camera receives is the sum of the object's own, what the object reflects, the air's and the window's
(Minkina and Dudzik, Infrared Thermography, Wiley 2009, chapter 2).
"""

import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from struct import unpack_from

import numpy as np
from msgspec import Struct
from PIL import Image

from pipeline.messages import Array

APP1, SCAN = 0xE1, 0xDA
COUNTS, CAMERA = 1, 32
"""Types of the two records that matter."""

ZERO_C = 273.15


class Camera(Struct, frozen=True):
    """What is known of a camera and its surroundings: temperatures in kelvin, shares in 0 to 1."""

    emissivity: float
    distance_m: float
    reflected_k: float
    air_k: float
    window_k: float
    window: float  # what share the window lets through
    humidity: float
    r1: float
    b: float
    f: float
    r2: float
    offset: int
    alpha: tuple[float, float]
    beta: tuple[float, float]
    x: float

    def counts(self, kelvin: float) -> float:
        """Return what the sensor counts for a black body (Planck's law over the sensor's band)."""
        return float(self.r1 / (self.r2 * (np.exp(self.b / kelvin) - self.f)) - self.offset)

    def celsius(self, counts: Array) -> Array:
        """Return (H, W) float32 °C of the surfaces that were seen as ``counts``; NaN where none can be that cold."""
        air = self.air()
        strange = (
            self.window * air * (1 - self.emissivity) * self.counts(self.reflected_k)
            + self.window * (1 - air) * self.counts(self.air_k)
            + (1 - self.window) * self.counts(self.window_k)
        )
        own = (counts - strange) / (self.emissivity * air * self.window) + self.offset
        kelvin = self.b / np.log(self.r1 / (self.r2 * np.where(own > 0, own, np.nan)) + self.f)
        return (kelvin - ZERO_C).astype(np.float32)

    def air(self) -> float:
        """Return what share the air lets through, by its humidity."""
        c = self.air_k - ZERO_C
        water = self.humidity * np.exp(1.5587 + 6.939e-2 * c - 2.7816e-4 * c**2 + 6.8455e-7 * c**3)  # g/m³
        near, far = -np.sqrt(self.distance_m) * (np.array(self.alpha) + np.array(self.beta) * np.sqrt(water))
        return float(self.x * np.exp(near) + (1 - self.x) * np.exp(far))


def temperatures(jpeg: bytes) -> Array | None:
    """Return (H, W) float32 °C, or None for a picture without counts. Raise ValueError if they are damaged."""
    try:
        parts = {chunk[6]: chunk[8:] for marker, chunk in _segments(jpeg) if marker == APP1 and chunk[:5] == b"FLIR\0"}
        if not parts:
            return None
        records = _records(b"".join(parts[number] for number in sorted(parts)))
        if COUNTS not in records or CAMERA not in records:
            return None
        camera, counts = _camera(records[CAMERA]), _counts(records[COUNTS])
        with np.errstate(all="ignore"):
            celsius = camera.celsius(counts)
    except (struct.error, IndexError, ArithmeticError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"its radiometric data are damaged: {error}") from error
    if not np.isfinite(celsius).any():
        raise ValueError(f"its radiometric data are damaged: no temperature follows from {camera}")
    return celsius


def _segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and content of what comes before the picture."""
    place = 2
    while jpeg[place] == 0xFF and jpeg[place + 1] != SCAN:
        (length,) = unpack_from(">H", jpeg, place + 2)
        yield jpeg[place + 1], jpeg[place + 4 : place + 2 + length]
        place += 2 + length


def _records(fff: bytes) -> Mapping[int, bytes]:
    """Return the records by type."""
    if fff[:4] != b"FFF\0":
        raise ValueError("its radiometric data are damaged: no FFF header")
    order = "<" if unpack_from("<I", fff, 0x14)[0] < 0x10000 else ">"  # the version is about 100
    place, number = unpack_from(f"{order}II", fff, 0x18)
    entries = (unpack_from(f"{order}HHIIII", fff, place + 32 * n) for n in range(min(number, 256)))
    return {kind: fff[begin : begin + length] for kind, _, _, _, begin, length in entries if kind}


def _counts(record: bytes) -> Array:
    """Return (H, W) float64 of the sensor's counts."""
    width, height = unpack_from("<HH", record, 2)
    if record[32:36] == b"\x89PNG":
        # The cameras write little-endian numbers into a format that is big-endian.
        counts = np.asarray(Image.open(BytesIO(record[32:]))).astype(np.uint16).byteswap()
    else:
        counts = np.frombuffer(record[32 : 32 + 2 * width * height], "<u2")
    if counts.size != width * height or not counts.size:
        raise ValueError(f"its radiometric data are damaged: {counts.size} of {width} × {height} pixels")
    return counts.reshape(height, width).astype(np.float64)


def _camera(record: bytes) -> Camera:
    order = "<" if record[0] == 2 else ">"

    def number(place: int, form: str = "f") -> float:
        value: float = unpack_from(order + form, record, place)[0]
        return value

    camera = Camera(
        emissivity=number(0x20),
        distance_m=number(0x24),
        reflected_k=number(0x28),
        air_k=number(0x2C),
        window_k=number(0x30),
        window=number(0x34),
        humidity=number(0x3C),
        r1=number(0x58),
        b=number(0x5C),
        f=number(0x60),
        alpha=(number(0x70), number(0x74)),
        beta=(number(0x78), number(0x7C)),
        x=number(0x80),
        offset=int(number(0x308, "i")),
        r2=number(0x30C),
    )
    is_possible = (
        all(0 <= share <= 1 for share in (camera.emissivity, camera.window, camera.humidity))
        and all(100 < kelvin < 5000 for kelvin in (camera.reflected_k, camera.air_k, camera.window_k))
        and camera.distance_m >= 0
    )
    if not is_possible:
        raise ValueError(f"its radiometric data are damaged: {camera}")
    return camera
