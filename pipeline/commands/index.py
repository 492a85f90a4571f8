"""``rigbind index``: recordings, and files, into a table of moments that can be searched."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from operators.encoders.files import PICTURES, SOUNDS, clips_of
from operators.space import Space, sense_of
from pipeline.commands.assembly import assemble
from pipeline.commands.console import make_console, refusing
from pipeline.commands.playing import Playing, play
from pipeline.errors import InputError, LogError, PipelineError
from pipeline.logs import Log
from pipeline.messages import MODALITIES, NS, Event, Received
from pipeline.search import Index
from pipeline.search.find import number_or_text
from pipeline.search.table import MomentRow, Moments
from pipeline.thumbnail import picture
from pipeline.transport import Transport

SHOWN = (*PICTURES, *SOUNDS)
"""Files that are rows of their own; anything else is a log."""

BATCH = 256


def index(
    things: Annotated[
        list[str],
        typer.Argument(
            metavar="THING…", help="Recordings; or pictures, sounds, folders, MODALITY:FOLDER where it must."
        ),
    ],
    into: Annotated[str, typer.Option(help="The index: a folder, or an address such as s3://fleet/moments.")] = "index",
    config: Annotated[Path | None, typer.Option(help="A rig file, for logs that tell of none.")] = None,
    model: Annotated[str, typer.Option(help="A preset.")] = "mini",
    rig: Annotated[str, typer.Option(help="Whose moments these are; without it, the rig's name.")] = "",
    note: Annotated[list[str] | None, typer.Option(help="KEY=VALUE that each row keeps, such as altitude=120.")] = None,
    again: Annotated[bool, typer.Option(help="Forget what is there of these things, and index them anew.")] = False,
) -> None:
    """Index recordings by window, pictures and sounds by file; what is there already is left out."""
    console, metadata, failed = make_console(), _metadata(note or []), []
    with refusing():
        space = Space(model)
        moments = Moments(into, model, space.encoder("text").dim)
        files, logs = _sorted(things)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

            def tell(what: str, done: float, of: float) -> None:
                progress.update(task, description=what, completed=done, total=of)

            task = progress.add_task("index")
            failed += _index_files(files, space, moments, rig, metadata, again, tell)
            for log in logs:
                try:
                    _index_log(log, moments, config, rig, metadata, again, model, tell, console)
                except PipelineError as error:
                    failed.append(str(error))
        moments.optimize()
    console.print(f"{into}: {len(moments)} rows of {moments.model}")
    if failed:
        raise InputError("\n".join(failed))


def _sorted(things: Sequence[str]) -> tuple[list[str], list[Path]]:
    """Return files that are rows, also those in folders that are no recording, and recordings."""
    files: list[str] = []
    logs: list[Path] = []
    for thing in things:
        modality, colon, rest = thing.partition(":")
        is_said = bool(colon) and modality in MODALITIES
        path, prefix = Path(rest if is_said else thing), f"{modality}:" if is_said else ""
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder")
        if path.is_dir() and (is_said or not _is_log(path)):
            inside = sorted(each for each in path.rglob("*") if each.suffix.lower() in SHOWN)
            if not inside:
                raise InputError(f"{path}: the folder holds no recording, and no picture or sound")
            files += [f"{prefix}{each}" for each in inside]
        elif is_said or path.suffix.lower() in SHOWN:
            files.append(f"{prefix}{path}")
        else:
            logs.append(path)
    return files, logs


def _is_log(folder: Path) -> bool:
    """Say whether a folder is one recording: not if pictures or sounds lie in it side by side."""
    if any(path.suffix.lower() in SHOWN for path in folder.iterdir()):
        return False
    try:
        Log(folder)
    except LogError:
        return False
    return True


def _metadata(notes: Sequence[str]) -> dict[str, str | float | bool]:
    if wrong := [note for note in notes if "=" not in note]:
        raise InputError(f"--note {wrong[0]!r} is not KEY=VALUE")
    return {key: number_or_text(value) for key, _, value in (note.partition("=") for note in notes)}


def _index_files(
    files: Sequence[str],
    space: Space,
    moments: Moments,
    rig: str,
    metadata: dict[str, str | float | bool],
    again: bool,
    tell: Callable[[str, float, float], None],
) -> list[str]:
    """Add a row for each file that is not there as it is, and return what was wrong with others."""
    failed: list[str] = []
    rows: list[MomentRow] = []
    marks: list[tuple[str, str]] = []
    for number, file in enumerate(files, 1):
        modality, read = sense_of(file)
        path = Path(read)
        name, mark = str(path), f"{modality} {_mark(path)}"
        if again or moments.finished(name) != mark:
            moments.remove(name)
            try:
                rows += _row_of(path, modality, space, rig, metadata)
                marks.append((name, mark))
            except (OSError, ValueError) as error:
                failed.append(f"{path}: {error}" if name not in str(error) else str(error))
        if len(rows) >= BATCH or number == len(files):
            moments.add(rows)
            for done in marks:
                moments.finish(*done)
            rows, marks = [], []
        tell(path.name, number, len(files))
    return failed


def _row_of(
    path: Path, modality: str, space: Space, rig: str, metadata: dict[str, str | float | bool]
) -> Iterator[MomentRow]:
    first = clips_of(path, modality)[0]
    taken = round(path.stat().st_mtime * NS)
    yield MomentRow(
        vector=space.embed(f"{modality}:{path}")[0],
        topic="file",
        modality=modality,
        log=str(path),
        rig=rig,
        start=taken,
        end=taken,
        thumbnail=picture(modality, first.samples[0]),
        metadata=metadata,
    )


def _mark(path: Path) -> str:
    """Return what changes when a recording does."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return " ".join(f"{each.stat().st_size}/{each.stat().st_mtime_ns}" for each in files[:100])


def _index_log(
    log: Path,
    moments: Moments,
    config: Path | None,
    rig: str,
    metadata: dict[str, str | float | bool],
    again: bool,
    model: str,
    tell: Callable[[str, float, float], None],
    console: Console,
) -> None:
    """Let a log pass through its line, and add what was made of it; a run that was stopped goes on."""
    name, mark = str(log), _mark(log)
    if again:
        moments.remove(name)
    if moments.finished(name) == mark:
        console.print(f"{log}: is there already")
        return
    playing = Playing([log], config, model)
    told = metadata | {"log_start": float(playing.start)}
    index = Index(moments, name, rig or playing.rig.rig.name, told)
    try:
        asyncio.run(_pass(playing, index, tell))
    finally:
        index.flush()
    moments.finish(name, mark)
    console.print(f"{log}: {index.num_rows} rows")


async def _pass(playing: Playing, index: Index, tell: Callable[[str, float, float], None]) -> None:
    line = assemble(replace(playing.rig, sinks=[]), [_Indexing(index)], recorded=playing.recorded(), is_replay=True)
    transport = Transport()
    try:
        await line.engine.start(playing.rig.channels)
        async for _ in play(line, playing, transport):
            done = (max(transport.position, playing.start) - playing.start) / NS
            tell(playing.log.name, done, (playing.end - playing.start) / NS)
    finally:
        await line.close()


class _Indexing:
    """Shows a line's observations to an index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.show = index.show

    def sample(self, received: Received) -> None:
        """Single samples are not indexed."""

    def write(self, event: Event) -> None:
        self._index.write(event)

    def close(self) -> None:
        """The index is flushed by whoever made it."""
