"""Reads a log through once to say what is in it: topics, counts, rates, gaps, and what each can be read as."""

from array import array
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from pipeline.errors import LogError
from pipeline.logs.decode import READABLE
from pipeline.logs.definitions import parser
from pipeline.logs.infer import AUDIO_INFO, NO_SAMPLE_RATE, NOT_READ, audio_format, info_beside, modality_of
from pipeline.logs.raw import Connection, Container, MessageError, RawMessage
from pipeline.logs.topic import Topic, timing

NUM_FIRST = 5
"""How many messages of a topic may be broken before it is given up."""


class Tally:
    """What is kept of a topic while its messages pass."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.times = array("q")
        self.num_bytes = 0
        self._first: list[bytes] = []

    def add(self, message: RawMessage) -> None:
        if len(self._first) < NUM_FIRST and self.connection.type in (*READABLE, AUDIO_INFO):
            self._first.append(bytes(message.data))
        self.times.append(message.log_time)
        self.num_bytes += len(message.data)

    def message(self) -> Any:
        """Return the first message that parses. Raise ValueError if there is none, saying why."""
        parse, why = parser(self.connection), "holds no message"
        for data in self._first:
            try:
                return parse(data)
            except MessageError as error:
                why = str(error)
        raise ValueError(why)


def survey(container: Container) -> tuple[dict[str, Topic], LogError | None]:
    """Return topics by name, and the error at which the log ends early, if it does."""
    tallies: dict[str, Tally] = {}
    damage = None
    try:
        for message in container.messages():
            topic = message.connection.topic
            if topic not in tallies:
                tallies[topic] = Tally(message.connection)
            tallies[topic].add(message)
    except LogError as error:
        damage = error
    for connection in container.connections():
        tallies.setdefault(connection.topic, Tally(connection))
    infos = _infos(tallies.values())
    return {name: _topic(tallies[name], infos) for name in sorted(tallies)}, damage


def _infos(tallies: Iterable[Tally]) -> dict[str, Any]:
    """Return the AudioInfo messages of a log by topic."""
    infos: dict[str, Any] = {}
    for tally in tallies:
        if tally.connection.type == AUDIO_INFO:
            with suppress(ValueError):
                infos[tally.connection.topic] = tally.message()
    return infos


def _topic(tally: Tally, infos: Mapping[str, Any]) -> Topic:
    when = timing(tally.times)
    topic = Topic(
        name=tally.connection.topic,
        type=tally.connection.type,
        count=len(tally.times),
        first=when.first,
        last=when.last,
        rate_hz=when.rate_hz,
        gaps=when.gaps,
        num_bytes=tally.num_bytes,
    )
    try:
        if topic.type not in READABLE:
            raise ValueError("tells the format of the audio beside it" if topic.type == AUDIO_INFO else NOT_READ)
        message = tally.message()
        topic = replace(topic, modality=modality_of(topic.name, topic.type, message))
        if topic.modality == "audio":
            topic = replace(topic, audio=audio_format(topic.type, message, info_beside(topic.name, infos)))
            if not topic.audio.sample_rate_hz:
                raise ValueError(NO_SAMPLE_RATE)
    except (ValueError, AttributeError, TypeError) as error:  # a known name, with another definition
        return replace(topic, modality="", skipped=str(error))
    return topic
