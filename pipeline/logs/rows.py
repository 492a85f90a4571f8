"""What a recording holds beside samples, as JSON: ticks, exchanges, commands, windows, embeddings and events.

Events are those of ``messages.Event``, exchanges with the senders' clocks those of ``exchange.Exchange``. Every time is
integer nanoseconds since the epoch.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Self

import msgspec
from msgspec import Struct

from pipeline.exchange import Exchange
from pipeline.messages import Command, Embedding, Event, Window


class Tick(Struct, frozen=True, kw_only=True):
    """The line asked for windows whose deadline has passed at ``now``, and that closed some or skipped some."""

    now: int


class CommandRow(Struct, frozen=True, kw_only=True):
    """A command that the line took at ``received``; ``command`` is one of ``messages.Command``, by its ``type``."""

    received: int
    command: msgspec.Raw

    @classmethod
    def of(cls, command: Command, received: int) -> Self:
        """Return the row of ``command``."""
        return cls(received=received, command=msgspec.Raw(msgspec.json.encode(command)))

    def parsed(self) -> Command:
        """Return the command."""
        command: Command = msgspec.json.decode(self.command, type=Command)
        return command


class WindowRow(Struct, frozen=True, kw_only=True):
    """One closed window: all but its samples.

    ``after`` is how many samples the recording holds before it closed. ``answered`` are the topics that have an
    embedding; a window that was ``skipped`` never reached the encoders.
    """

    start: int
    end: int
    closed_by: str
    after: int
    skipped: bool = False
    answered: list[str] = []
    coverage: dict[str, float] = {}
    states: dict[str, str] = {}
    clocks: dict[str, list[str]] = {}
    ledger: dict[str, dict[str, int]] = {}


class EmbeddingRow(Struct, frozen=True, kw_only=True):
    """One embedding; ``vector`` holds its float32 values, which JSON keeps exactly."""

    topic: str
    modality: str
    stamp: int
    vector: list[float]


Row = Tick | Exchange | CommandRow | WindowRow | EmbeddingRow | Event
TOPICS: dict[type[Struct], str] = {
    Tick: "/rigbind/ticks",
    Exchange: "/rigbind/exchanges",
    CommandRow: "/rigbind/commands",
    WindowRow: "/rigbind/windows",
    EmbeddingRow: "/rigbind/embeddings",
    Event: "/rigbind/events",
}


def window_row(window: Window, after: int, skipped: bool, answered: Sequence[str]) -> WindowRow:
    """Return the row of ``window``, which keeps none of its samples alive."""
    return WindowRow(
        start=window.start,
        end=window.end,
        closed_by=window.closed_by,
        after=after,
        skipped=skipped,
        answered=list(answered),
        coverage=dict(window.coverage),
        states=dict(window.states),
        clocks={topic: list(notes) for topic, notes in window.clocks.items()},
        ledger={topic: dict(counts) for topic, counts in window.ledger.items()},
    )


def embedding_row(embedding: Embedding) -> EmbeddingRow:
    """Return the row of ``embedding``."""
    return EmbeddingRow(
        topic=embedding.topic, modality=embedding.modality, stamp=embedding.stamp, vector=embedding.vector.tolist()
    )


@cache
def json_schema(kind: type[Row]) -> str:
    """Return the JSON schema of one row, without references, which viewers do not follow."""
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]
    for field in schema["properties"].values():
        if "enum" in field:
            field["type"] = "string"  # viewers decide by the type
        if not field:
            field["type"] = "object"
    return json.dumps(schema)
