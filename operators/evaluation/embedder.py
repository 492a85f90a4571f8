"""Items as vectors: read, prepared, embedded in batches, kept on disk.

N = items, S = clips of one item, D = dimension of the joint space.
"""

import pickle
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import Struct

from operators.evaluation.cache import Cache, key_of
from operators.sets.item import Item
from operators.space import Space, mix
from pipeline.messages import Array

BATCH = 16
"""Inputs at a time; what was embedded is on disk after each."""

Tell = Callable[[str, int, int], None]
"""Hears what is being embedded, how many of it are done, and how many there are."""


class Embedded(Struct, frozen=True, eq=False):
    """Items that could be read, and the vectors of each one's clips, (S, D) float32 with unit rows."""

    items: list[Item]
    clips: list[Array]

    @property
    def means(self) -> Array:
        """(N, D) with unit rows: an item is the unit mean of its clips, as in ``operators.space``."""
        return np.stack([mix(vectors_SD) for vectors_SD in self.clips])


class Embedder:
    """One model's vectors of items and sentences.

    What cannot be read is passed over and said in ``unread``. With ``cache``, a folder, vectors are kept there; a
    model is known by its weights, so that others never find the vectors of these.
    """

    def __init__(self, space: Space, cache: Path | None = None, tell: Tell = lambda what, done, of: None) -> None:
        self.space = space
        self.unread: list[str] = []
        self.cache = cache
        self.tell = tell
        self._caches: dict[str, Cache] = {}
        self._dims: dict[str, int] = {}

    def embed(self, items: Iterable[Item], modality: str, what: str = "") -> Embedded:
        """Return the vectors of those items that have this sense; ``what`` is what ``tell`` hears.

        Raise ValueError if no item has it, none of them can be read, or the model has no encoder for it.
        """
        having = [item for item in items if modality in item.senses]
        if not having:
            raise ValueError(f"nothing here has the sense {modality}")
        encoder, run, read, refused = self.encoder(modality), _Run(self, modality), [], ""
        for number, item in enumerate(having, 1):
            try:
                prepared = [encoder.prepare(clip) for clip in item.senses[modality]()]
                if not prepared:
                    raise ValueError("there is no clip in it")
            except (OSError, ValueError) as error:
                refused = str(error)
                self.unread.append(f"{item.name}: {refused}")
            else:
                read.append((item, run.add(prepared)))
            self.tell(what or modality, number, len(having))
        if not read:
            raise ValueError(f"none of {len(having)} things can be read by {modality}; the last one: {refused}")
        vectors = run.finish()
        told = [(item, np.stack([vectors[key] for key in keys])) for item, keys in read]
        return Embedded([item for item, _ in told], [vectors_SD for _, vectors_SD in told])

    def encoder(self, modality: str) -> Any:
        """Return the model's encoder. Raise ValueError if it has none, or one of another space than those before."""
        encoder = self.space.encoder(modality)
        self._dims[modality] = encoder.dim
        if len({*self._dims.values()}) > 1:
            told = ", ".join(f"{name} has {dim}" for name, dim in self._dims.items())
            raise ValueError(f"the encoders of this model do not share one space; of its dimensions {told}")
        return encoder

    def sentences(self, sentences: Sequence[str]) -> Array:
        """Return (N, D) float32, a unit row per sentence. Raise ValueError if the model reads none."""
        run = _Run(self, "text")
        keys = [run.add([tokens]) for tokens in self.encoder("text").tokenize(list(dict.fromkeys(sentences)))]
        vectors, of = run.finish(), dict(zip(dict.fromkeys(sentences), keys, strict=True))
        return np.stack([vectors[of[sentence][0]] for sentence in sentences])

    def cache_of(self, modality: str, encoder: Any, first: Array) -> Cache | None:
        """Return the cache of an encoder with the very parameters and weights of this one."""
        if self.cache is None:
            return None
        if modality not in self._caches:
            vector_D = encoder.embed(first[np.newaxis])[0]  # now it holds its weights, and they are in its pickle
            self._caches[modality] = Cache(self.cache / f"{modality}-{print_of(encoder)}.vectors", len(vector_D))
        return self._caches[modality]


def print_of(encoder: Any) -> str:
    """Return 16 hexadecimal digits that tell this encoder from others by its pickle: its parameters and weights."""
    digest = _Digest()
    _Pickler(digest).dump(encoder)
    return digest.hex()


class _Pickler(pickle.Pickler):
    """Writes tensors by their numbers alone; as torch writes them, they differ from run to run."""

    def reducer_override(self, thing: Any) -> Any:
        if not isinstance(thing, torch.Tensor):
            return NotImplemented
        dense = thing.to_dense() if thing.is_mkldnn else thing
        numbers = dense.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        return bytes, (str((thing.dtype, tuple(thing.shape))).encode() + numbers,)


class _Digest:
    """A file that keeps nothing of what is written but its SHA-256."""

    def __init__(self) -> None:
        self._digest = sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return len(data)

    def hex(self) -> str:
        return self._digest.hexdigest()[:16]


class _Run:
    """Inputs of one encoder on their way to become vectors."""

    def __init__(self, embedder: Embedder, modality: str) -> None:
        self._embedder, self._modality = embedder, modality
        self._encoder = embedder.encoder(modality)
        self._cache: Cache | None = None
        self._waiting: dict[bytes, Array] = {}
        self._vectors: dict[bytes, Array] = {}

    def add(self, prepared: list[Array]) -> list[bytes]:
        """Take the inputs of one item; return what to ask for when all is finished."""
        keys = [key_of(one) for one in prepared]
        if prepared and self._cache is None:
            self._cache = self._embedder.cache_of(self._modality, self._encoder, prepared[0])
        for key, one in zip(keys, prepared, strict=True):
            if self._cache is not None and key in self._cache:
                self._vectors[key] = self._cache[key]
            elif key not in self._vectors:
                self._waiting[key] = one
        if len(self._waiting) >= BATCH:
            self._embed()
        return keys

    def finish(self) -> dict[bytes, Array]:
        self._embed()
        return self._vectors

    def _embed(self) -> None:
        if not self._waiting:
            return
        keys, vectors_ND = list(self._waiting), self._encoder.embed(np.stack(list(self._waiting.values())))
        if self._cache is not None:
            self._cache.put(keys, vectors_ND)
        self._vectors.update(zip(keys, vectors_ND, strict=True))
        self._waiting.clear()
