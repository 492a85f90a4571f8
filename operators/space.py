"""Any sense beside any other: files and sentences become vectors that can be compared and added.

N = things, S = clips of one thing, D = dimension of the joint space.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np

from operators.encoders.files import FILMS, PICTURES, SOUNDS, TABLES, clips_of, modality_of
from operators.encoders.presets import built, mixed, preset
from operators.encoders.video import views
from pipeline.messages import MODALITIES, Array, Execution


class Space:
    """The joint space of one preset's encoders; each is loaded when a thing of its modality first asks for it.

    A thing is the path of a picture, a sound or another recording, or a sentence. Where a path does not say what was
    recorded, it is written before it: ``depth:frame.png``. Of a file with several clips the unit mean counts.

    ``compat`` gives what ImageBind's own code gives: vectors multiplied by their modality's 1 / temperature, means of
    clips that are not normalised again, films seen in fifteen views, and marks of start and end that are written in a
    text taken as such. Their products are logits, and no cosines.

    ``encoders``, ``use`` and ``params`` by modality, stand instead of the preset's or beside them.
    """

    def __init__(
        self,
        model: str | Mapping[str, str] = "mini",
        execution: Execution = Execution(),
        compat: bool = False,
        encoders: Mapping[str, Mapping[str, Any]] = {},
    ) -> None:
        self.model = model
        self.execution = execution
        self.compat = compat
        self.encoders = encoders

    def embed(self, *things: str | Path) -> Array:
        """Return (N, D) float32, one unit row per thing; rows of the same D, whatever the modality.

        Raise OSError for a file that is not there, and ValueError for one that cannot be read as its modality, or
        a modality that the preset has no encoder for.
        """
        return np.stack([self._embed(*sense_of(thing)) for thing in things])

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those that the preset has an encoder for."""
        return tuple(self._parts)

    def encoder(self, modality: str) -> Any:
        """Return the encoder of ``modality``. Raise ValueError if the preset has none."""
        if modality not in self._parts:
            raise ValueError(f"preset {self.model!r} has no encoder for {modality}; it has {', '.join(self._parts)}")
        if modality not in self._encoders:
            self._encoders[modality] = built(self._parts[modality], execution=self.execution, marks=self.compat)
        return self._encoders[modality]

    def prepared(self, modality: str, thing: str) -> Array:
        """Return (S, ...) as the tower of ``modality`` takes them, one row per clip of ``thing``."""
        encoder = self.encoder(modality)
        if modality == "text":
            tokens: Array = encoder.tokenize([thing])
            return tokens
        clips = clips_of(thing, modality, getattr(encoder, "seconds", 0.0))
        if self.compat and modality == "vision" and Path(thing).suffix.lower() in FILMS:
            return np.concatenate([views([sample.data for sample in clip.samples]) for clip in clips])
        return np.stack([encoder.prepare(clip) for clip in clips])

    def _embed(self, modality: str, thing: str) -> Array:
        encoder = self.encoder(modality)
        vectors_SD: Array = encoder.embed(self.prepared(modality, thing))
        mean_D: Array = vectors_SD.mean(0)
        if not self.compat:
            return unit(mean_D)
        if not hasattr(encoder, "scale"):
            raise ValueError(f"compat is for ImageBind's towers, and {type(encoder).__name__} is none")
        scaled_D: Array = mean_D * encoder.scale
        return scaled_D

    @cached_property
    def _parts(self) -> dict[str, dict[str, Any]]:
        named = preset(self.model) if isinstance(self.model, str) else mixed(self.model)
        return named | {modality: dict(part) for modality, part in self.encoders.items()}

    @cached_property
    def _encoders(self) -> dict[str, Any]:
        return {}


def mix(vectors_ND: Array, weights: Sequence[float] = ()) -> Array:
    """Return (D,) float32 of unit length: the weighted sum of unit vectors, what embedding arithmetic is made of.

    Without ``weights`` all count alike, as when a picture of fruit and the sound of birds find birds among fruit; a
    negative weight takes a meaning away. The ImageBind paper weighs 0.95 film + 0.05 sound for MSR-VTT, and
    otherwise halves (arXiv 2305.05665, section 4.2 and figure 4).

    >>> print(mix(np.array([[1.0, 0.0], [0.0, 1.0]]), [3, 4]))
    [0.6 0.8]

    Raise ValueError for another number of weights than of vectors, or a sum that vanishes.
    """
    if len(weights) not in (0, len(vectors_ND)):
        raise ValueError(f"{len(weights)} weights for {len(vectors_ND)} vectors")
    return unit(np.asarray(weights or np.ones(len(vectors_ND))) @ vectors_ND)


def unit(vector_D: Array) -> Array:
    """Return (D,) float32 of length 1. Raise ValueError for a vector without direction."""
    length = np.linalg.norm(vector_D)
    if not length > 1e-9:
        raise ValueError("these vectors cancel out: their sum has no direction")
    direction_D: Array = (vector_D / length).astype(np.float32)
    return direction_D


def sense_of(thing: str | Path) -> tuple[str, str]:
    """Return the modality of ``thing`` and what is to be read: a path, or the sentence itself.

    What ends like a file of ours, or is the name of some file with a suffix, is no sentence unless ``text:`` is before
    it. Raise ValueError for a file whose name does not say what it recorded.

    >>> sense_of("a dog: barking"), sense_of("depth:frame.png")
    (('text', 'a dog: barking'), ('depth', 'frame.png'))
    """
    text = str(thing)
    modality, colon, rest = text.partition(":")
    if colon and modality in MODALITIES:
        return modality, rest
    is_known = text.lower().endswith((*PICTURES, *FILMS, *SOUNDS, *TABLES, ".npy"))
    is_file = isinstance(thing, Path) or is_known or (Path(text).suffix != "" and isfile(text))
    return (modality_of(text), text) if is_file else ("text", text)
