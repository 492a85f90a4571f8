"""Where commands print: the terminal, or a file or pipe that is wide enough for every table; and how they refuse."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.errors import InputError

PIPE_WIDTH = 160

LogArguments = Annotated[
    list[Path],
    typer.Argument(
        metavar="LOG…",
        help="An MCAP file, a ROS bag, a PX4 log, films, sounds, tables, folders of TUM or EuRoC; several are one rig.",
    ),
]
MapOption = Annotated[
    str, typer.Option("--map", help="What the columns of tables are: 'stamp=t;ax=…;ay=…;az=…;unit=g', or a TOML file.")
]


def make_console() -> Console:
    """Return the console of standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)


AlignOption = Annotated[bool, typer.Option("--align", help="Let several files begin together, whatever their dates.")]


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what operators refuse, ValueError and OSError, into InputError, which ends a command with code 2."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except ValueError as error:
        raise InputError(str(error)) from error
