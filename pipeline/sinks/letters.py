"""An event as it is sent: its bytes, and the key by which whoever gets it twice knows it."""

from typing import Protocol, runtime_checkable

import msgspec
from msgspec.structs import replace

from pipeline.messages import Event


@runtime_checkable
class Acknowledging(Protocol):
    """A sink that knows what has arrived."""

    @property
    def name(self) -> str:
        """The same after a restart, and another for every sink."""

    @property
    def acknowledged(self) -> int:
        """How many of the events written, in their order, arrived or were given up."""

    def write(self, event: Event) -> None: ...

    def holds(self, event: Event) -> bool:
        """Say whether ``event`` is known to have arrived before the restart."""


@runtime_checkable
class Telling(Protocol):
    """A sink that can say how it went."""

    def told(self) -> str:
        """Say in words what became of the events."""


def key_of(event: Event) -> str:
    """Return what is the same for the same news only.

    >>> key_of(Event(id="fire@5", phase="closed", start=5, end=9, label="fire", score=1.0, source="tagging"))
    'fire@5/closed'
    """
    return f"{event.id}/{event.phase}" + (f"/{event.end}/{event.score:g}" if event.phase == "updated" else "")


def json_of(event: Event, attachments: bool) -> bytes:
    """Return the event as JSON, pictures and sounds in base64, or left out."""
    return msgspec.json.encode(event if attachments else replace(event, pictures={}, sounds={}))
