"""What an evaluation found, as tables for people."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table as RichTable

from operators.evaluation.anomaly_sets import ANOMALY_SETS
from operators.evaluation.outcome import Table
from operators.evaluation.protocols import PROTOCOLS
from operators.evaluation.published import PUBLISHED

SIMULATOR = "Tags, retrieval and subsets of senses in simulated worlds that nobody learned from."


def rich_table(table: Table) -> RichTable:
    """Return ``table`` for the terminal, numbers with three places."""
    drawn = RichTable(*table.heads, title=table.title, title_justify="left")
    for row in table.rows:
        drawn.add_row(*(escape(_written(value)) for value in row))
    return drawn


def published_table(name: str, figures: Mapping[str, float]) -> RichTable:
    """Return ours beside what papers say about the same set; theirs are marked as published."""
    drawn = RichTable("figure", "model", "value", "from", title="published by others beside ours", title_justify="left")
    for figure in dict.fromkeys(one.figure for one in PUBLISHED[name]):
        drawn.add_row(figure, "this run", _written(figures.get(figure, float("nan"))), "measured now")
        for one in PUBLISHED[name]:
            if one.figure == figure:
                drawn.add_row(figure, one.model, _written(one.value), f"published: {one.where}")
    return drawn


def sets_table() -> RichTable:
    """Return every set with what is done with it."""
    drawn = RichTable("set", "protocol", title="rigbind eval SET DIR", title_justify="left")
    for name, protocol in PROTOCOLS.items():
        drawn.add_row(name, escape(protocol.summary))
    for name, anomalies in ANOMALY_SETS.items():
        drawn.add_row(name, escape(anomalies.summary))
    drawn.add_row("simulator", SIMULATOR)
    return drawn


def _written(value: str | float) -> str:
    """Return text as it is, a count as a count, a share with three places, and a dash for what is not known.

    >>> _written("dog"), _written(12), _written(0.5), _written(float("nan"))
    ('dog', '12', '0.500', '–')
    """
    if isinstance(value, str | int):
        return str(value)
    return f"{value:.3f}" if value == value else "–"
