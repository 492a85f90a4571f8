"""What a person sees or hears of a sample or a clip: a small picture, a sound."""

import io
import wave
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from PIL import Image

from pipeline.messages import Array, Clip, Sample

WIDTH = 160
"""Of a thumbnail, in pixels; its height follows."""

QUALITY = 80
"""Of its JPEG, of 100."""

ZERO_CELSIUS = 27315
"""In centikelvin."""

COUNTS = 1 << 14
"""Raw counts of thermal cameras lie below, of 14 bits; as centikelvin it is -109 °C, which nothing on a rig is."""

# Anchors of matplotlib's colour maps inferno and viridis (CC0), at equal steps from 0 to 1.
INFERNO = (
    (0, 0, 4),
    (40, 11, 84),
    (101, 21, 110),
    (159, 42, 99),
    (212, 72, 66),
    (245, 125, 21),
    (250, 193, 39),
    (252, 255, 164),
)
VIRIDIS = (
    (68, 1, 84),
    (70, 50, 127),
    (54, 92, 141),
    (39, 127, 142),
    (31, 161, 135),
    (74, 194, 109),
    (159, 218, 58),
    (253, 231, 37),
)
PALETTES = {"thermal": INFERNO, "depth": VIRIDIS[::-1]}
"""Modalities whose colours stand for numbers, from low to high."""


class Scale(Struct, frozen=True, kw_only=True):
    """What the two ends of a picture's colours stand for.

    ``unit`` is "°C", "m", "dB" of full scale, or "counts" of the camera's own.
    """

    low: float
    high: float
    unit: str


def picture(modality: str, sample: Sample, width: int = WIDTH) -> bytes:
    """Return ``sample`` as a JPEG ``width`` pixels wide, or nothing for a modality that is not seen.

    Thermal is drawn from cold to hot over the frame's own range, depth from near to far; what is unknown is black.
    """
    return scaled_picture(modality, sample, width)[0]


def scaled_picture(modality: str, sample: Sample, width: int = WIDTH) -> tuple[bytes, Scale | None]:
    """Return that picture, and its scale where colours stand for numbers."""
    colours_HW3, scale = _drawn(modality, sample.data)
    if colours_HW3 is None:
        return b"", None
    height, full = colours_HW3.shape[:2]
    image = Image.fromarray(colours_HW3)
    if width < full:
        image = image.resize((width, max(1, round(height * width / full))), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue(), scale


def pixels(modality: str, data_HW: Array) -> Array | None:
    """Return (H, W, 3) uint8 RGB, or None for a modality that is not seen."""
    return _drawn(modality, data_HW)[0]


def coloured(value_HW: Array, palette: Sequence[tuple[int, int, int]]) -> tuple[Array, float, float]:
    """Return (H, W, 3) uint8 from the 1st to the 99th percentile, and these two; what is not finite is black.

    Something has to be finite.
    """
    is_known_HW = np.isfinite(value_HW)
    low, high = np.percentile(value_HW[is_known_HW], (1, 99))
    place_HW = np.clip((np.nan_to_num(value_HW, nan=low) - low) / max(high - low, 1e-6), 0, 1)
    anchors = np.array(palette)
    steps = np.linspace(0, 1, len(anchors))
    colours = [np.interp(place_HW, steps, channel) for channel in anchors.T]
    drawn: Array = np.where(is_known_HW[..., np.newaxis], np.stack(colours, axis=-1), 0).astype(np.uint8)
    return drawn, float(low), float(high)


def sound(clip: Clip) -> bytes:
    """Return the sound of an audio clip as a mono 16-bit WAV, or nothing if its sample rate is not known."""
    rate_hz = round(clip.calibration.sample_rate_hz)
    if clip.modality != "audio" or rate_hz <= 0 or not clip.samples:
        return b""
    mono_N = np.concatenate([_mono(sample.data) for sample in clip.samples])
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(mono_N, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _mono(data: Array) -> Array:
    loudness = data.astype(np.float32) / (32768 if data.dtype.kind == "i" else 1)
    mono: Array = np.nan_to_num(loudness if loudness.ndim == 1 else loudness.mean(axis=1))
    return mono


def _drawn(modality: str, data: Array) -> tuple[Array | None, Scale | None]:
    if modality == "vision":
        seen = data if data.ndim == 3 else np.repeat(data[..., np.newaxis], 3, axis=2)
        return np.ascontiguousarray(seen), None
    return _measured(modality, data) if modality in PALETTES else (None, None)


def _measured(modality: str, data: Array) -> tuple[Array, Scale | None]:
    """Return (H, W, 3) uint8 over the range from the 1st to the 99th percentile, and that range."""
    value_HW = np.array(data[..., 1] if data.ndim == 3 else data, np.float32)
    if modality == "depth" or data.dtype == np.uint16:
        value_HW[~(value_HW > 0)] = np.nan  # no return, or a dead pixel
    if not np.isfinite(value_HW).any():
        return np.zeros((*value_HW.shape, 3), np.uint8), None
    drawn, low, high = coloured(value_HW, PALETTES[modality])
    return drawn, _scale(modality, data.dtype.kind == "f", low, high)


def _scale(modality: str, is_float: bool, low: float, high: float) -> Scale:
    """Return the scale of numbers as sensors send them: float m and °C, else millimetres, centikelvin, and counts."""
    if modality == "depth":
        unit, zero, step = "m", 0, 1 if is_float else 1000
    elif is_float or low < COUNTS:
        unit, zero, step = "°C" if is_float else "counts", 0, 1
    else:
        unit, zero, step = "°C", ZERO_CELSIUS, 100
    return Scale(low=(low - zero) / step, high=(high - zero) / step, unit=unit)
