"""What a replay prints: its windows and events as they pass, and at the end the books."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from pipeline.ledger import MEANING
from pipeline.line import Line
from pipeline.logs import Log
from pipeline.messages import NS, Event, Observation, Received


class Printer:
    """Prints each window and each event; times are seconds since the log's start."""

    def __init__(self, console: Console, start: int) -> None:
        self._console = console
        self._start = start

    def sample(self, received: Received) -> None:
        """Nothing is printed of a single sample."""

    def show(self, observation: Observation) -> None:
        """Print a window."""
        window = observation.window
        told = [
            f"{topic} {len(window.clips[topic].samples)}" + (f" ({share:.0%})" if share < 1 else "")
            if share
            else f"{topic} absent"
            for topic, share in window.coverage.items()
        ]
        self._line(f"{self._at(window.start)} – {self._at(window.end)}  {', '.join(told)}")

    def write(self, event: Event) -> None:
        """Print an event that is opened or closed."""
        if event.phase != "updated":
            self._line(f"{event.phase} {event.label} at {self._at(event.start)}, score {event.score:.2f}")

    def close(self) -> None:
        """Nothing is held."""

    def _at(self, stamp: int) -> str:
        return f"{(stamp - self._start) / NS:8.3f}"

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def print_books(console: Console, line: Line, log: Log) -> None:
    """Print what became of the samples of one pass, and what of the log was none."""
    for (topic, cause), number in log.rejected.items():
        line.ledger.count(topic, "received", number)
        line.ledger.count(topic, "rejected", number, detail=cause)
    console.print(f"{line.windows} windows, {line.events} events")
    shown = [cause for cause in MEANING if cause != "restart"]
    table = Table("topic", *shown, box=None, pad_edge=False)
    for channel in line.config.channels:
        row = line.ledger.row(channel.topic)
        table.add_row(channel.topic, *(str(row[cause]) for cause in shown))
    console.print(table)
    for channel in line.config.channels:
        for detail, number in line.ledger.details(channel.topic).items():
            console.print(f"{channel.topic}: {number} {detail}")
    for sentence in log.first_rejected.values():
        console.print(f"the first of them: {sentence}", highlight=False, markup=False, soft_wrap=True)
    _print_faults(console, line.engine.faults, line.engine.last_error)


def _print_faults(console: Console, faults: Mapping[tuple[str, str], int], last_error: Mapping[str, str]) -> None:
    for (modality, cause), number in faults.items():
        console.print(f"{modality}: {number} without embedding: {cause}: {last_error.get(modality, '')}")
