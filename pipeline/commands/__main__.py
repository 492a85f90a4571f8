"""The command ``rigbind``, also as ``python -m pipeline.commands``."""

import logging
import os
import sys
from importlib import import_module
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.errors import PipelineError

COMMANDS = (
    "demo",
    "run",
    "sense",
    "monitor",
    "record",
    "recover",
    "label",
    "explain",
    "replay",
    "import",
    "diff",
    "index",
    "search",
    "info",
    "check",
    "keys",
    "embed",
    "weights",
    "bench",
    "eval",
    "bind",
)


class Commands(TyperGroup):
    """Imports a command when it is asked for: a sensor's process needs neither torch nor Ray."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return their names, in the order of the help text."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        """Return the command of that name, or None."""
        if name not in COMMANDS:
            return None
        known_as = f"{name}_" if iskeyword(name) else name
        found = getattr(import_module(f"pipeline.commands.{known_as}"), known_as)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False)
            alone.command()(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = name
        return command


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def rigbind() -> None:
    """Bind a rig's sensors into one embedding space, live."""


def main() -> None:
    """Run one command. Exit 2 with a sentence for what a user can mend, 130 after Ctrl-C."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's products are small: threads spend more than they save
    sys.path.insert(0, "")  # a rig's own parts may lie where it is run
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    try:
        app()
    except PipelineError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
