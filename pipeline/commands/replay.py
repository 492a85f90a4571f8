"""``rigbind replay LOG``: a recorded log through the same line, or to where a line listens."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pipeline.commands.assembly import again, assemble
from pipeline.commands.console import AlignOption, LogArguments, MapOption, make_console
from pipeline.commands.outputs import FoxgloveOption, RerunOption, outputs
from pipeline.commands.paging import PORT, PortOption
from pipeline.commands.playing import Playing, play
from pipeline.commands.printer import Printer, print_books
from pipeline.commands.publishing import publish as publish_log
from pipeline.commands.showing import showing
from pipeline.commands.telling import tell
from pipeline.config import Config
from pipeline.errors import InputError, LogError
from pipeline.line import Line
from pipeline.logs.annotate import Annotations
from pipeline.logs.columns import Columns, read_columns
from pipeline.logs.recorded import Recorded, is_recorded
from pipeline.messages import FOREVER, NS, Sink, Viewer
from pipeline.report.gather import Gathering
from pipeline.report.page import write_page
from pipeline.sinks import JsonLines
from pipeline.transport import Transport


def replay(
    logs: LogArguments,
    config: Annotated[Path | None, typer.Option(help="A rig file; without one, channels are read off the log.")] = None,
    model: Annotated[str, typer.Option(help="A preset to have in place of the rig's.")] = "",
    columns: MapOption = "",
    align: AlignOption = False,
    rate: Annotated[str, typer.Option(help="How many times as fast as it was recorded, or 'max'.")] = "",
    start: Annotated[str, typer.Option(help="Begin here: seconds after the log's start, or 1:02.5.")] = "",
    end: Annotated[str, typer.Option(help="End before this.")] = "",
    step: Annotated[bool, typer.Option(help="Hold after each window, until Enter.")] = False,
    loop: Annotated[bool, typer.Option(help="Begin again at the end, with a line that remembers nothing.")] = False,
    publish: Annotated[bool, typer.Option(help="Send it to the rig's address, as its sensors would.")] = False,
    original_stamps: Annotated[bool, typer.Option(help="Publish the log's stamps instead of new ones.")] = False,
    events: Annotated[Path | None, typer.Option(help="A file for the events, one JSON object a line.")] = None,
    report: Annotated[Path | None, typer.Option(help="A page in one file that shows what was found.")] = None,
    annotate: Annotated[Path | None, typer.Option(help="A new MCAP file: the log, with the events in it.")] = None,
    verify: Annotated[bool, typer.Option(help="Fail unless a recorded run comes out again, bit for bit.")] = False,
    foxglove: FoxgloveOption = 0,
    rerun: RerunOption = "",
    monitor: Annotated[bool, typer.Option(help="Serve a page that shows and drives it, until Ctrl-C.")] = False,
    port: PortOption = PORT,
) -> None:
    """Replay a recorded log through the line and print its windows and events.

    A run that rigbind recorded is repeated with its own rig, deadline by deadline.
    """
    speed = speed_of(rate or ("1" if publish or monitor else "max"))
    if verify:
        _check_verifiable(logs, config, whole=not (start or end or model or loop or publish))
    console, playing = make_console(), Playing(logs, config, model, _columns(columns), align)
    transport = Transport(
        rate=speed,
        start=playing.at(start) if start else 0,
        end=playing.at(end) if end else FOREVER,
        is_paused=step,
        is_looping=loop,
        is_staying=monitor,
    )
    if min(transport.end, playing.end) <= max(transport.start, playing.start):
        raise InputError(f"nothing of the log, {playing.log.duration / NS:.3f} s, lies from --start to --end")
    if publish and (events or report or annotate or foxglove or rerun or monitor):
        raise InputError(
            "--publish sends samples and finds no events; "
            "--events, --report, --annotate, --foxglove, --rerun, --monitor are for a line"
        )
    with _obeying(transport, step), showing(playing, transport, port, console) if monitor else nullcontext() as feed:
        if publish:
            stamps = "original" if original_stamps else "now"
            asyncio.run(publish_log(playing, transport, stamps, console))  # type: ignore[arg-type]
            return
        notes = Annotations() if annotate else None
        gathering = Gathering(playing.rig.channels) if report else None
        sinks: list[Sink] = [sink for sink in (_file(events), notes, gathering) if sink]
        sinks += outputs(playing.rig, foxglove, rerun, is_replay=True)
        sinks += [feed] if feed else []
        line = asyncio.run(_replay(playing, transport, console, sinks))
    if notes and annotate:
        notes.annotate(logs[0], annotate, playing.log, playing.rig)
    if gathering and report:
        write_page(report, gathering, line, playing.log.name)
    if verify and playing.run and not transport.is_stopped:
        _verify(console, line, playing.run)


def show(log: Path, start: str, port: int, options: Sequence[str], others: Callable[[Config], list[Viewer]]) -> None:
    """Play ``log`` from ``start`` for a page, with ``options`` of ``rigbind monitor``, and ``others``, until Ctrl-C."""
    console, playing, transport = make_console(), Playing([log]), Transport(rate=1.0, is_staying=True)
    if start:
        place = playing.at(start)
        if not playing.start <= place < playing.end:
            raise InputError(f"--start {start!r} is not within {log}, {playing.log.duration / NS:.3f} s")
        transport.seek(place)
    with _obeying(transport, step=False), showing(playing, transport, port, console, options) as feed:
        asyncio.run(_replay(playing, transport, console, [*others(playing.rig), feed]))


async def _replay(playing: Playing, transport: Transport, console: Console, sinks: list[Sink]) -> Line:
    """Return the line of the last pass, when all have ended."""
    line = assemble(playing.rig, [Printer(console, playing.start), *sinks], recorded=playing.recorded(), is_replay=True)
    try:
        await line.engine.start(playing.rig.channels)
        while True:
            try:
                await _pass(line, playing, transport, console)
            finally:
                print_books(console, line, playing.log)
            tell(console, line)
            if not await transport.goes_on():
                return line
            line = again(line)
            for sink in sinks:
                if isinstance(sink, Annotations | Gathering):
                    sink.begin()
    finally:
        await line.close()


async def _pass(line: Line, playing: Playing, transport: Transport, console: Console) -> None:
    """Let one pass through, and draw how far it has come."""
    first, last = max(transport.start, playing.start), min(transport.end, playing.end)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("replay", total=(last - first) / NS)
        async for _ in play(line, playing, transport):
            progress.update(task, completed=(transport.position - first) / NS)


@contextmanager
def _obeying(transport: Transport, step: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the pass; after ``step`` each Enter shows a window, the end of input lets it run."""

    def read() -> None:
        for _ in sys.stdin:
            transport.step()
        transport.play()

    def stop(*_: object) -> None:
        if transport.is_stopped:
            raise KeyboardInterrupt
        transport.stop()

    before = {name: signal.signal(name, stop) for name in (signal.SIGINT, signal.SIGTERM)}
    if step:
        Thread(target=read, name="step", daemon=True).start()
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _columns(text: str) -> list[Columns]:
    return read_columns(text) if text else []


