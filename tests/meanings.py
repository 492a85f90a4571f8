"""A space in which a thing means the number in its data, and a sentence the number of the word in it."""

from collections.abc import Mapping, Sequence

import numpy as np

from operators.sets.item import Item
from operators.sets.reading import still
from pipeline.messages import Array, Clip

DIM = 16
WORDS = ("cat", "dog", "car", "bird")
"""Sentences with the n-th of these mean n; all others mean the last direction."""

DAMAGED = 255.0


class Meaning:
    """An encoder: number n becomes the n-th axis, and a fraction leans towards the next one. Counts its inputs."""

    def __init__(self, modality: str, lean: float = 0.0) -> None:
        self.modality = modality
        self.dim = DIM
        self.lean = lean  # what all its vectors have in common
        self.embedded = 0

    def prepare(self, clip: Clip) -> Array:
        value = np.asarray(clip.samples[0].data, np.float64).ravel()[:1]
        if value[0] == DAMAGED:
            raise ValueError(f"{clip.topic}: damaged")
        return value

    def tokenize(self, texts: Sequence[str]) -> Array:
        found = [next((n for n, word in enumerate(WORDS) if word in text), DIM - 2) for text in texts]
        return np.array(found, np.int64)[:, np.newaxis]

    def embed(self, batch: Array) -> Array:
        self.embedded += len(batch)
        whole = np.floor(batch[:, 0]).astype(int)
        part = (batch[:, 0] - whole)[:, np.newaxis]
        axes = np.eye(DIM)
        vectors = (
            (1 - part) * axes[whole % (DIM - 1)] + part * axes[(whole + 1) % (DIM - 1)] + self.lean * axes[DIM - 1]
        )
        unit: Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


class Meanings:
    """What stands for a ``Space``: one ``Meaning`` a modality."""

    def __init__(self, modalities: Sequence[str] = ("vision", "text", "audio", "depth", "thermal", "imu")) -> None:
        self.modalities = tuple(modalities)
        self.encoders = {modality: Meaning(modality) for modality in modalities}

    def encoder(self, modality: str) -> Meaning:
        if modality not in self.encoders:
            raise ValueError(f"preset 'meanings' has no encoder for {modality}")
        return self.encoders[modality]


def thing(
    name: str,
    means: Mapping[str, float | Sequence[float]],
    label: str = "",
    group: str = "",
    captions: tuple[str, ...] = (),
) -> Item:
    """An item that means a number to each sense, or one number a clip."""

    def clips(modality: str, values: float | Sequence[float]) -> list[Clip]:
        numbers = [values] if isinstance(values, int | float) else values
        shape = (6,) if modality == "imu" else (2, 2)
        dtype = np.uint8 if modality == "vision" and all(float(value).is_integer() for value in numbers) else float
        return [clip for value in numbers for clip in still(name, modality, np.full(shape, value, dtype))]

    return Item(
        name=name,
        senses={modality: (lambda m=modality, v=values: clips(m, v)) for modality, values in means.items()},  # type: ignore[misc]
        label=label,
        group=group,
        captions=captions,
    )
