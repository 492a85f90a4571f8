"""``rigbind demo``: the simulated rig through the whole line, and what was found against what was there."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.commands.assembly import load_checked
from pipeline.commands.console import make_console
from pipeline.commands.run import live
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.messages import NS, Event
from pipeline.run import Line
from sensors.simulator import Happening, timetable

LOOKED_FOR_AFTER = 2 * NS
"""A happening counts as found by an event that begins no later than this after it: one window's length."""


def demo(
    seconds: Annotated[float, typer.Option(help="How long the rig runs.")] = 60.0,
    config: Annotated[Path | None, typer.Option(help="Another rig file whose sensors are simulated.")] = None,
) -> None:
    """Run the simulated rig through the whole line and compare the events with the truth."""
    rig = config or find_config("demo.toml")
    settings = load_checked(rig)
    truth = truth_of(settings, seconds)
    console, events = make_console(), EventList()
    line, start_ns = asyncio.run(live(rig, settings, seconds, True, console, [events]))
    report(console, line, truth, events.spans(start_ns))


def find_config(name: str) -> Path:
    """Return a rig file that comes with rigbind: from the checkout, or from where pip put it."""
    places = [Path(__file__).parents[2] / "configs", Path(sys.prefix) / "share" / "rigbind" / "configs"]
    for place in places:
        if (place / name).is_file():
            return place / name
    raise ConfigError([f"{name}: not in {' nor in '.join(map(str, places))}"])


def truth_of(config: Config, seconds: float) -> tuple[Happening, ...]:
    """Return what will happen to the simulated rig of ``config`` within ``seconds``."""
    parts = [channel.sensor for channel in config.channels if channel.sensor is not None]
    params = next((part.params for part in parts if part.use.startswith("sensors.simulator")), None)
    if params is None:
        raise ConfigError(["no channel has a simulated sensor; `rigbind run` is for real ones"])
    return timetable(
        scenario=params.get("scenario", "patrol"),
        seed=params.get("seed", 0),
        variant=params.get("variant", "rover"),
        until_s=seconds,
    )


class EventList:
    """A sink that keeps the last state of every event."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}

    def write(self, event: Event) -> None:
        """Keep ``event``."""
        self._events[event.id] = event

    def close(self) -> None:
        """Nothing is held."""

    def spans(self, start_ns: int) -> list[tuple[int, int, Event]]:
        """Return start and end of every event, ns after ``start_ns``, and the event."""
        return [(event.start - start_ns, event.end - start_ns, event) for event in self._events.values()]


def report(console: Console, line: Line, truth: tuple[Happening, ...], spans: list[tuple[int, int, Event]]) -> None:
    """Print found against truth, what was found beside it, and what was lost."""
    table = Table("happened", "kind", "at s", "for s", "who can tell", "found", "after s", title="found against truth")
    explained: set[str] = set()
    for happening in truth:
        hits = [(start, event) for start, end, event in spans if _meet(happening, start, end)]
        explained |= {event.id for _, event in hits}
        first = min(hits, key=lambda hit: hit[0], default=None)
        table.add_row(
            happening.label,
            happening.kind,
            f"{happening.start / NS:.1f}",
            f"{(happening.end - happening.start) / NS:.1f}",
            ", ".join(happening.modalities),
            f"{first[1].label} {first[1].score:.1f}" if first else "–",
            f"{max(0, first[0] - happening.start) / NS:.1f}" if first else "",
        )
    console.print(table)
    found = sum(any(_meet(happening, start, end) for start, end, _ in spans) for happening in truth)
    console.print(
        f"found {found} of {len(truth)}; {len(spans) - len(explained)} of {len(spans)} events without a cause"
    )
    lost = {channel.topic: line.ledger.lost(channel.topic) for channel in line.config.channels}
    told = ", ".join(f"{topic} {number}" for topic, number in lost.items() if number)
    console.print(f"lost: {told or 'nothing'}; windows skipped: {line.skipped}")


def _meet(happening: Happening, start: int, end: int) -> bool:
    return start < happening.end + LOOKED_FOR_AFTER and end > happening.start
