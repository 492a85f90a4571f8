"""Groups of commands that are imported when they are asked for: to list them all takes none of their seconds."""

from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


def lazily(package: str, sentences: Mapping[str, str]) -> type[TyperGroup]:
    """Return a group of the commands of ``package``, one module each: a function, or a group, of the module's name.

    ``sentences`` say what each does, as its own help begins, in the order in which they are listed. A name that is a
    keyword of Python has a ``_`` after it in the package.
    """

    class Lazy(TyperGroup):
        _is_listing = False

        def list_commands(self, ctx: Any) -> list[str]:
            return list(sentences)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            self._is_listing = True
            super().format_help(ctx, formatter)
            self._is_listing = False

        def get_command(self, ctx: Any, name: str) -> Any:
            if name not in sentences:
                return None
            return TyperCommand(name, help=sentences[name]) if self._is_listing else imported(package, name)

    return Lazy


def imported(package: str, name: str) -> Any:
    """Import a command, and return it."""
    known_as = f"{name}_" if iskeyword(name) else name
    found = getattr(import_module(f"{package}.{known_as}"), known_as)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command()(found)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command
