"""``rigbind run RIG``: one rig's line, live, until Ctrl-C."""

import asyncio
import signal
import time
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.bus import Subscriber
from pipeline.commands.assembly import assemble, load_checked
from pipeline.commands.console import make_console
from pipeline.commands.outputs import FoxgloveOption, RerunOption, outputs
from pipeline.commands.paging import PORT, PortOption, feed_of, page
from pipeline.commands.recording import (
    EventsOption,
    PathOption,
    QuotaOption,
    SegmentMbOption,
    SegmentSOption,
    path_of,
    recording,
)
from pipeline.commands.sense import sensing
from pipeline.commands.telling import tell
from pipeline.config import Config
from pipeline.control import ControlServer
from pipeline.errors import PipelineError
from pipeline.feed import FeedPublisher
from pipeline.keeping import Keeping
from pipeline.line import Line
from pipeline.messages import NS, Sink
from pipeline.monitor.terminal import TerminalMonitor
from pipeline.run import run as run_line


def run(
    rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")],
    seconds: Annotated[float, typer.Option(help="Stop after this long; 0 runs until Ctrl-C.")] = 0.0,
    sensors: Annotated[bool, typer.Option(help="Run the rig's sensors too, each in its own process.")] = True,
    record: PathOption = None,
    segment_s: SegmentSOption = None,
    segment_mb: SegmentMbOption = None,
    quota_gb: QuotaOption = None,
    only_events: EventsOption = False,
    state: Annotated[
        Path | None, typer.Option(help="A folder for what outlives a restart: learning and events.")
    ] = None,
    foxglove: FoxgloveOption = 0,
    rerun: RerunOption = "",
    monitor: Annotated[bool, typer.Option(help="Serve the page of the line, too.")] = False,
    port: PortOption = PORT,
) -> None:
    """Run one rig's line: samples from its address, windows, embeddings, events."""
    config, console = load_checked(rig), make_console()
    config = recording(config, record, segment_s, segment_mb, quota_gb, only_events)
    sinks: list[Sink] = [*outputs(config, foxglove, rerun)]
    path = path_of(config)
    with page(config, port, console, record=path) if monitor else nullcontext(_feed(config, console)) as feed:
        sinks += [feed] if feed else []
        line, _ = asyncio.run(live(rig, config, seconds, sensors, console, sinks, path, state))
    tell(console, line)


def _feed(config: Config, console: Console) -> FeedPublisher | None:
    """Return what pages can be shown by that come later; a line runs without."""
    try:
        return feed_of(config)
    except PipelineError as error:
        console.print(str(error))
        return None


async def live(
    rig: Path,
    config: Config,
    seconds: float,
    sensors: bool,
    console: Console,
    sinks: list[Sink],
    record: Path | None = None,
    state: Path | None = None,
) -> tuple[Line, int]:
    """Run the line of ``config`` and draw it; return it when it has ended, with the time its sensors started."""
    line = assemble(config, sinks, record)
    monitor = TerminalMonitor(line, console)
    line.tell(monitor)
    with ExitStack() as stack:
        subscriber = Subscriber(config.bus, config.channels, line.ledger, config.security)
        stack.callback(subscriber.close)
        try:
            control = stack.enter_context(closing(ControlServer(config.bus.control, config.security)))
            keeping = stack.enter_context(closing(Keeping(state, line))) if state else None
            rig_sensors = stack.enter_context(sensing(rig, config)) if sensors else None
            with console.status("starting encoders and sensors"):
                await line.engine.start(config.channels)
                start_ns = rig_sensors.start() if rig_sensors else time.time_ns()
            if rig_sensors:
                stack.callback(asyncio.create_task(rig_sensors.keep()).cancel)
            stop_when_asked(subscriber, (start_ns - time.time_ns()) / NS + seconds if seconds else 0.0)
            with monitor:
                if keeping:
                    keeping.begin()
                async for _ in run_line(control.joined(subscriber.arrivals()), line, time.time_ns):
                    if keeping:
                        keeping.save_when_due()
            if keeping:
                keeping.save()
        finally:
            await line.close()
    return line, start_ns


def stop_when_asked(subscriber: Subscriber, seconds: float) -> None:
    """End the stream of samples after ``seconds``, or at Ctrl-C; all that follows drains and closes in order."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, subscriber.stop)
    if seconds:
        loop.call_later(seconds, subscriber.stop)
