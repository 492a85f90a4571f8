"""``rigbind demo``: the simulated rig through the whole line, and what was found against what was there."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from pipeline.commands.assembly import load_checked
from pipeline.commands.console import make_console
from pipeline.commands.matching import AFTER, explains
from pipeline.commands.outputs import FoxgloveOption, RerunOption, outputs
from pipeline.commands.paging import PORT, PortOption, page
from pipeline.commands.run import live
from pipeline.commands.telling import tell
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.line import Line
from pipeline.messages import NS, Event, Sink
from sensors.simulator import Happening, timetable


def demo(
    seconds: Annotated[float, typer.Option(help="How long the rig runs.")] = 60.0,
    config: Annotated[Path | None, typer.Option(help="Another rig file whose sensors are simulated.")] = None,
    record: Annotated[Path | None, typer.Option(help="A new MCAP file for all that comes in and is said.")] = None,
    foxglove: FoxgloveOption = 0,
    rerun: RerunOption = "",
    monitor: Annotated[bool, typer.Option(help="Serve the page of the line, too.")] = True,
    port: PortOption = PORT,
) -> None:
    """Run the simulated rig through the whole line and compare the events with the truth."""
    rig = config or find_config("demo.toml")
    settings = load_checked(rig)
    truth = truth_of(settings, seconds)
    console, events = make_console(), EventList()
    sinks: list[Sink] = [events, *outputs(settings, foxglove, rerun)]
    with page(settings, port, console, record=record) if monitor else nullcontext() as feed:
        sinks += [feed] if feed else []
        line, start_ns = asyncio.run(live(rig, settings, seconds, True, console, sinks, record))
    report(console, line, truth, list(events.by_id.values()), start_ns)
    tell(console, line)


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
        self.by_id: dict[str, Event] = {}

    def write(self, event: Event) -> None:
        """Keep ``event``."""
        self.by_id[event.id] = event

    def close(self) -> None:
        """Nothing is held."""


def matches(
    truth: Sequence[Happening], events: Iterable[Event], config: Config
) -> list[tuple[Happening, Event | None]]:
    """Pair each happening with the first event of it (``matching.py``), times since the epoch.

    It begins while the happening lasts, or a window's length before or later.
    """
    modality_of, length = _modalities(config), round(config.window.length_s * NS)
    in_order = sorted(events, key=lambda event: event.start)

    def begins(happening: Happening, event: Event) -> bool:
        is_then = happening.start - length <= event.start < happening.end + length
        return is_then and explains(happening, event, modality_of, length)

    return [(happening, next((e for e in in_order if begins(happening, e)), None)) for happening in truth]


def report(console: Console, line: Line, truth: Sequence[Happening], events: Sequence[Event], start_ns: int) -> None:
    """Print found against truth, what was found beside it, and what was lost."""
    config = line.config
    table = Table("happened", "kind", "at s", "for s", "who can tell", "found", "after s", title="found against truth")
    happened = [replace(it, start=start_ns + it.start, end=start_ns + it.end) for it in truth]
    pairs = matches(happened, events, config)
    for happening, event in pairs:
        opened = event.start + round(config.window.length_s * NS) if event else 0
        table.add_row(
            happening.label,
            happening.kind,
            f"{(happening.start - start_ns) / NS:.1f}",
            f"{(happening.end - happening.start) / NS:.1f}",
            ", ".join(happening.modalities),
            f"{event.label} {event.score:.1f}" if event else "–",
            f"{max(0, opened - happening.start) / NS:.1f}" if event else "",
        )
    console.print(table)
    found = sum(event is not None for _, event in pairs)
    modality_of = _modalities(config)
    strange = [event for event in events if not any(explains(it, event, modality_of, AFTER) for it in happened)]
    console.print(f"found {found} of {len(truth)}; {len(strange)} of {len(events)} events without a cause")
    lost = {channel.topic: line.ledger.lost(channel.topic) for channel in config.channels}
    told = ", ".join(f"{topic} {number}" for topic, number in lost.items() if number)
    console.print(f"lost: {told or 'nothing'}; windows skipped: {line.skipped}")


def _modalities(config: Config) -> dict[str, str]:
    return {channel.topic: channel.modality for channel in config.channels}
