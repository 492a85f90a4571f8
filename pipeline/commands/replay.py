"""``rigbind replay LOG``: a recorded log through the same line."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from pipeline.commands.assembly import assemble, load_checked
from pipeline.commands.console import make_console
from pipeline.commands.telling import tell
from pipeline.config import Config, Model, Part
from pipeline.engine import WARM_UP_S
from pipeline.errors import LogError, PipelineError
from pipeline.ledger import MEANING
from pipeline.line import Line, Step
from pipeline.logs import Log
from pipeline.logs.recorded import Recorded, is_recorded
from pipeline.messages import NS, Event, Observation, Received
from pipeline.run import paced
from pipeline.run import run as run_line


def replay(
    log: Annotated[Path, typer.Argument(help="An MCAP file, a ROS 1 bag, or a rosbag2 folder.")],
    config: Annotated[Path | None, typer.Option(help="A rig file; without one, channels are read off the log.")] = None,
    rate: Annotated[str, typer.Option(help="How many times as fast as it was recorded, or 'max'.")] = "max",
    verify: Annotated[bool, typer.Option(help="Fail unless a recorded run comes out again, bit for bit.")] = False,
) -> None:
    """Replay a recorded log through the line and print its windows and events.

    A run that rigbind recorded is repeated with its own rig, deadline by deadline.
    """
    speed, console = _speed(rate), make_console()
    run = Recorded(log) if config is None and is_recorded(log) else None
    if verify and run is None:
        raise LogError(f"{log}: there is nothing to verify: it was not recorded by `rigbind run --record`")
    with Log(log) as recording:
        rig = as_recorded(run) if run else load_checked(config) if config else _rig_of(recording, log)
        line = asyncio.run(_replay(recording, rig, speed, console, run))
    tell(console, line)
    if verify and run:
        _verify(console, line, run)


def as_recorded(run: Recorded) -> Config:
    """Return the rig of a recorded run, with its encoders in this process, and nobody told of its events."""
    config = run.config
    return replace(config, model=replace(config.model, engine="local", deadline_s=WARM_UP_S), sinks=[])


def _verify(console: Console, line: Line, run: Recorded) -> None:
    """Compare with the run that was recorded. Raise LogError naming what is not the same."""
    if not run.complete:
        missing = ", ".join(f"{topic} {number}" for topic, number in run.dropped.items()) or "its end"
        raise LogError(f"{run.path}: the recording is not complete, so nothing can be proved; it lacks {missing}")
    unlike = [name for name, digest in line.digest.hex().items() if run.digests.get(name) != digest]
    if unlike:
        raise LogError(f"{run.path}: the replay is not the run: {', '.join(unlike)} differ")
    console.print(f"verified: {line.windows} windows, their embeddings and events are those of the run, bit for bit")


def _speed(rate: str) -> float | None:
    if rate == "max":
        return None
    try:
        speed = float(rate)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise PipelineError(f"--rate {rate!r} is neither a number above 0 nor 'max'")
    return speed


def _rig_of(recording: Log, path: Path) -> Config:
    """The rig that a log tells of: every channel it can name, and the novelty detector."""
    channels = recording.channels()
    if not channels:
        raise LogError(f"{path}: none of its topics can be read as a sensor; `rigbind info {path}` says why")
    return Config(channels=channels, model=Model(engine="local"), operators=[Part("operators.novelty:Novelty")])


async def _replay(recording: Log, rig: Config, speed: float | None, console: Console, run: Recorded | None) -> Line:
    printer = _Printer(console, recording.start)
    line = assemble(rig, [printer], recorded={row.end: row for row in run.closings()} if run else None)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replay", total=(recording.end - recording.start) / NS)

        def read() -> Iterator[Step]:
            for step in run.steps() if run else recording.samples(rig.channels):
                yield step
                if isinstance(step, Received):
                    progress.update(task, completed=(step.received - recording.start) / NS)

        try:
            await line.engine.start(rig.channels)
            async for _ in run_line(paced(read(), line, speed), line):
                pass
        finally:
            await line.close()
            _print_ledger(console, line, recording)
    return line


class _Printer:
    """Prints each window and each event; times are seconds since the log's start."""

    def __init__(self, console: Console, start: int) -> None:
        self._console = console
        self._start = start

    def sample(self, received: Received) -> None:
        """Nothing is printed of a single sample."""

    def show(self, observation: Observation) -> None:
        window = observation.window
        told = [
            f"{topic} {len(window.clips[topic].samples)}" + (f" ({share:.0%})" if share < 1 else "")
            if share
            else f"{topic} absent"
            for topic, share in window.coverage.items()
        ]
        self._line(f"{self._at(window.start)} – {self._at(window.end)}  {', '.join(told)}")

    def write(self, event: Event) -> None:
        if event.phase != "updated":
            self._line(f"{event.phase} {event.label} at {self._at(event.start)}, score {event.score:.2f}")

    def close(self) -> None:
        """Nothing is held."""

    def _at(self, stamp: int) -> str:
        return f"{(stamp - self._start) / NS:8.3f}"

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def _print_ledger(console: Console, line: Line, recording: Log) -> None:
    for (topic, cause), number in recording.rejected.items():
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
    for sentence in recording.first_rejected.values():
        console.print(f"the first of them: {sentence}")
    for (modality, cause), number in line.engine.faults.items():
        console.print(f"{modality}: {number} without embedding: {cause}: {line.engine.last_error.get(modality, '')}")
