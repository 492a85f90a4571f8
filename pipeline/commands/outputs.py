"""Where else a line can be seen: ``--foxglove`` and ``--rerun`` of the commands that have one."""

from importlib.util import find_spec
from typing import Annotated

import typer

from pipeline.build import build
from pipeline.config import Config, Part
from pipeline.errors import InputError
from pipeline.messages import Viewer

LIVE = "live"

FoxgloveOption = Annotated[
    int,
    typer.Option(metavar="PORT", help="Serve Foxglove on this port of this host: 8765 is the usual one.", max=65535),
]
RerunOption = Annotated[
    str,
    typer.Option(metavar="TO", help="A new .rrd file, a Rerun viewer's address, or 'live': the viewer that is open."),
]


def outputs(config: Config, foxglove: int = 0, rerun: str = "", is_replay: bool = False) -> list[Viewer]:
    """Return the viewers that the options ask for. A replay waits for a file, so that all of it is there.

    Raise InputError for one whose package is not installed, ConfigError where it cannot serve or write.
    """
    sinks: list[Viewer] = []
    if foxglove:
        _need("foxglove", "foxglove-sdk")
        part = Part("pipeline.monitor.foxglove:Foxglove", {"port": foxglove})
        sinks.append(build(part, "--foxglove", channels=config.channels, security=config.security))
    if rerun:
        _need("rerun", "rerun-sdk")
        to = {} if rerun == LIVE else {"to": rerun}
        part = Part("pipeline.monitor.rerun:Rerun", {**to, "complete": is_replay and rerun.endswith(".rrd")})
        sinks.append(build(part, "--rerun", channels=config.channels))
    return sinks


def _need(name: str, package: str) -> None:
    if find_spec(name) is None:
        raise InputError(f"--{name} needs {package}, which is not installed: pip install 'rigbind[{name}]'")
