"""``rigbind check RIG``: all that is wrong with a rig file, before anything starts."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.assembly import load_checked


def check(rig: Annotated[Path, typer.Argument(help="The rig's TOML file.")]) -> None:
    """Say all that is wrong with a rig file, each mistake with its place. Exit code 2 if there is any."""
    config = load_checked(rig)
    sensors = sum(channel.sensor is not None for channel in config.channels)
    print(f"{rig}: good: {len(config.channels)} channels, {sensors} with a sensor, {len(config.operators)} operators")
