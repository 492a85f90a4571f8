"""``rigbind import IN… OUT``: any recording as an MCAP file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from pipeline.commands.console import AlignOption, LogArguments, MapOption, make_console
from pipeline.commands.playing import rig_of
from pipeline.config import load
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.columns import read_columns
from pipeline.logs.transfer import anew, transfer
from pipeline.messages import NS, Received


def import_(
    logs: LogArguments,
    out: Annotated[Path, typer.Argument(help="A new MCAP file.")],
    config: Annotated[Path | None, typer.Option(help="A rig file, for what a log does not tell.")] = None,
    columns: MapOption = "",
    align: AlignOption = False,
) -> None:
    """Write what a line would get of a recording to a new MCAP file, which replays as the recording does.

    Until it is whole, the file is called OUT.part. If that is there, of an import that was stopped, this one goes on.
    """
    console = make_console()
    with Log(*logs, columns=read_columns(columns) if columns else [], align=align) as log:
        rig = load(config) if config else rig_of(log)
        hidden = not console.is_terminal
        with anew(out, resume=True) as part, Progress(console=console, transient=True, disable=hidden) as progress:
            if part.exists():
                _say(f"{part}: {part.stat().st_size / 1e6:.1f} MB are there already: what is the same stays")
            task = progress.add_task("import", total=log.duration / NS)

            def seen(received: Received) -> None:
                progress.update(task, completed=(received.received - log.start) / NS)

            damage = transfer(log, rig, part, seen=seen)
        _tell(log, out, damage)


def _tell(log: Log, out: Path, damage: LogError | None) -> None:
    """Print what was written and what was not. Raise ``damage``."""
    with Log(out) as written:
        for topic in written.topics.values():
            _say(f"{topic.name}: {topic.count} {topic.type}")
        _say(f"{written.duration / NS:.3f} s in {out}")
    for (name, cause), number in log.rejected.items():
        _say(f"{name}: {number} left out, {cause}")
    for topic in log.topics.values():
        if topic.skipped:
            _say(f"{topic.name}: {topic.count} left out: {topic.skipped}")
    if damage:
        raise damage


def _say(sentence: str) -> None:
    make_console().print(sentence, highlight=False, markup=False, soft_wrap=True)
