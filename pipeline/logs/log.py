"""A recorded log as topics, channels and samples."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.container import open_container
from pipeline.logs.raw import MessageError, RawMessage
from pipeline.logs.reader import TopicReader
from pipeline.logs.survey import survey
from pipeline.logs.topic import Topic
from pipeline.messages import NS, Calibration, Received


class Log:
    """One recording: a ROS 1 ``.bag``, an ``.mcap``, a ``.db3``, or a ROS 2 bag's folder.

    ``rejected`` counts, by topic and cause, the messages of the last ``samples()`` that are no samples;
    ``first_rejected`` tells the first of each in a sentence. Raise LogError if ``path`` is no log.

        with Log("patrol.mcap") as log:
            for received in log.samples(log.channels()):
                ...
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.rejected: Counter[tuple[str, str]] = Counter()
        self.first_rejected: dict[tuple[str, str], str] = {}
        self._container = open_container(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()

    @property
    def topics(self) -> Mapping[str, Topic]:
        """Every topic by its name; the first time, this reads the log through."""
        return self._survey[0]

    @property
    def damage(self) -> LogError | None:
        """The error at which the log ends early, or None where it is whole."""
        return self._survey[1]

    @property
    def start(self) -> int:
        """Log time of the first message, in nanoseconds; 0 in a log without messages."""
        return min((topic.first for topic in self.topics.values() if topic.count), default=0)

    @property
    def end(self) -> int:
        """One nanosecond after the last message, so that all are in ``[start, end)``; 0 in a log without messages."""
        return max((topic.last + 1 for topic in self.topics.values() if topic.count), default=0)

    @property
    def duration(self) -> int:
        """Nanoseconds from ``start`` to ``end``."""
        return self.end - self.start

    def channels(self) -> list[Channel]:
        """Return a channel for each topic that is not skipped, with the rate at which its messages come.

        Raise LogError where the log is damaged so early that there is none.
        """
        channels = [
            Channel(
                topic=topic.name,
                modality=cast(Any, topic.modality),
                rate_hz=round(topic.rate_hz or topic.count * NS / max(self.duration, NS), 3),
                calibration=Calibration(sample_rate_hz=topic.audio.sample_rate_hz),
            )
            for topic in self.topics.values()
            if topic.modality
        ]
        if self.damage and not channels:
            raise self.damage
        return channels

    def samples(self, channels: Iterable[Channel]) -> Iterator[Received]:
        """Yield the samples of ``channels`` in log order; a channel that the log does not hold stays silent.

        Stamps are those of the messages' headers, or the log's time where there is none; sound without a header
        follows without a hole on its first message. ``seq`` counts each topic's samples from 0.

        Raise LogError where a channel asks for what its topic cannot be, where none of them is in the log, or where
        the log is cut: then after all that is whole.
        """
        readers = {
            channel.topic: TopicReader(self.path, self.topics[channel.topic], channel)
            for channel in channels
            if channel.topic in self.topics
        }
        if not readers:
            raise self.damage or LogError(
                f"{self.path}: none of the channels is in the log; it holds {_names(self.topics)}"
            )
        self.rejected.clear()
        self.first_rejected.clear()
        return self._read(readers)

    def _read(self, readers: Mapping[str, TopicReader]) -> Iterator[Received]:
        for message in self._container.messages(readers):
            try:
                sample = readers[message.connection.topic].read(message)
            except MessageError as error:
                self._count(message, error)
            else:
                yield Received(sample=sample, received=message.log_time)

    def _count(self, message: RawMessage, error: MessageError) -> None:
        key = message.connection.topic, error.cause
        self.rejected[key] += 1
        if self.rejected[key] == 1:
            self.first_rejected[key] = f"{self.path}: {key[0]} at {message.log_time} ns: {error}"

    @cached_property
    def _survey(self) -> tuple[dict[str, Topic], LogError | None]:
        return survey(self._container)


def _names(topics: Mapping[str, Topic]) -> str:
    readable = [f"{name} ({topic.modality})" for name, topic in topics.items() if topic.modality]
    return ", ".join(readable) or "no topic that can be read"
