"""The messages of one topic become samples of one channel."""

from collections.abc import Callable
from itertools import count
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.decode import READABLE, VIDEOS, AudioFormat, decode, frame_of, stamp_of
from pipeline.logs.definitions import parser
from pipeline.logs.film import Film
from pipeline.logs.numbers import numbers
from pipeline.logs.raw import MessageError, RawMessage
from pipeline.logs.timeline import Timeline
from pipeline.logs.topic import Topic
from pipeline.messages import MODALITIES, Array, Compressed, Received, Sample

logger = getLogger(__name__)


class TopicReader:
    """Reads one topic. Raise LogError if ``topic`` cannot be what ``channel`` asks for."""

    def __init__(self, path: Path, topic: Topic, channel: Channel) -> None:
        self._is_own = channel.modality not in MODALITIES
        if not self._is_own and channel.modality not in READABLE.get(topic.type, ()):
            raise LogError(f"{path}: topic {topic.name} holds {topic.type}, which cannot be read as {channel.modality}")
        self._path = path
        self._topic = topic
        self._channel = channel
        self._audio = _audio_format(path, topic, channel) if channel.modality == "audio" else topic.audio
        sample_rate_hz = channel.calibration.sample_rate_hz
        self._timeline = Timeline(sample_rate_hz) if channel.modality == "audio" and sample_rate_hz else None
        self._parse: Callable[[bytes], Any] | None = None
        self._film = Film()
        self._seq = count()

    def read(self, message: RawMessage) -> Received:
        """Return the sample in ``message``. Raise MessageError if there is none."""
        if message.connection.type != self._topic.type:
            raise MessageError("type", f"the topic holds {self._topic.type}, this message is {message.connection.type}")
        fields = self._parsed(message)
        stamp = stamp_of(fields)
        data, compressed = self._data(fields)
        if not stamp:
            stamp = self._timeline.stamp(len(data), message.log_time) if self._timeline else message.log_time
        name, seq = self._topic.name, next(self._seq)
        sample = Sample(topic=name, stamp=stamp, frame_id=frame_of(fields), seq=seq, data=data)
        return Received(sample=sample, received=message.log_time, compressed=compressed)

    def _data(self, fields: Any) -> tuple[Array, Compressed | None]:
        if self._is_own:
            return numbers(self._topic.type, fields, self._channel.calibration.shape), None
        if self._topic.type in VIDEOS:
            return self._film.picture(fields, self._channel.modality), None
        return decode(self._topic.type, fields, self._channel.modality, self._audio)

    def _parsed(self, message: RawMessage) -> Any:
        if self._parse is None:
            try:
                self._parse = parser(message.connection)
            except ValueError as error:
                raise LogError(f"{self._path}: topic {self._topic.name}: {error}") from error
        return self._parse(message.data)


def _audio_format(path: Path, topic: Topic, channel: Channel) -> AudioFormat:
    """Complete what the log tells of an audio topic by what the channel does.

    The number of channels follows from how many values come in a second.
    """
    told, sample_rate_hz = topic.audio, channel.calibration.sample_rate_hz
    if told.sample_rate_hz and told.sample_rate_hz != sample_rate_hz:
        logger.warning(
            "%s: topic %s has %g samples a second, the channel says %g",
            path, topic.name, told.sample_rate_hz, sample_rate_hz,
        )  # fmt: skip
    if told.num_channels or not topic.count or not sample_rate_hz:
        return told
    values_hz = topic.num_bytes / topic.count / np.dtype(told.dtype).itemsize * (topic.rate_hz or channel.rate_hz)
    num_channels = max(1, round(values_hz / sample_rate_hz))
    if abs(values_hz / sample_rate_hz / num_channels - 1) > 0.05:
        logger.warning(
            "%s: topic %s brings %.0f values a second, which is no multiple of the channel's %g samples a second",
            path, topic.name, values_hz, sample_rate_hz,
        )  # fmt: skip
    return replace(told, num_channels=num_channels)
