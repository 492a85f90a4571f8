"""A running line in the terminal: channels with their states and clocks, windows and the latest events."""

import statistics
import time
from collections import deque
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.line import Line
from pipeline.messages import Event, Observation, Received, State, Window

REFRESH_S = 0.5
PLAIN_S = 10.0
"""How often a line of text is printed where the output is no terminal."""

_EVENTS = 6  # shown
_RATE_S = 3.0  # rates are means over this long
_STYLES: dict[State, str] = {"late": "yellow", "stale": "red", "dead": "bold red", "recovered": "green"}


class TerminalMonitor:
    """Draws ``line`` as one of its viewers."""

    def __init__(self, line: Line, console: Console) -> None:
        self._line = line
        self._console = console
        self._events: deque[Event] = deque(maxlen=_EVENTS)
        self._history: deque[tuple[float, dict[str, int]]] = deque()
        self._rates: dict[str, float] = {}
        self._window: Window | None = None  # the newest one
        self._drawn = time.monotonic()
        self._live = Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None

    def __enter__(self) -> "TerminalMonitor":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
            self._live.stop()
        else:
            self._console.print(self._picture())

    def write(self, event: Event) -> None:
        """Keep the newest state of each event for the next drawing."""
        kept = [other for other in self._events if other.id != event.id]
        self._events = deque([*kept, event], maxlen=_EVENTS)

    def close(self) -> None:
        """Nothing is held."""

    def sample(self, received: Received) -> None:
        """Nothing is drawn of a single sample."""

    def show(self, observation: Observation) -> None:
        """Take note of ``observation`` and redraw if the last drawing is old enough."""
        if observation.window.closed_by != "end":  # the last ones are cut short by the end, not by a fault
            self._window = observation.window
        now = time.monotonic()
        if now - self._drawn < (REFRESH_S if self._live else PLAIN_S):
            return
        self._drawn = now
        self._update_rates(now)
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
        else:
            self._console.print(self._summary())

    def _picture(self) -> Group:
        return Group(self._channels(), self._summary(), *(_event_text(event) for event in self._events))

    def _channels(self) -> Table:
        table = Table("channel", "modality", "state", box=None, pad_edge=False)
        for name in ("rate Hz", "due", "age ms", "received", "lost", "covered"):
            table.add_column(name, justify="right")
        table.add_column("clock")
        window = self._window
        for channel in self._line.config.channels:
            ledger, topic = self._line.ledger, channel.topic
            newest = ledger.newest(topic)
            age = f"{(time.time_ns() - newest[0]) / 1e6:.0f}" if newest else "–"
            lost = ledger.lost(topic)
            state: State = window.states.get(topic, "init") if window else "init"
            covered = window.coverage.get(topic, 0.0) if window else 0.0
            table.add_row(
                topic,
                channel.modality,
                Text(state.upper(), _STYLES.get(state, "")),
                f"{self._rates.get(topic, 0.0):.1f}",
                f"{channel.rate_hz:g}",
                age,
                str(ledger.total(topic, "received")),
                Text(str(lost), "red" if lost else ""),
                Text(f"{covered:.0%}", "" if covered == 1 else "red"),
                Text(", ".join(window.clocks.get(topic, ())) if window else "", "yellow"),
            )
        return table

    def _summary(self) -> Text:
        line = self._line
        text = f"windows {line.windows}, skipped {line.skipped}, events {line.events}"
        if line.latency_ms:
            ordered = sorted(line.latency_ms)
            worst = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
            text += f"; after a window's end: median {statistics.median(ordered):.0f} ms, p99 {worst:.0f} ms"
        times = {m: statistics.median(times) for m, times in line.engine.latency_ms.items() if times}
        if times:
            text += "; encoders: " + ", ".join(f"{modality} {ms:.0f}" for modality, ms in times.items()) + " ms"
        if line.recorder:
            left_out = ", ".join(f"{topic} {number}" for topic, number in dict(line.recorder.dropped).items())
            told = line.recorder.error or (left_out and f"not recorded: {left_out}")
            text += f"; {told}" if told else ""
        faults = ", ".join(f"{m} {cause} {n}" for (m, cause), n in line.engine.faults.items())
        return Text(text + (f"; missing: {faults}" if faults else ""))

    def _update_rates(self, now: float) -> None:
        counts = {c.topic: self._line.ledger.total(c.topic, "received") for c in self._line.config.channels}
        self._history.append((now, counts))
        while len(self._history) > 2 and now - self._history[0][0] > _RATE_S:
            self._history.popleft()
        then, before = self._history[0]
        if now > then:
            self._rates = {topic: (number - before[topic]) / (now - then) for topic, number in counts.items()}


def _event_text(event: Event) -> Text:
    strongest = sorted(event.evidence.items(), key=lambda item: -item[1])[:3]
    because = ", ".join(f"{name} {value:.2f}" for name, value in strongest)
    style = {"opened": "bold", "updated": "bold", "closed": "dim"}[event.phase]
    seconds = (event.end - event.start) / 1e9
    return Text(f"{event.phase:<8} {event.label}, {seconds:.1f} s, score {event.score:.2f}  {because}", style)
