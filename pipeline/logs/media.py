"""Films and sound files as samples: mp4, mkv, mov, avi, wav, flac, ogg, mp3, by FFmpeg."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
import numpy as np

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.decode import AudioFormat
from pipeline.logs.infer import is_thermal
from pipeline.logs.raw import MessageError, telling
from pipeline.logs.source import UNDATED, Rejected, check_modality, time_of
from pipeline.logs.topic import Topic, timing
from pipeline.messages import FOREVER, NS, Array, Received, Sample

DATE = re.compile(r"(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[-_. T]?([0-2]\d)[-_.:]?([0-5]\d)[-_.:]?([0-5]\d)")
"""In a file's name, as cameras and phones write it: VID_20240131_120000.mp4."""

PREROLL = NS
"""So long before the place that is sought decoding begins: some sound is told by what came before it."""

CUT = NS
"""A file whose packets end so long before it says is cut."""


class Media:
    """One file, whose streams are topics: ``/<name>`` where there is one, else ``/<name>/video``, ``/<name>/audio``.

    It begins when its metadata say that it was created, or at the date in its name, taken for UTC; or it has no date.
    A picture is a sample, and so is as much sound as its codec packs together. The name tells whether pictures are
    thermal. Counts of ``topics`` are of packets, so that nothing need be decoded; so is ``seq``.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        with telling(path), _opened(path) as container:
            created = _created(container.metadata.get("creation_time", "")) or _created_by_name(path.stem)
            streams = [
                stream for stream in container.streams if stream.type in ("video", "audio") and not _is_cover(stream)
            ]
            self._names = _named(name, [(stream.index, stream.type) for stream in streams])
            origin = (container.start_time or 0) * 1000  # FFmpeg counts a container's time in microseconds
        if not streams:
            raise LogError(f"{path}: the file holds neither pictures nor sound")
        self.is_dated = created > 0
        self._zero = (created or UNDATED) - origin  # the time of what a file calls 0

    @property
    def topics(self) -> Mapping[str, Topic]:
        return self._survey[0]

    @property
    def damage(self) -> LogError | None:
        return self._survey[1]

    def read(
        self, channels: Mapping[str, Channel], start: int = 0, end: int = FOREVER
    ) -> Iterator[Received | Rejected]:
        for name, channel in channels.items():
            is_picture = self.topics[name].modality != "audio"
            check_modality(self._path, self.topics[name], channel, *(("vision", "thermal") if is_picture else ()))
        indices = {name: index for index, name in self._names.items()}
        streams = [self._read(indices[name], channel, start, end) for name, channel in channels.items()]
        return self._until_cut(merge(*streams, key=time_of), end)

    def close(self) -> None:
        """Nothing stays open between passes."""

    def _until_cut(self, found: Iterator[Received | Rejected], end: int) -> Iterator[Received | Rejected]:
        yield from found
        if self.damage and max(times[-1] for times in self._times.values() if times) < end:
            raise self.damage

    def _read(self, index: int, channel: Channel, start: int, end: int) -> Iterator[Received | Rejected]:
        """Yield one stream; each has the file for itself, since a file may hold them far apart."""
        times, last = self._times[index], 0
        with telling(self._path), _opened(self._path) as container:
            stream = container.streams[index]
            if times and start > times[0]:
                container.seek(max(0, start - PREROLL - self._zero) // 1000)  # to a key frame before that microsecond
            for packet in container.demux(stream):
                try:
                    for frame in packet.decode():
                        last = self._zero + _nanoseconds(_pts(frame), frame.time_base)
                        if last >= end:
                            return
                        if last >= start:
                            yield _received(channel, frame, last, bisect_left(times, last))
                except av.error.InvalidDataError as error:
                    if start <= last < end:
                        yield Rejected(channel.topic, last, MessageError("decode", str(error.strerror)))

    @property
    def _times(self) -> Mapping[int, list[int]]:
        """Of the packets of each stream, in order."""
        return self._survey[2]

    @cached_property
    def _survey(self) -> tuple[dict[str, Topic], LogError | None, Mapping[int, list[int]]]:
        times: dict[int, list[int]] = {index: [] for index in self._names}
        sizes = dict.fromkeys(self._names, 0)
        damage, last = None, 0
        try:
            with telling(self._path), _opened(self._path) as container:
                streams = [container.streams[index] for index in self._names]
                told = {stream.index: _told(stream, is_thermal(self._names[stream.index])) for stream in streams}
                for packet in container.demux(streams):
                    if packet.pts is not None and packet.pts >= (packet.stream.start_time or 0):
                        begins = self._zero + _nanoseconds(packet.pts, packet.time_base)
                        times[packet.stream.index].append(begins)
                        sizes[packet.stream.index] += packet.size
                        last = max(last, begins + _nanoseconds(packet.duration or 0, packet.time_base))
                self._check_length(container, last)
        except LogError as error:
            damage = error
        topics = {
            name: _topic(name, times[index], sizes[index], *told[index])
            for index, name in sorted(self._names.items(), key=itemgetter(1))
        }
        return topics, damage, {index: sorted(found) for index, found in times.items()}

    def _check_length(self, container: Any, last: int) -> None:
        """Raise LogError where the packets end, at ``last``, long before what the file's head says."""
        says = self._zero + ((container.start_time or 0) + (container.duration or 0)) * 1000
        if last and says - last > CUT:
            told, there = (says - self._zero) / NS, (last - self._zero) / NS
            raise LogError(f"{self._path}: the log is cut: it should last {told:.3f} s and ends after {there:.3f} s")


