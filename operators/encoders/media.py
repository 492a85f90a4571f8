"""Sound and moving pictures from files, decoded by FFmpeg through PyAV."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.messages import Array

INTERLEAVED = "flt"
"""Floats; not each channel for itself, of which PyAV reads wildly if there are eight or more."""

Frame = tuple[Fraction, Array]
"""Seconds since the film's first frame, and (H, W, 3) uint8 RGB."""


def sound_of(path: Path) -> tuple[Array, int]:
    """Return (n,) float32 in [-1, 1] and the samples a second: the first channel of the first sound track.

    A file that was cut short is heard as far as it goes. Raise ValueError for one without sound, or a damaged one.
    """
    blocks = []
    with _opened(path, "audio") as (container, stream):
        rate: int = stream.rate
        converters: dict[Any, Any] = defaultdict(partial(av.AudioResampler, format=INTERLEAVED, rate=rate))
        for frame in container.decode(stream):
            converter = converters[frame.format.name, frame.layout.name, frame.sample_rate]  # streams may change
            blocks += [block.to_ndarray()[0, :: block.layout.nb_channels] for block in converter.resample(frame)]
    if not any(map(len, blocks)):
        raise ValueError(f"{path}: its sound is empty")
    return np.concatenate(blocks), rate


def length_of(path: Path) -> Fraction:
    """Return how many seconds of film there are. Raise ValueError if there is none."""
    with _opened(path, "video") as (container, stream):
        if stream.duration:
            return Fraction(stream.duration * stream.time_base)
        ends = [packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
        if not ends:
            raise ValueError(f"{path}: there is no frame in it")
        return Fraction((max(ends) - (stream.start_time or 0)) * stream.time_base)


def ends_of(path: Path, start: Fraction, end: Fraction) -> tuple[Frame, Frame]:
    """Return the first and the last frame of the ``[start, end)`` seconds of a film, upright; perhaps the same.

    No more of the film is decoded than from the key frame before. Raise ValueError if no frame is there.
    """
    ends = _ends(path, start, end, start > 0) or _ends(path, start, end, False)
    if ends is None:
        raise ValueError(
            f"{path}: no frame from {float(start):g} to {float(end):g} s: the film is damaged, or shorter than it says"
        )
    return ends


def frames_of(path: Path, every: Fraction) -> Iterator[Frame]:
    """Yield the first frame in each ``every`` seconds of a film, upright. Raise ValueError for a damaged film."""
    with _opened(path, "video") as (container, stream):
        origin, due = stream.start_time or 0, Fraction(0)
        for frame in container.decode(stream):
            time = _time(frame, origin, stream.time_base)
            if time >= due:
                due = (time // every + 1) * every
                yield time, _upright(frame)


def _ends(path: Path, start: Fraction, end: Fraction, seek: bool) -> tuple[Frame, Frame] | None:
    """Return the two frames, or None if there are none, or none that seeking led to."""
    first = last = None
    with _opened(path, "video") as (container, stream):
        origin = stream.start_time or 0
        if seek:
            try:
                container.seek(origin + int(start / stream.time_base), stream=stream)
            except av.FFmpegError:
                return None
        for frame in container.decode(stream):
            time = _time(frame, origin, stream.time_base)
            if time >= end:
                break
            if time >= start:
                first, last = first or frame, frame
        if first is None:
            return None
        return (
            (_time(first, origin, stream.time_base), _upright(first)),
            (_time(last, origin, stream.time_base), _upright(last)),
        )


def _time(frame: Any, origin: int, time_base: Fraction) -> Fraction:
    return ((frame.dts or 0) if frame.pts is None else frame.pts - origin) * time_base


def _upright(frame: Any) -> Array:
    """Return (H, W, 3) uint8; telephones film on their side and say so."""
    picture: Array = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[tuple[Any, Any]]:
    """Open the first track of ``kind``; whatever FFmpeg finds wrong is a ValueError that names the file."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            streams = getattr(container.streams, kind)
            if not streams or streams[0].codec_context is None:
                raise ValueError(f"{path}: there is no {kind} in it, or none that can be decoded")
            yield container, streams[0]
    except av.FFmpegError as error:
        raise ValueError(f"{path}: no {kind} that can be decoded, or it is damaged: {error.strerror}") from error
