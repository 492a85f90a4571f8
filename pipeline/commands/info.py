"""`rigbind info LOG`: what a recorded log holds."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.commands.console import AlignOption, LogArguments, MapOption
from pipeline.logs import Log, Recorded, Topic, is_recorded
from pipeline.logs.columns import read_columns
from pipeline.messages import NS


def info(
    logs: LogArguments,
    columns: MapOption = "",
    align: AlignOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Print a log's topics: type, count, rate, gaps, and what each is read as or why it is skipped."""
    with Log(*logs, columns=read_columns(columns) if columns else [], align=align) as opened:
        if as_json:
            print(json.dumps(summary(opened)))
        else:
            _print_table(opened)
        if opened.damage:
            raise opened.damage


def summary(log: Log) -> dict[str, Any]:
    """Return what ``--json`` prints; times are nanoseconds since the epoch."""
    run = _run(log)
    return {
        "path": str(log.path),
        "dated": log.is_dated,
        "start_ns": log.start,
        "end_ns": log.end,
        "duration_s": log.duration / NS,
        "damage": str(log.damage) if log.damage else None,
        "recorded": _told(run) if run else {},
        "topics": [_topic_summary(topic, modality) for topic, modality in _read_as(log, run)],
    }


def _run(log: Log) -> Recorded | None:
    """Return the run that a log is the recording of, if it is one of rigbind."""
    return Recorded(log.path) if is_recorded(log.path) else None


def _told(run: Recorded) -> dict[str, str]:
    """Return what a recording tells of its run: the rig, what made the embeddings, and its digests."""
    digests = {f"{name} sha256": digest for name, digest in run.digests.items()}
    told = {"rig": run.config.rig.name, "rigbind": run.version, "model": run.model, **digests}
    return {what: text for what, text in told.items() if text}


def _read_as(log: Log, run: Recorded | None) -> Iterator[tuple[Topic, str]]:
    """Yield each topic with what it is read as, "" if it is not: in the recording of a run, as its rig says."""
    told = {channel.topic: channel.modality for channel in run.config.channels} if run else {}
    for topic in log.topics.values():
        yield topic, told.get(topic.name, topic.modality)


def _topic_summary(topic: Topic, modality: str) -> dict[str, Any]:
    return {
        "name": topic.name,
        "type": topic.type,
        "count": topic.count,
        "rate_hz": round(topic.rate_hz, 3),
        "first_ns": topic.first,
        "last_ns": topic.last,
        "gaps": [{"start_ns": gap.start, "length_s": gap.length / NS} for gap in topic.gaps],
        "modality": modality or None,
        "skipped": (not modality and topic.skipped) or None,
    }


def _print_table(log: Log) -> None:
    num_messages = sum(topic.count for topic in log.topics.values())
    print(f"{log.name}: {log.duration / NS:.2f} s, {num_messages} messages")
    run = _run(log)
    for what, told in (_told(run) if run else {}).items():
        print(f"{what}: {told}")
    table = Table("topic", "type", "count", "rate_hz", "gaps", "read as", box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for topic, modality in _read_as(log, run):
        table.add_row(
            escape(topic.name),
            escape(topic.type),
            str(topic.count),
            f"{topic.rate_hz:.2f}" if topic.rate_hz else "-",
            _gaps(topic, log.start),
            modality or escape(f"skipped: {topic.skipped}"),
        )
    Console().print(table)


def _gaps(topic: Topic, start: int) -> str:
    """Return how many gaps there are and the longest, its place in seconds from the log's start."""
    if not topic.gaps:
        return ""
    longest = max(topic.gaps, key=lambda gap: gap.length)
    return f"{len(topic.gaps)}, longest {longest.length / NS:.3f} s at {(longest.start - start) / NS:.2f} s"
