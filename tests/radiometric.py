"""Radiometric pictures as FLIR's cameras write them, made up."""

from io import BytesIO
from math import exp
from struct import pack, pack_into
from typing import Any

import numpy as np
from PIL import Image

from pipeline.messages import Array

R1, B, F, R2, OFFSET = 17_000.0, 1430.0, 1.0, 0.0125, -7000
"""Planck constants about those of real cameras."""

CELSIUS = np.linspace(-10, 90, 6 * 8).reshape(6, 8)


def counted(celsius: float) -> float:
    return R1 / (R2 * (exp(B / (celsius + 273.15)) - F)) - OFFSET


def camera(emissivity: float = 1.0, window: float = 1.0) -> bytes:
    """Of one metre of air at 20 °C that hides next to nothing; 20 °C are reflected, and so warm is the window."""
    record = bytearray(0x400)
    fields: dict[int, tuple[Any, ...]] = {
        0x00: ("<H", 2),
        0x20: ("<f", emissivity),
        0x24: ("<f", 0.0),
        0x28: ("<f", 293.15),
        0x2C: ("<f", 293.15),
        0x30: ("<f", 293.15),
        0x34: ("<f", window),
        0x3C: ("<f", 0.5),
        0x58: ("<f", R1),
        0x5C: ("<f", B),
        0x60: ("<f", F),
        0x70: ("<ff", 0.006569, 0.01262),
        0x78: ("<ff", -0.002276, -0.00667),
        0x80: ("<f", 1.9),
        0x308: ("<i", OFFSET),
        0x30C: ("<f", R2),
    }
    for place, (form, *values) in fields.items():
        pack_into(form, record, place, *values)
    return bytes(record)


def counts(image: Array, png: bool = False) -> bytes:
    height, width = image.shape
    if png:
        file = BytesIO()
        Image.fromarray(image.byteswap()).save(file, "png")
        return pack("<HHH26x", 2, width, height) + file.getvalue()
    return pack("<HHH26x", 2, width, height) + image.astype("<u2").tobytes()


def jpeg(*records: tuple[int, bytes], order: str = ">", part: int = 65_000) -> bytes:
    """A picture with an FFF of ``records`` by type in as many segments as it takes."""
    place, index, body = 0x40 + 32 * len(records), b"", b""
    for kind, record in records:
        index += pack(f"{order}HHIIII12x", kind, 1, 100, 0, place + len(body), len(record))
        body += record
    fff = pack(f"{order}4s16xIII32x", b"FFF\0", 100, 0x40, len(records)) + index + body
    parts = [fff[begin : begin + part] for begin in range(0, len(fff), part)]
    segments = [
        pack(">HH", 0xFFE1, 10 + len(piece)) + b"FLIR\0\1" + bytes([number, len(parts) - 1]) + piece
        for number, piece in enumerate(parts)
    ]
    file = BytesIO()
    Image.new("L", (8, 6)).save(file, "jpeg")
    return file.getvalue()[:2] + b"".join(segments) + file.getvalue()[2:]


def seen(celsius: Array = CELSIUS, emissivity: float = 1.0) -> Array:
    """What a sensor counts of surfaces that reflect a room of 20 °C, rounded as sensors do."""
    ideal = np.vectorize(counted)(celsius)
    counts: Array = (emissivity * ideal + (1 - emissivity) * counted(20)).round().astype(np.uint16)
    return counts
