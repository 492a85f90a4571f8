"""``rigbind monitor RIG``: the page of a running line, in a process of its own."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from operators.space import Space
from pipeline.commands.assembly import load_checked
from pipeline.commands.paging import PORT, PortOption
from pipeline.control import ask
from pipeline.messages import Hit
from pipeline.monitor.access import token_for
from pipeline.monitor.api import Wanted
from pipeline.monitor.page import Monitor
from pipeline.search import Search

SUFFIXES = {"vision": ".jpg", "audio": ".wav", "thermal": ".png", "depth": ".png", "imu": ".csv"}


def monitor(
    rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")],
    host: Annotated[
        str, typer.Option(help="Where the page is served; off loopback it asks for a token.")
    ] = "127.0.0.1",
    port: PortOption = PORT,
    token: Annotated[Path | None, typer.Option(help="A file that holds the token; or RIGBIND_TOKEN has it.")] = None,
    db: Annotated[str, typer.Option(help="An index to search.")] = "",
) -> None:
    """Serve the page of a line that runs, or will: pictures, anomalies, tags, timeline, search, labels, health."""
    config = load_checked(rig)
    known = token_for(host, token, config.security.insecure, os.environ)
    find = partial(_find, Search(db), {}) if db else None
    page = Monitor(config, host, port, known, partial(ask, config.bus.control, config.security), find)
    print(f"http://{host}:{port}", flush=True)
    page.run()


def _find(finder: Search, spaces: dict[str, Space], wanted: Wanted) -> Sequence[Hit]:
    """Return moments that are like what is wanted; the encoders are loaded when they are first needed."""
    space = spaces.setdefault("", Space(finder.moments.model))
    if wanted.text:
        return finder.find(space.embed(f"text:{wanted.text}")[0], wanted.number)
    with NamedTemporaryFile(suffix=SUFFIXES.get(wanted.modality, "")) as file:
        file.write(wanted.file)
        file.flush()
        return finder.find(space.embed(f"{wanted.modality}:{file.name}")[0], wanted.number)
