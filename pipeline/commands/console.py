"""Where commands print: the terminal, or a file or pipe that is wide enough for every table."""

import sys

from rich.console import Console

PIPE_WIDTH = 160


def make_console() -> Console:
    """Return the console of standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
