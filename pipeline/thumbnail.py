"""What a person sees or hears of a sample or a clip: a small picture, a sound."""

import io
import wave

import numpy as np
from PIL import Image

from pipeline.messages import Array, Clip, Sample

WIDTH = 160
"""Of a thumbnail, in pixels; its height follows."""

QUALITY = 80
"""Of its JPEG, of 100."""

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


def picture(modality: str, sample: Sample, width: int = WIDTH) -> bytes:
    """Return ``sample`` as a JPEG ``width`` pixels wide, or nothing for a modality that is not seen.

    Thermal is drawn from cold to hot over the frame's own range, depth from near to far; what is unknown is black.
    """
    colours_HW3 = pixels(modality, sample.data)
    if colours_HW3 is None:
        return b""
    height, full = colours_HW3.shape[:2]
    image = Image.fromarray(colours_HW3)
    if width < full:
        image = image.resize((width, max(1, round(height * width / full))), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def pixels(modality: str, data_HW: Array) -> Array | None:
    """Return (H, W, 3) uint8 RGB, or None for a modality that is not seen."""
    match modality:
        case "vision":
            return np.ascontiguousarray(
                data_HW if data_HW.ndim == 3 else np.repeat(data_HW[..., np.newaxis], 3, axis=2)
            )
        case "thermal":
            return _coloured(data_HW.astype(np.float32), INFERNO)
        case "depth":
            far_HW = data_HW.astype(np.float32)
            return _coloured(np.where(far_HW > 0, far_HW, np.nan), VIRIDIS[::-1])
    return None


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


def _coloured(value_HW: Array, anchors: tuple[tuple[int, int, int], ...]) -> Array:
    """Return (H, W, 3) uint8: ``value_HW`` over its range from the 1st to the 99th percentile; NaN is black."""
    is_known_HW = np.isfinite(value_HW)
    if not is_known_HW.any():
        return np.zeros((*value_HW.shape, 3), np.uint8)
    low, high = np.percentile(value_HW[is_known_HW], (1, 99))
    place_HW = np.clip((np.nan_to_num(value_HW, nan=low) - low) / max(high - low, 1e-6), 0, 1)
    steps = np.linspace(0, 1, len(anchors))
    colours = [np.interp(place_HW, steps, channel) for channel in np.array(anchors).T]
    drawn: Array = np.where(is_known_HW[..., np.newaxis], np.stack(colours, axis=-1), 0).astype(np.uint8)
    return drawn
