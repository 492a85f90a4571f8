"""From how rare a window is to events: one for each fault of a sensor, and one for all else that is odd."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from math import log10

from msgspec.structs import replace

from operators.episodes import Episodes
from pipeline.messages import Event, Severity, Window

TOLD = 1.0
"""Evidence that is told: a normal window in ten has as much of one name."""

CRITICAL = 3.0
"""Powers of ten by which an event is rarer than what is promised, to be critical."""

MAX_FAULTS = 64
"""Faults that are under way at a time; the one unused for longest goes first."""

UNNAMED = ("unusual", "unlike", "disagrees")
"""What is no fault of a sensor by itself: something may be going on."""

Nearest = Callable[[str], int]
"""The end of the normal window that is most like this one in what a name tells."""


class Alarms:
    """Opens an event where p-values are rarer than is allowed, twice in a row; it begins with the first of the two.

    It lasts while they stay below ``release`` times that, and closes after ``quiet`` windows above. Each fault of a
    sensor (``/camera frozen``) has events of its own, by Bonferroni's inequality; everything else together is one, by
    the harmonic mean, until the topic that told most of it is calm and another is strange for two windows: that is
    another event. Score and evidence are -log10 of p-values.
    """

    def __init__(self, source: str, release: float, quiet: int) -> None:
        self.source = source
        self.release = release
        self.quiet = quiet
        self._faults: dict[str, _Alarm] = {}  # that are under way
        self._odd = self._alarm("anomaly")
        self._next: _Alarm | None = None  # what may follow what is odd
        self._topic = ""  # that told most of what is odd

    @property
    def is_rare(self) -> bool:
        """Whether anything was in the last window."""
        return any(alarm.is_rare for alarm in (self._odd, *self._faults.values()))

    def judge(self, window: Window, p_values: Mapping[str, float], allowed: float, nearest: Nearest) -> list[Event]:
        """Let a window pass of which a share of ``allowed`` may be false alarms."""
        told = _Told(window, p_values, allowed, nearest)
        events: list[Event] = []
        for name, p in p_values.items():
            p_value = len(p_values) * p
            if is_fault(name) and (name in self._faults or p_value < allowed):
                alarm = self._faults.pop(name, None) or self._alarm(name, f"{self.source}{name}")
                events += alarm.passed(told, {name: p}, p_value)
                if alarm.is_rare or alarm.episodes.is_open:
                    self._faults[name] = alarm
        if len(self._faults) > MAX_FAULTS:
            events += self._faults.pop(next(iter(self._faults))).episodes.finish()
        odd = {name: p for name, p in p_values.items() if not is_fault(name)}
        rest = len(p_values) / len(odd) if odd else 1.0
        return events + self._passed(told, odd, min(1.0, rest * harmonic_mean(odd)))

    def finish(self) -> list[Event]:
        """Close what is open."""
        return [event for alarm in (*self._faults.values(), self._odd) for event in alarm.episodes.finish()]

    def _passed(self, told: "_Told", odd: Mapping[str, float], p_value: float) -> list[Event]:
        """Let what is odd pass, and begin another event where it is another thing."""
        loudest = strongest(odd)
        topic = topic_of(loudest)
        if not self._odd.episodes.is_open or topic == self._topic:
            self._topic, self._next = topic, None
        elif self._is_calm(told, odd) and len(told.p_values) * odd[loudest] < told.allowed:
            if self._next is None:
                self._next = self._alarm("anomaly")
                list(self._next.passed(told, odd, p_value))  # its first window opens nothing
                return list(self._odd.episodes.missed())
            closed = list(self._odd.episodes.finish())
            self._odd, self._next, self._topic = self._next, None, topic
            return closed + list(self._odd.passed(told, odd, p_value))
        else:
            self._next = None
        return list(self._odd.passed(told, odd, p_value))

    def _is_calm(self, told: "_Told", odd: Mapping[str, float]) -> bool:
        """Say whether the topic that told most has nothing to tell any more."""
        least = min((p for name, p in odd.items() if topic_of(name) == self._topic), default=1.0)
        return len(told.p_values) * least >= told.allowed * self.release

    def _alarm(self, label: str, name: str = "") -> "_Alarm":
        return _Alarm(Episodes(name or self.source, label, self.source, self.quiet), self.release)


class _Told:
    """One window: its p-values by name, and the share of windows that may be false alarms."""

    def __init__(self, window: Window, p_values: Mapping[str, float], allowed: float, nearest: Nearest) -> None:
        self.window = window
        self.p_values = p_values
        self.allowed = allowed
        self.nearest = nearest


class _Alarm:
    """Opens an event at the second rare window in a row."""

    def __init__(self, episodes: Episodes, release: float) -> None:
        self.episodes = episodes
        self.release = release
        self._first: Window | None = None  # of those that may become an event

    @property
    def is_rare(self) -> bool:
        """Whether the last window was."""
        return self._first is not None

    def passed(self, told: _Told, p_values: Mapping[str, float], p_value: float) -> Iterator[Event]:
        """Let a window pass whose own ``p_values`` together are ``p_value``."""
        window, episodes = told.window, self.episodes
        if p_value >= told.allowed * (self.release if episodes.is_open else 1.0):
            self._first = None
            yield from episodes.missed()
            return
        first, self._first = self._first, self._first or window
        if not episodes.is_open and first is None:
            return
        loudest = strongest(p_values)
        episodes.label = label_of(loudest)
        if not episodes.is_open:
            window = replace(window, start=self._first.start)
        evidence = {name: -log10(p) for name, p in told.p_values.items() if -log10(p) >= TOLD}
        severity: Severity = "critical" if log10(p_value) < log10(told.allowed) - CRITICAL else "warning"
        yield from episodes.seen(window, -log10(p_value), evidence, severity, told.nearest(loudest))


def harmonic_mean(p_values: Mapping[str, float]) -> float:
    """Return the harmonic mean of p-values; 1 where there are none.

    >>> harmonic_mean({"a": 0.01, "b": 0.01}), round(harmonic_mean({"a": 1.0, "b": 0.01}), 3), harmonic_mean({})
    (0.01, 0.02, 1.0)
    """
    return len(p_values) / sum(1 / p for p in p_values.values()) if p_values else 1.0


def strongest(p_values: Mapping[str, float]) -> str:
    """Return the name that tells most, a topic's before those of all senses; "" of nothing."""
    return min(p_values, key=lambda name: (not name.startswith("/"), p_values[name]), default="")


def topic_of(name: str) -> str:
    """Return the topic of a name.

    >>> topic_of("/imu saturated"), topic_of("fused unusual")
    ('/imu', '')
    """
    return name.partition(" ")[0] if name.startswith("/") else ""


@lru_cache(512)  # asked of every name in every window
def is_fault(name: str) -> bool:
    """Say whether a name is of something wrong with a sensor.

    >>> is_fault("/imu saturated"), is_fault("/imu unusual"), is_fault("/imu")
    (True, False, False)
    """
    topic, _, what = name.partition(" ")
    return topic.startswith("/") and what != "" and what not in UNNAMED


def label_of(name: str) -> str:
    """Return what an event is called whose strongest evidence is ``name``.

    >>> label_of("/imu saturated"), label_of("/camera disagrees"), label_of("/camera unusual"), label_of("fused")
    ('/imu saturated', '/camera disagrees', 'anomaly', 'anomaly')
    """
    return name if is_fault(name) or (name.startswith("/") and name.endswith(" disagrees")) else "anomaly"
