"""Clips on disk: what was cut from a recording once need not be cut again, and memory stays small."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from operators.sets.item import Item
from pipeline.messages import Array, Clip

TOLD = "told.json"
"""Written last: a shelf without it was not finished, and is filled anew."""


class _Told(Struct, frozen=True):
    """An item on the shelf: its clips are in files called by number and sense."""

    number: int
    senses: list[str]
    name: str
    label: str
    captions: tuple[str, ...]
    group: str


class _Index(Struct, frozen=True):
    items: list[_Told]
    refused: dict[str, int]


class Shelf:
    """A folder of clips in ``kept``, found again by ``key``: all that the clips depend on."""

    def __init__(self, kept: Path, key: str) -> None:
        self._folder = kept / sha256(key.encode()).hexdigest()[:16]
        self._told: list[_Told] = []

    def items(self) -> tuple[list[Item], Counter[str]] | None:
        """Return what was put here, and what was refused meanwhile; None if it was never finished."""
        try:
            index = msgspec.json.decode((self._folder / TOLD).read_bytes(), type=_Index)
        except FileNotFoundError:
            return None
        return [self._item(told) for told in index.items], Counter(index.refused)

    def put(
        self, name: str, clips: Mapping[str, Clip], group: str, label: str = "", captions: Sequence[str] = ()
    ) -> None:
        """Put an item's clips by sense here."""
        self._folder.mkdir(parents=True, exist_ok=True)
        told = _Told(len(self._told), list(clips), name, label, tuple(captions), group)
        for sense, clip in clips.items():
            self._path(told.number, sense).write_bytes(_encoder.encode(clip))
        self._told.append(told)

    def finish(self, refused: Counter[str]) -> tuple[list[Item], Counter[str]]:
        """Return all that is here, and remember what was ``refused``."""
        self._folder.mkdir(parents=True, exist_ok=True)
        begun = self._folder / f"{TOLD}.begun"
        begun.write_bytes(msgspec.json.encode(_Index(self._told, dict(refused))))
        begun.replace(self._folder / TOLD)
        return [self._item(told) for told in self._told], refused

    def _item(self, told: _Told) -> Item:
        return Item(
            name=told.name,
            senses={sense: partial(_read, self._path(told.number, sense)) for sense in told.senses},
            label=told.label,
            captions=told.captions,
            group=told.group,
        )

    def _path(self, number: int, sense: str) -> Path:
        return self._folder / f"{number:06d}.{sense}"


def _read(path: Path) -> list[Clip]:
    try:
        return [_decoder.decode(path.read_bytes())]
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: no clip, or a damaged one: {error}; without this folder it is cut anew") from error


def _packed(array: Any) -> Any:
    return array.dtype.str, array.shape, np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _unpacked(_: type, stored: Any) -> Array:
    dtype, shape, values = stored
    return np.frombuffer(values, dtype).reshape(shape)


_encoder = msgspec.msgpack.Encoder(enc_hook=_packed)
_decoder = msgspec.msgpack.Decoder(Clip, dec_hook=_unpacked)
