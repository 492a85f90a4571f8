"""A log of messages, in ROS's or Foxglove's types, as a source of samples."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.container import open_container
from pipeline.logs.raw import MessageError
from pipeline.logs.reader import TopicReader
from pipeline.logs.source import Rejected
from pipeline.logs.survey import survey
from pipeline.logs.topic import Topic
from pipeline.messages import FOREVER, Received


class MessageLog:
    """A ROS 1 ``.bag``, an ``.mcap``, a ``.db3``, or a ROS 2 bag's folder. Raise LogError if ``path`` is none.

    Stamps are those of the messages' headers, or the log's time where there is none; sound without a header follows
    without a hole on its first message. ``seq`` counts the samples of each topic that are read, from 0.
    """

    is_dated = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_container(path)

    @property
    def topics(self) -> Mapping[str, Topic]:
        return self._survey[0]

    @property
    def damage(self) -> LogError | None:
        return self._survey[1]

    def read(
        self, channels: Mapping[str, Channel], start: int = 0, end: int = FOREVER
    ) -> Iterator[Received | Rejected]:
        readers = {name: TopicReader(self._path, self.topics[name], channel) for name, channel in channels.items()}
        return self._read(readers, start, end)

    def close(self) -> None:
        self._container.close()

    def _read(self, readers: Mapping[str, TopicReader], start: int, end: int) -> Iterator[Received | Rejected]:
        for message in self._container.messages(readers, start, end):
            topic = message.connection.topic
            try:
                yield readers[topic].read(message)
            except MessageError as error:
                yield Rejected(topic, message.log_time, error)

    @cached_property
    def _survey(self) -> tuple[dict[str, Topic], LogError | None]:
        return survey(self._container)
