"""Figures of a bench or an evaluation: a table for people, JSON for others."""

import operator
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import psutil
import typer
from rich.table import Table

from pipeline.commands.console import make_console

JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the figures there too.")]
Aim = tuple[str, float]

_HOLDS = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one command measured, and what it should reach; figures have fixed names that others rely on."""

    command: str
    model: str
    hardware: str
    date: str
    figures: Mapping[str, float]
    aims: Mapping[str, Aim]


def publish(
    command: str, figures: Mapping[str, float], aims: Mapping[str, Aim], json: Path | None, model: str = ""
) -> Report:
    """Print the figures beside their aims, and write them to ``json`` if it is given. Nothing is judged."""
    report = Report(
        command=command,
        model=model,
        hardware=hardware(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        figures=figures,
        aims=aims,
    )
    table = Table("figure", "measured", "aim", "", title=f"{command} on {report.hardware}", title_justify="left")
    for name, value in figures.items():
        sign, bound = aims.get(name, ("", 0.0))
        verdict = ("reached" if _HOLDS[sign](value, bound) else "missed") if sign else ""
        table.add_row(name, f"{value:.4g}", f"{sign} {bound:g}" if sign else "", verdict)
    make_console().print(table)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return report


def hardware() -> str:
    """Say what this machine is: processor, cores, memory."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
