"""How a line is doing, as it tells those who watch it."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from msgspec import Struct


class Health(Struct, frozen=True, kw_only=True):
    """Counts since the start, and recent times.

    ``latency_ms`` is by stage: ``line`` from a window's end to its observation, live only; and each modality's encoder.
    """

    windows: int = 0  # observed
    skipped: int = 0  # because too many others were under way
    latency_ms: Mapping[str, tuple[float, ...]] = {}
    faults: Mapping[str, int] = {}  # embeddings that are missing, by "modality cause"
    unrecorded: Mapping[str, int] = {}  # samples that the recorder could not keep, by topic
    recording: str = ""  # where the run is recorded, and why it is not any more
    replicas: Mapping[str, str] = {}  # of encoders that run in processes of their own: their states by modality


@runtime_checkable
class Watching(Protocol):
    """A viewer that also wants to know how the line is doing."""

    def watch(self, health: Callable[[], Health]) -> None:
        """Ask ``health`` from the line's own thread, when an observation is shown."""
