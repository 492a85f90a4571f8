"""What a log is made of: a source of samples, whatever its format."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.raw import MessageError
from pipeline.logs.topic import Topic
from pipeline.messages import FOREVER, NS, Received

UNDATED = 946_684_800 * NS
"""2000-01-01T00:00Z: where sources begin that do not know their date, unless another beside them does."""


class Rejected(NamedTuple):
    """What should have been a sample of ``topic`` at ``log_time``, and why it is none."""

    topic: str
    log_time: int
    error: MessageError


class Source(Protocol):
    """One file, or several that belong together, as topics and samples."""

    @property
    def topics(self) -> Mapping[str, Topic]:
        """Every topic by its name, in order of the names; the first time, this may read all through."""

    @property
    def damage(self) -> LogError | None:
        """The error at which it ends early, or None where it is whole."""

    @property
    def is_dated(self) -> bool:
        """Whether its times are those of a calendar; else it begins at UNDATED."""

    def read(
        self, channels: Mapping[str, Channel], start: int = 0, end: int = FOREVER
    ) -> Iterator[Received | Rejected]:
        """Yield the samples of ``channels``, by topic and all of them in it, logged in ``[start, end)``, in log order.

        Raise LogError where a channel asks for what its topic cannot be; where the source is cut, after what is whole.
        """

    def close(self) -> None: ...


def check_modality(path: Path, topic: Topic, channel: Channel, *others: str) -> None:
    """Raise LogError unless ``topic`` is what ``channel`` asks for, or it asks for one of ``others``."""
    if channel.modality not in (topic.modality, *others):
        raise LogError(f"{path}: topic {topic.name} holds {topic.type}, which cannot be read as {channel.modality}")


def time_of(one: Received | Rejected) -> int:
    """Return the log time, by which sources are merged."""
    return one.received if isinstance(one, Received) else one.log_time
