"""A recorded log as topics, channels and samples."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, cast

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.columns import Columns
from pipeline.logs.opening import open_source
from pipeline.logs.source import Rejected
from pipeline.logs.together import Together
from pipeline.logs.topic import Topic
from pipeline.messages import FOREVER, NS, Calibration, Received


class Log:
    """One recording, in any format that ``opening.open_source`` knows; ``more`` of them are read as one rig.

    ``columns`` says what the columns of tables are, ``align`` that all begin together whatever their dates are.
    ``rejected`` counts, by topic and cause, the messages of the last
    ``samples()`` that are no samples; ``first_rejected`` tells the first of each in a sentence. Raise LogError if
    ``path`` is no log.

        with Log("patrol.mcap") as log:
            for received in log.samples(log.channels()):
                ...
    """

    def __init__(
        self, path: Path | str, *more: Path | str, columns: Iterable[Columns] = (), align: bool = False
    ) -> None:
        self.path = Path(path)
        self.name = ", ".join(Path(one).name for one in (path, *more))
        self._where = self.name if more else str(path)
        self.rejected: Counter[tuple[str, str]] = Counter()
        self.first_rejected: dict[tuple[str, str], str] = {}
        sources = {Path(one): open_source(Path(one), list(columns)) for one in (path, *more)}
        self._source = Together(sources, align) if len(sources) > 1 else sources[self.path]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._source.close()

    @property
    def is_dated(self) -> bool:
        """Whether its times are those of a calendar; a film or a table that has none begins in 2000."""
        return self._source.is_dated

    @property
    def topics(self) -> Mapping[str, Topic]:
        """Every topic by its name; the first time, this reads the log through."""
        return self._source.topics

    @property
    def damage(self) -> LogError | None:
        """The error at which the log ends early, or None where it is whole."""
        return self._source.damage

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

    def samples(self, channels: Iterable[Channel], start: int = 0, end: int = FOREVER) -> Iterator[Received]:
        """Yield the samples of ``channels`` logged in ``[start, end)``, in log order.

        A channel that the log does not hold stays silent. Raise LogError where a channel asks for what its topic cannot
        be, where none of them is in the log, or where the log is cut: then after all that is whole.
        """
        wanted = {channel.topic: channel for channel in channels if channel.topic in self.topics}
        if not wanted:
            raise self.damage or LogError(
                f"{self.path}: none of the channels is in the log; it holds {_names(self.topics)}"
            )
        self.rejected.clear()
        self.first_rejected.clear()
        return self._read(self._source.read(wanted, start, end))

    def _read(self, found: Iterable[Received | Rejected]) -> Iterator[Received]:
        for one in found:
            if isinstance(one, Received):
                yield one
            else:
                self._count(one)

    def _count(self, one: Rejected) -> None:
        key = one.topic, one.error.cause
        self.rejected[key] += 1
        if self.rejected[key] == 1:
            self.first_rejected[key] = f"{self._where}: {one.topic} at {one.log_time} ns: {one.error}"


def _names(topics: Mapping[str, Topic]) -> str:
    readable = [f"{name} ({topic.modality})" for name, topic in topics.items() if topic.modality]
    return ", ".join(readable) or "no topic that can be read"
