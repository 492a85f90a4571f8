"""Several sources as one: a rig's camera film, its microphone's sound, its flight log."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from heapq import merge
from operator import itemgetter
from pathlib import Path

from msgspec.structs import replace

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.source import Rejected, Source, time_of
from pipeline.logs.topic import Topic
from pipeline.messages import FOREVER, Received


class Together:
    """Sources by their files. One that knows no date begins with the first that does, or all such begin together.

    Where they are aligned all begin with the first, whatever their dates.
    Topics of one name in two sources have their file's name before them, and its number if that is the same too. Damage
    of one does not stop the others.
    """

    def __init__(self, sources: Mapping[Path, Source], is_aligned: bool = False) -> None:
        self._sources = sources
        self._is_aligned = is_aligned

    @property
    def is_dated(self) -> bool:
        return any(source.is_dated for source in self._sources.values())

    @property
    def topics(self) -> Mapping[str, Topic]:
        return {name: topic for name, (_, topic) in self._places.items()}

    @property
    def damage(self) -> LogError | None:
        return next((source.damage for source in self._sources.values() if source.damage), None)

    def read(
        self, channels: Mapping[str, Channel], start: int = 0, end: int = FOREVER
    ) -> Iterator[Received | Rejected]:
        return self._merged([self._part(path, channels, start, end) for path in self._sources])

    def close(self) -> None:
        for source in self._sources.values():
            source.close()

    def _merged(self, parts: Sequence[Iterator[Received | Rejected]]) -> Iterator[Received | Rejected]:
        damages: list[LogError] = []
        yield from merge(*(_whole(part, damages) for part in parts), key=time_of)
        if damages:
            raise damages[0]

    def _part(self, path: Path, channels: Mapping[str, Channel], start: int, end: int) -> Iterator[Received | Rejected]:
        names = {topic.name: name for name, (home, topic) in self._own.items() if home == path and name in channels}
        if names:
            shift = self._shifts[path]
            wanted = {own: replace(channels[name], topic=own) for own, name in names.items()}
            found = self._sources[path].read(wanted, max(0, start - shift), end - shift)
            return (_moved(one, names, shift) for one in found)
        return iter(())

    @cached_property
    def _own(self) -> dict[str, tuple[Path, Topic]]:
        """By the name here: whose topic it is, and as it is there."""
        own: dict[str, tuple[Path, Topic]] = {}
        names = [topic.name for source in self._sources.values() for topic in source.topics.values()]
        for number, (path, source) in enumerate(self._sources.items(), start=1):
            for topic in source.topics.values():
                name = topic.name if names.count(topic.name) == 1 else f"/{_word(path)}{topic.name}"
                own[name if name not in own else f"/{number}{name}"] = path, topic
        return dict(sorted(own.items(), key=itemgetter(0)))

    @cached_property
    def _shifts(self) -> dict[Path, int]:
        """What is added to the times of each source."""
        starts = {path: _start(source) for path, source in self._sources.items()}
        common = min([starts[path] for path, source in self._sources.items() if source.is_dated] or starts.values())
        return {
            path: 0 if source.is_dated and not self._is_aligned else common - starts[path]
            for path, source in self._sources.items()
        }

    @cached_property
    def _places(self) -> dict[str, tuple[Path, Topic]]:
        return {name: (path, _shifted(topic, name, self._shifts[path])) for name, (path, topic) in self._own.items()}


def _whole(part: Iterator[Received | Rejected], damages: list[LogError]) -> Iterator[Received | Rejected]:
    """Yield what there is of ``part``; where that ends early is noted."""
    try:
        yield from part
    except LogError as error:
        damages.append(error)


def _word(path: Path) -> str:
    """Return a file's name as a part of a topic's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem)


def _start(source: Source) -> int:
    return min((topic.first for topic in source.topics.values() if topic.count), default=0)


def _shifted(topic: Topic, name: str, shift: int) -> Topic:
    gaps = tuple(gap._replace(start=gap.start + shift) for gap in topic.gaps)
    when = {"first": topic.first + shift, "last": topic.last + shift} if topic.count else {}
    return replace(topic, name=name, gaps=gaps, **when)


def _moved(one: Received | Rejected, names: Mapping[str, str], shift: int) -> Received | Rejected:
    if isinstance(one, Rejected):
        return one._replace(topic=names[one.topic], log_time=one.log_time + shift)
    sample = replace(one.sample, topic=names[one.sample.topic], stamp=one.sample.stamp + shift)
    return replace(one, sample=sample, received=one.received + shift)
