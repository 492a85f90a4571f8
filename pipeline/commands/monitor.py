"""``rigbind monitor RIG`` or ``LOG``: the page of a running line, or of a recording, in a process of its own."""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import cached_property, partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace

from operators.space import Space
from pipeline.commands.assembly import load_checked
from pipeline.commands.outputs import FoxgloveOption, RerunOption, outputs
from pipeline.commands.paging import PORT, PortOption
from pipeline.commands.replay import show
from pipeline.control import ask
from pipeline.errors import InputError, SearchError
from pipeline.messages import Event, Hit
from pipeline.monitor.access import token_for
from pipeline.monitor.api import Wanted
from pipeline.monitor.page import Monitor
from pipeline.monitor.relay import Relay, relayed
from pipeline.search import Search

RIGS = (".toml", ".json")
"""How files of rigs end; everything else is a log."""

SUFFIXES = {"vision": ".jpg", "audio": ".wav", "thermal": ".png", "depth": ".png", "imu": ".csv"}


def monitor(
    what: Annotated[Path, typer.Argument(metavar="RIG|LOG", help="A rig's TOML file, or a recorded log.")],
    host: Annotated[
        str, typer.Option(help="Where the page is served; off loopback it asks for a token.")
    ] = "127.0.0.1",
    port: PortOption = PORT,
    token: Annotated[Path | None, typer.Option(help="A file that holds the token; or RIGBIND_TOKEN has it.")] = None,
    db: Annotated[str, typer.Option(help="An index to search, now or once there is one.")] = "",
    start: Annotated[
        str, typer.Option(help="Of a log: begin so many seconds after its start, or at @ and those since 1970.")
    ] = "",
    events: Annotated[Path | None, typer.Option(help="Of a rig: events told before, one JSON object a line.")] = None,
    foxglove: FoxgloveOption = 0,
    rerun: RerunOption = "",
) -> None:
    """Serve the page of a line that runs, or will: pictures, anomalies, tags, timeline, search, labels.

    Of a log, the same page with buttons: it is played through the line.
    """
    is_log = what.suffix not in RIGS
    if (start and not is_log) or (events and is_log):
        raise InputError(f"{what}: --start is for a log, --events for a rig")
    if is_log:
        token_for(host, token, False, os.environ)  # says what is wrong before the encoders are loaded
        options = ["--host", host, *(["--token", str(token)] if token else []), *(["--db", db] if db else [])]
        show(what, start, port, options, partial(outputs, foxglove=foxglove, rerun=rerun, is_replay=True))
        return
    config = load_checked(what)
    known = token_for(host, token, config.security.insecure, os.environ)
    shown = relayed(config.channels)
    viewers = outputs(replace(config, channels=shown), foxglove, rerun)
    with closing(Relay(shown, viewers)) as relay:
        asking = partial(ask, config.bus.control, config.security)
        page = Monitor(config, host, port, known, asking, _finder(db), relay.take if viewers else None)
        for event in _told(events) if events else ():
            page.scene.board.write(event)
        print(f"http://{host}:{port}", flush=True)
        page.run()


def _told(path: Path) -> list[Event]:
    try:
        return msgspec.json.Decoder(Event).decode_lines(path.read_bytes())
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise InputError(f"{path}: these are no events: {error}") from error


class _Finder:
    """Finds moments in the index at ``db`` that are like what is wanted.

    The index may be made while the page is served; it and the encoders are opened when they are first needed.
    """

    def __init__(self, db: str) -> None:
        self.db = db

    @cached_property
    def search(self) -> Search:
        return Search(self.db)

    @cached_property
    def space(self) -> Space:
        return Space(self.search.moments.model)

    def __call__(self, wanted: Wanted) -> Sequence[Hit]:
        if wanted.text:
            return self.search.find(self.space.embed(f"text:{wanted.text}")[0], wanted.number)
        with NamedTemporaryFile(suffix=SUFFIXES.get(wanted.modality, "")) as file:
            file.write(wanted.file)
            file.flush()
            return self.search.find(self.space.embed(f"{wanted.modality}:{file.name}")[0], wanted.number)


def _finder(db: str) -> _Finder | None:
    """Return what searches at ``db``, and say where there is nothing to search yet."""
    if not db:
        return None
    finder = _Finder(db)
    try:
        _ = finder.search
    except SearchError as error:
        print(error, file=sys.stderr)
    return finder
