"""What outsiders may know of a line: its newest window, every stream, the latest events. Bounded, and safe to share."""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from pipeline.health import Health
from pipeline.ledger import ENDS
from pipeline.messages import NS, Event, Observation, Received, Severity, State

EVENTS = 10_000
"""So many events are remembered."""

SHOWN = 200
"""So many of them, the latest, keep their pictures and sounds."""

LABELS = 200
"""So many labels are counted apart; those that come later are counted as OTHER."""

OTHER = "other"

RATE_S = 5
"""Rates are means over this long."""

Kind = tuple[str, str, Severity]
"""Label, source and severity of events that are counted together."""


class Stream(Struct, frozen=True, kw_only=True):
    """One topic, as the newest window tells of it.

    ``ends`` says where samples went by cause; with ``in_flight`` they add up to ``sent``. ``age_s`` is how long ago the
    newest came in, ``delay_s`` how old it was then by its stamp; both -1 before there is one.
    """

    state: State
    rate_hz: float
    age_s: float
    delay_s: float
    coverage: float
    weight: float
    sent: int
    in_flight: int
    ends: Mapping[str, int]
    restarts: int
    clocks: tuple[str, ...] = ()


class Tally(Struct, frozen=True, kw_only=True):
    """How many events there were of one kind since the start, and how many of them go on."""

    label: str
    source: str
    severity: Severity
    opened: int
    going_on: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """All of one moment: the newest window, which ended at ``end``, and what had been said until then."""

    end: int = 0
    streams: Mapping[str, Stream] = {}
    scores: Mapping[str, float] = {}
    health: Health = Health()
    events: tuple[Tally, ...] = ()


class Board:
    """A viewer that keeps what is asked for; any thread may ask."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._heard: dict[str, tuple[float, float]] = {}  # when it came by our clock, how old it was
        self._counts: deque[tuple[int, dict[str, int]]] = deque()  # received until the end of each window
        self._observation: Observation | None = None
        self._watched: Callable[[], Health] | None = None
        self._health = Health()
        self._events: OrderedDict[str, Event] = OrderedDict()  # the one that changed last is last
        self._changed: dict[str, int] = {}  # version of the board when an event changed last
        self._shown: deque[str] = deque()
        self._opened: Counter[Kind] = Counter()
        self._open: dict[str, Kind] = {}
        self._labels: set[str] = set()
        self._version = 0

    def watch(self, health: Callable[[], Health]) -> None:
        """Ask ``health`` whenever an observation is shown."""
        self._watched = health

    def sample(self, received: Received) -> None:
        """Note when ``received`` came."""
        delay_s = (received.received - received.sample.stamp) / NS
        self._heard[received.sample.topic] = (self._now(), delay_s)

    def show(self, observation: Observation) -> None:
        """Keep ``observation``, without its samples."""
        window = observation.window
        counts = {topic: row.get("received", 0) for topic, row in window.ledger.items()}
        with self._lock:
            self._version += 1
            self._observation = replace(observation, window=replace(window, clips={}))
            self._counts.append((window.end, counts))
            while len(self._counts) > 2 and window.end - self._counts[0][0] > RATE_S * NS:
                self._counts.popleft()
            if self._watched is not None:
                self._health = self._watched()
            else:
                self._health = replace(self._health, windows=self._health.windows + 1)

    def write(self, event: Event) -> None:
        """Keep ``event``, and count it."""
        with self._lock:
            self._version += 1
            self._count(event)
            self._events[event.id] = event
            self._events.move_to_end(event.id)
            self._changed[event.id] = self._version
            self._forget(event.id)

    def close(self) -> None:
        """Nothing is held."""

    def event(self, id_: str) -> Event | None:
        """Return the event as it was last told, with pictures and sounds if it is one of the latest."""
        with self._lock:
            return self._events.get(id_)

    def events(self, since: int = 0) -> list[Event]:
        """Return what changed after version ``since``, the latest first."""
        with self._lock:
            changed = []
            for id_ in reversed(self._events):
                if self._changed[id_] <= since:
                    break
                changed.append(self._events[id_])
            return changed

    @property
    def version(self) -> int:
        """Rises with every change."""
        return self._version

    def snapshot(self) -> Snapshot:
        """Return all of this moment; its counts are those of one window and fit together."""
        with self._lock:
            observation, health, tallies, rates = self._observation, self._health, self._tallies(), self._rates()
        if observation is None:
            return Snapshot(health=health, events=tallies)
        topics = sorted({*observation.window.coverage, *observation.window.ledger})
        return Snapshot(
            end=observation.window.end,
            streams={topic: self._stream(topic, observation, rates.get(topic, 0.0)) for topic in topics},
            scores=observation.scores,
            health=health,
            events=tallies,
        )

    def _stream(self, topic: str, observation: Observation, rate_hz: float) -> Stream:
        window, row = observation.window, observation.window.ledger.get(topic, {})
        came, delay_s = self._heard.get(topic, (None, -1.0))
        ends = {cause: row.get(cause, 0) for cause in (*ENDS, "gap")}
        sent = row.get("received", 0) + ends["gap"]
        return Stream(
            state=window.states.get(topic, "init"),
            rate_hz=rate_hz,
            age_s=-1.0 if came is None else max(0.0, self._now() - came),
            delay_s=delay_s,
            coverage=window.coverage.get(topic, 0.0),
            weight=observation.weights.get(topic, 0.0),
            sent=sent,
            in_flight=sent - sum(ends.values()),
            ends=ends,
            restarts=row.get("restart", 0),
            clocks=tuple(window.clocks.get(topic, ())),
        )

    def _rates(self) -> dict[str, float]:
        if len(self._counts) < 2:
            return {}
        (start, before), (end, now) = self._counts[0], self._counts[-1]
        seconds = max(end - start, 1) / NS
        return {topic: (number - before.get(topic, 0)) / seconds for topic, number in now.items()}

    def _tallies(self) -> tuple[Tally, ...]:
        going_on = Counter(self._open.values())
        return tuple(
            Tally(
                label=label, source=source, severity=severity, opened=number, going_on=going_on[label, source, severity]
            )
            for (label, source, severity), number in sorted(self._opened.items())
        )

    def _count(self, event: Event) -> None:
        if len(self._labels) < LABELS:
            self._labels.add(event.label)
        kind = (event.label if event.label in self._labels else OTHER, event.source, event.severity)
        if event.phase == "opened":
            self._opened[kind] += 1
        if event.phase == "closed":
            self._open.pop(event.id, None)
        else:
            self._open[event.id] = kind

    def _forget(self, id_: str) -> None:
        """Keep to the bounds."""
        if id_ in self._shown:
            self._shown.remove(id_)
        self._shown.append(id_)
        while len(self._shown) > SHOWN:
            old = self._shown.popleft()
            if old in self._events:
                self._events[old] = replace(self._events[old], pictures={}, sounds={})
        while len(self._events) > EVENTS:
            old, _ = self._events.popitem(last=False)
            del self._changed[old]
            self._open.pop(old, None)
