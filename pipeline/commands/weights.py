"""``rigbind weights info|convert|mini``: what a checkpoint holds, the same as safetensors, and how ours are made."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from operators.encoders import conversion
from pipeline.commands.console import make_console, refusing
from pipeline.commands.lazy import imported


class Commands(TyperGroup):
    """Imports ``mini`` when it is asked for: who converts a checkpoint needs no simulator."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return their names, in the order of the help text."""
        return [*super().list_commands(ctx), "mini"]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of that name, or None."""
        return imported("pipeline.commands", "mini") if cmd_name == "mini" else super().get_command(ctx, cmd_name)


weights = typer.Typer(
    cls=Commands,
    help="Look into checkpoints, convert them, make those of mini.",
    no_args_is_help=True,
    add_completion=False,
)

Source = Annotated[Path, typer.Argument(help="ImageBind's or OpenCLIP's weights: .safetensors, .pth, .pt, .bin.")]


@weights.command()
def info(source: Source) -> None:
    """Print the towers in a checkpoint with their sizes, and the file's SHA-256."""
    table = Table("modality", "tensors", "parameters", "dtype", "width", "blocks", "dim", "MB")
    with refusing():
        for tower in conversion.contents(source):
            sizes = (tower.width, tower.blocks, tower.dim)
            counts = (str(tower.tensors), f"{tower.parameters:,}")
            table.add_row(tower.modality, *counts, tower.dtypes, *map(str, sizes), f"{tower.mb:.1f}")
        console = make_console()
        console.print(table)
        megabytes = source.stat().st_size / 1e6
        console.print(f"{source}: {megabytes:.1f} MB, SHA-256 {conversion.sha256(source)}", soft_wrap=True)


@weights.command()
def convert(
    source: Source,
    target: Annotated[Path, typer.Argument(help="The safetensors file to write, in ImageBind's key layout.")],
    modality: Annotated[list[str], typer.Option(help="Only this one; may be repeated.")] = [],  # noqa: B006
    dtype: Annotated[conversion.Dtype | None, typer.Option(help="Instead of the numbers' own.")] = None,
) -> None:
    """Write a checkpoint, or some of its modalities, as safetensors: just what a rig needs, or half the size."""
    with refusing():
        written = conversion.convert(source, target, modality, dtype)
    print(f"{target}: {', '.join(written)}, {target.stat().st_size / 1e6:.1f} MB")
