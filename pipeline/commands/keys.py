"""``rigbind keys DIR``: CURVE keys for a rig whose sensors are on other hosts."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.security import make_keys


def keys(
    folder: Annotated[Path, typer.Argument(help="Where the keys lie; made if it is not there.")],
    sensor: Annotated[str, typer.Option(help="Name of the sensor host that gets a pair of its own.")] = "sensor",
) -> None:
    """Make the keys of the ingest and of one sensor host. Existing ones are kept."""
    made = make_keys(folder, sensor)
    for path in made:
        print(path)
    if not made:
        print(f"{folder}: the keys of the ingest and of {sensor!r} are already there")
