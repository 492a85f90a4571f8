"""``rigbind recover LOG [OUT]``: all that is whole in a broken recording, as a whole one."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.console import make_console
from pipeline.errors import LogError
from pipeline.logs.recover import recover as recover_file


def recover(
    log: Annotated[Path, typer.Argument(help="An MCAP file, or a folder of them.")],
    out: Annotated[Path | None, typer.Argument(help="A new file, or folder; LOG.recovered if none is named.")] = None,
) -> None:
    """Write all that is whole in a broken MCAP file to a new one, and say what is lost, and where."""
    if not log.exists():
        raise LogError(f"{log}: there is no such file")
    out = out or log.with_name(f"{log.stem}.recovered{log.suffix}")
    if not log.is_dir():
        _recover(log, out)
        return
    files = sorted(log.glob("*.mcap"))
    if not files:
        raise LogError(f"{log}: the folder holds no .mcap")
    if out.exists():
        raise LogError(f"{out}: nothing can be written there: there is a folder already")
    out.mkdir(parents=True)
    for file in files:
        try:
            _recover(file, out / file.name)
        except LogError as error:
            print(error)


def _recover(log: Path, out: Path) -> None:
    console = make_console()
    found = recover_file(log, out)
    for sentence in found.lost:
        console.print(f"{log}: lost: {sentence}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"{out}: {found.messages} messages in {found.chunks} chunks", highlight=False, soft_wrap=True)
