"""Where and how a command records: the section ``record`` of a rig, and the options that stand over it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from pipeline.config import Config
from pipeline.errors import InputError

PathOption = Annotated[
    Path | None,
    typer.Option("--record", help="A new MCAP file, or a folder for segments; %Y%m%d-%H%M%S is the start in UTC."),
]
SegmentSOption = Annotated[float | None, typer.Option("--segment-s", min=0, help="Another file after so many seconds.")]
SegmentMbOption = Annotated[float | None, typer.Option("--segment-mb", min=0, help="Another file after so much.")]
QuotaOption = Annotated[float | None, typer.Option("--quota-gb", min=0, help="Delete the oldest files beyond it.")]
EventsOption = Annotated[bool, typer.Option("--only-events", help="Record only what lies around events.")]


def recording(
    config: Config,
    path: Path | None,
    segment_s: float | None,
    segment_mb: float | None,
    quota_gb: float | None,
    only_events: bool = False,
) -> Config:
    """Return ``config`` with those of the options in its section ``record`` that are given.

    Raise InputError for options that have no path.
    """
    given = {
        "path": str(path) if path else None,
        "segment_s": segment_s,
        "segment_mb": segment_mb,
        "quota_gb": quota_gb,
        "mode": "events" if only_events else None,
    }
    record = replace(config.record, **{name: value for name, value in given.items() if value is not None})
    if not record.path and record.is_split:
        raise InputError("there is no place to record to: give --record, or record.path in the rig file")
    return replace(config, record=record)


def path_of(config: Config) -> Path | None:
    """Return where to record from now on; None where nothing is recorded."""
    return Path(datetime.now(UTC).strftime(config.record.path)) if config.record.path else None
