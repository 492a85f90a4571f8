"""Encoders, operators and sinks simple enough to predict."""

import time
import zlib
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from pipeline.messages import Array, Clip, Event, Observation


class Counting:
    """An encoder whose vector tells how many samples the clip held, by its angle in a plane."""

    def __init__(self, modality: str = "imu", dim: int = 4) -> None:
        self.modality = modality
        self.dim = dim

    def prepare(self, clip: Clip) -> Array:
        """(1,) float32: the number of samples."""
        return np.array([len(clip.samples)], np.float32)

    def embed(self, batch: Array) -> Array:
        """(N, dim) float32."""
        vectors = np.zeros((len(batch), self.dim), np.float32)
        angle = batch[:, 0] / 1000
        vectors[:, 0], vectors[:, 1] = np.cos(angle), np.sin(angle)
        return vectors


class Broken:
    """An encoder that goes wrong in the way it is told to."""

    def __init__(self, modality: str = "imu", dim: int = 4, how: str = "raises", after: int = 0) -> None:
        self.modality = modality
        self.dim = dim
        self.how = how
        self._calls_left = after
        self._good = Counting(modality, dim)

    def prepare(self, clip: Clip) -> Array:
        """As Counting, unless the input is what is wrong."""
        if self.how in ("input", "named input") and not self._calls_left:
            named = f"{clip.topic}: " if self.how == "named input" else ""
            raise ValueError(f"{named}cannot read this clip")
        return self._good.prepare(clip)

    def embed(self, batch: Array) -> Array:
        """As Counting for the first ``after`` calls."""
        good = self._good.embed(batch)
        if self._calls_left:
            self._calls_left -= 1
            return good
        match self.how:
            case "raises":
                raise RuntimeError("out of order")
            case "nan":
                return good * np.nan
            case "shape":
                return good[:, :2]
            case "rows":
                return np.concatenate([good, good])
            case "slow":
                time.sleep(0.5)
        return good


class Wedged(Counting):
    """An encoder that answers while it is warmed up, with clips of many frames, and never for a single one."""

    def embed(self, batch: Array) -> Array:
        """As Counting, or not within ten minutes."""
        if batch.max() == 1:
            time.sleep(600)
        return super().embed(batch)


class Marking:
    """An operator that opens an event at the first window and closes it at the end."""

    def __init__(self, label: str = "run") -> None:
        self.label = label
        self._event: Event | None = None

    def __call__(self, observation: Observation) -> Iterable[Event]:
        window = observation.window
        if self._event is None:
            self._event = Event(
                id=f"{self.label}@{window.start}",
                phase="opened",
                start=window.start,
                end=window.end,
                label=self.label,
                score=1.0,
                source="marking",
            )
            yield self._event

    def finish(self) -> Iterable[Event]:
        """Close it."""
        if self._event is not None:
            yield msgspec.structs.replace(self._event, phase="closed")


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = False

    def write(self, event: Event) -> None:
        """Keep ``event``."""
        self.events.append(event)

    def close(self) -> None:
        """Remember that it was called."""
        self.closed = True


class Words:
    """A text encoder to which every sentence has a direction of its own, and none is near another."""

    modality = "text"

    def __init__(self, dim: int = 512) -> None:
        self.dim = dim

    def tokenize(self, texts: Sequence[str]) -> Array:
        """(N, 1) int64: a number of the sentence."""
        return np.array([[zlib.crc32(text.encode())] for text in texts], np.int64)

    def embed(self, batch: Array) -> Array:
        """(N, dim) float32."""
        vectors = np.stack([np.random.default_rng(int(number)).normal(size=self.dim) for (number,) in batch])
        unit: Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


class NeverFinite:
    """A detector that divides by nothing."""

    resolution = 0.1

    def score(self, observation: Observation) -> dict[str, float]:
        """Say what is no number."""
        return {"nothing": float("nan")}

    def learn(self, observation: Observation) -> None:
        """Learn nothing."""

    def nearest(self, observation: Observation, name: str) -> int:
        """Know nothing."""
        return 0

    def state(self) -> bytes:
        """Keep nothing."""
        return b""

    def restore(self, state: bytes) -> None:
        """Have nothing."""
