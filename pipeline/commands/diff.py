"""``rigbind diff A B LOG``: two models or two rigs on one log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from pipeline.commands.assembly import assemble
from pipeline.commands.console import LogArguments, MapOption, make_console
from pipeline.commands.playing import Playing, play
from pipeline.errors import InputError
from pipeline.logs.columns import Columns, read_columns
from pipeline.messages import NS, Event
from pipeline.report.compare import Comparison, Outcome, compare
from pipeline.transport import Transport

MAX_SHOWN = 20
"""Events of one kind that are printed; all of them are in the JSON."""


def diff(
    a: Annotated[str, typer.Argument(help="A rig file, or a preset such as mini.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    logs: LogArguments,
    columns: MapOption = "",
    json: Annotated[Path | None, typer.Option(help="A file for all of it.")] = None,
) -> None:
    """Replay one log twice, and say which windows and events are in both, and how alike the embeddings are."""
    console, known = make_console(), read_columns(columns) if columns else []
    played_a, played_b = _playing(a, logs, known), _playing(b, logs, known)  # both, so that a mistake shows at once
    found = compare(asyncio.run(_outcome(played_a)), asyncio.run(_outcome(played_b)))
    _print(console, a, b, found, played_a.start)
    if json:
        told = {"command": "diff", "a": a, "b": b, "log": [str(path) for path in logs]}
        _write(json, told | msgspec.to_builtins(found))


def _playing(name: str, logs: Sequence[Path], columns: Sequence[Columns]) -> Playing:
    is_file = name.endswith(".toml")
    return Playing(logs, Path(name) if is_file else None, "" if is_file else name, columns)


async def _outcome(playing: Playing) -> Outcome:
    """Replay a log as fast as it goes."""
    outcome = Outcome()
    rig = replace(playing.rig, sinks=[])
    line = assemble(rig, [outcome], recorded=playing.recorded(), is_replay=True)
    try:
        await line.engine.start(rig.channels)
        async for _ in play(line, playing, Transport()):
            pass
    finally:
        await line.close()
    return outcome


def _print(console: Console, a: str, b: str, found: Comparison, start: int) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, markup=False, soft_wrap=True)

    say(f"windows: {found.windows} in both, {found.windows_only_a} only in {a}, {found.windows_only_b} only in {b}")
    say(f"events: {len(found.shared)} in both, {len(found.only_a)} only in {a}, {len(found.only_b)} only in {b}")
    for one, other in found.shared[:MAX_SHOWN]:
        say(f"  both       {_told(one, start)}, and {other.score:.2f}")
    for name, events in ((a, found.only_a), (b, found.only_b)):
        for event in events[:MAX_SHOWN]:
            say(f"  {name:<10} {_told(event, start)}")
        if len(events) > MAX_SHOWN:
            say(f"  {name:<10} and {len(events) - MAX_SHOWN} more")
    table = Table("topic", "windows", "agreement", "cosine", box=None, pad_edge=False)
    for topic, alike in found.embeddings.items():
        table.add_row(topic, str(alike.windows), _number(alike.agreement), _number(alike.cosine))
    console.print(table)


def _told(event: Event, start: int) -> str:
    begins, ends = (event.start - start) / NS, (event.end - start) / NS
    return f"{begins:8.3f} – {ends:8.3f}  {event.label}, score {event.score:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _write(path: Path, told: dict[str, object]) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2))
    except OSError as error:
        raise InputError(f"{path}: no figures can be written there: {error.strerror}") from error