def _file(path: Path | None) -> JsonLines | None:
    """Return a sink that writes to ``path`` and to nothing that was there before."""
    if path is None:
        return None
    try:
        if str(path) != "-":
            with suppress(FileNotFoundError):
                path.unlink()
        return JsonLines(str(path))
    except OSError as error:
        raise InputError(f"{path}: no events can be written there: {error.strerror}") from error


def _check_verifiable(logs: list[Path], config: Path | None, whole: bool) -> None:
    if config or len(logs) > 1 or not is_recorded(logs[0]):
        raise LogError(f"{logs[0]}: there is nothing to verify: it was not recorded by `rigbind run --record`")
    if not whole:
        raise InputError("--verify repeats a whole run with its own rig: without --start, --end, --model, --loop")


def _verify(console: Console, line: Line, run: Recorded) -> None:
    """Compare with the run that was recorded. Raise LogError naming what is not the same."""
    if not run.complete:
        missing = ", ".join(f"{topic} {number}" for topic, number in run.dropped.items()) or "its end"
        raise LogError(f"{run.path}: the recording is not complete, so nothing can be proved; it lacks {missing}")
    unlike = [name for name, digest in line.digest.hex().items() if run.digests.get(name) != digest]
    if unlike:
        raise LogError(f"{run.path}: the replay is not the run: {', '.join(unlike)} differ")
    console.print(f"verified: {line.windows} windows, their embeddings and events are those of the run, bit for bit")


def speed_of(rate: str) -> float | None:
    if rate == "max":
        return None
    try:
        speed = float(rate)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise InputError(f"--rate {rate!r} is neither a number above 0 nor 'max'")
    return speed
