"""Films and sounds in files, made by FFmpeg, for the tests that read them."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.messages import Array

CODECS = {".mp4": "libx264", ".mov": "mpeg4", ".mkv": "libx264", ".avi": "mpeg4", ".webm": "libvpx"}
SOUND_CODECS = {".wav": "pcm_s16le", ".flac": "flac", ".ogg": "libopus", ".mp3": "libmp3lame", ".mp4": "aac"}


def frame(number: int) -> Array:
    """Return a frame (48, 64, 3) that is brighter than the one before, its left half black."""
    picture = np.full((48, 64, 3), round(2.5 * number), np.uint8)
    picture[:, :32] = 0
    return picture


def number_of(picture: Array) -> int:
    """Return which of these frames it is."""
    return round(float(picture[8:40, 40:60].mean()) / 2.5)


def film(path: Path, frames: int = 100, fps: int = 10, turned: int = 0) -> Path:
    """Write a film with one key frame in forty."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(CODECS[path.suffix], rate=fps)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.bit_rate, stream.gop_size, stream.thread_count = 2_000_000, 40, 1
        if turned:
            stream.set_display_rotation(turned)
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(frame(number), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def sound(path: Path, samples_CT: Array, rate: int) -> Path:
    """Write int16 samples of one channel or two."""
    with av.open(str(path), "w") as container:
        layout = ("mono", "stereo")[len(samples_CT) - 1]
        stream: Any = container.add_stream(SOUND_CODECS[path.suffix], rate=rate, layout=layout)
        block = av.AudioFrame.from_ndarray(samples_CT.T.reshape(1, -1).copy(), format="s16", layout=layout)
        block.rate, block.pts = rate, 0
        codec = stream.codec_context
        converter = av.AudioResampler(codec.format, layout, rate, codec.frame_size or None)
        for piece in (*converter.resample(block), *converter.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return path