def _topic(name: str, times: list[int], num_bytes: int, type_: str, modality: str, audio: AudioFormat) -> Topic:
    return Topic(
        name=name,
        type=type_,
        count=len(times),
        num_bytes=num_bytes,
        modality=modality,
        audio=audio,
        **timing(times)._asdict(),
    )


def _told(stream: Any, named_thermal: bool) -> tuple[str, str, AudioFormat]:
    """Return type, modality and audio format of a stream."""
    codec = stream.codec_context
    if stream.type == "audio":
        audio = AudioFormat(sample_rate_hz=float(codec.sample_rate), num_channels=codec.layout.nb_channels)
        return f"audio/{codec.name}", "audio", audio
    return f"video/{codec.name}", "thermal" if named_thermal else "vision", AudioFormat()


def _received(channel: Channel, frame: Any, stamp: int, seq: int) -> Received:
    data = _sound(frame) if isinstance(frame, av.AudioFrame) else _picture(frame, channel.modality)
    return Received(sample=Sample(topic=channel.topic, stamp=stamp, frame_id="", seq=seq, data=data), received=stamp)


def _picture(frame: Any, modality: str) -> Array:
    """Return (H, W, 3) uint8 RGB, upright; (H, W) of thermal, uint16 where the film has so many bits of grey."""
    grey = "gray16le" if frame.format.name.startswith("gray1") else "gray"
    picture: Array = frame.to_ndarray(format=grey if modality == "thermal" else "rgb24")
    return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90)))


def _sound(frame: Any) -> Array:
    """Return (n,) or (n, C): int16 where the file holds that, else float in [-1, 1]."""
    num_channels = frame.layout.nb_channels
    packed: Array = frame.to_ndarray()
    values_nC = packed.T if frame.format.is_planar else packed.reshape(-1, num_channels)
    if values_nC.dtype == np.int32:
        values_nC = values_nC.astype(np.float32) / 2**31
    elif values_nC.dtype == np.uint8:
        values_nC = (values_nC.astype(np.float32) - 128) / 128
    return np.ascontiguousarray(values_nC[:, 0] if num_channels == 1 else values_nC)


def _nanoseconds(pts: int, time_base: Any) -> int:
    """Exact: a time base is a fraction."""
    return int(pts * time_base.numerator * NS // time_base.denominator)


def _pts(frame: Any) -> int:
    return int((frame.dts or 0) if frame.pts is None else frame.pts)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _named(name: str, streams: list[tuple[int, str]]) -> dict[int, str]:
    """Return topics by the numbers of streams, given with their kinds.

    >>> _named("walk", [(0, "video"), (2, "audio"), (3, "audio")])
    {0: '/walk/video', 2: '/walk/audio', 3: '/walk/audio2'}
    """
    name = "/" + re.sub(r"[^A-Za-z0-9_/.-]+", "_", name).strip("/")
    if len(streams) == 1:
        return {streams[0][0]: name}
    topics: dict[int, str] = {}
    for index, kind in streams:
        number = sum(topic.startswith(f"{name}/{kind}") for topic in topics.values()) + 1
        topics[index] = f"{name}/{kind}{number if number > 1 else ''}"
    return topics


def _created(text: str) -> int:
    """Return nanoseconds since the epoch; 0 for what is no date, or a camera's that was never set."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return 0
    stamp = round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000
    return stamp if stamp > UNDATED else 0


def _created_by_name(stem: str) -> int:
    """Return the date in a file's name.

    >>> _created_by_name("VID_20240131_120000"), _created_by_name("DRONE_015")
    (1706702400000000000, 0)
    """
    found = DATE.search(stem)
    return _created("{}-{}-{}T{}:{}:{}".format(*found.groups())) if found else 0


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with av.open(str(path), metadata_errors="replace") as container:
        yield container
