"""What was learned as bytes, and back: msgpack of plain values and arrays, never code."""

from typing import Any

import msgspec
import numpy as np

from pipeline.messages import Array

_ARRAY = 1


def packed(learned: Any) -> bytes:
    """Return ``learned``: numbers, texts, None, arrays, and lists and mappings of them.

    >>> unpacked(packed({"rows": np.eye(2), "names": ["/imu"]}))["rows"]
    array([[1., 0.],
           [0., 1.]])
    """
    return msgspec.msgpack.encode(learned, enc_hook=_as_extension)


def unpacked(state: bytes) -> Any:
    """Return what ``packed`` was given; sequences are lists. Raise ValueError if ``state`` is nothing such."""
    try:
        return msgspec.msgpack.decode(state, ext_hook=_from_extension)
    except (msgspec.DecodeError, TypeError) as error:
        raise ValueError(f"this is no state of a detector: {error}") from error


def _as_extension(thing: Any) -> Any:
    if isinstance(thing, np.ndarray) and thing.dtype.kind in "biuf":
        head = msgspec.msgpack.encode([thing.dtype.str, list(thing.shape)])
        return msgspec.msgpack.Ext(
            _ARRAY, len(head).to_bytes(4, "little") + head + np.ascontiguousarray(thing).tobytes()
        )
    if isinstance(thing, np.generic):
        return thing.item()
    raise NotImplementedError(f"{type(thing).__name__} cannot be kept")


def _from_extension(code: int, data: memoryview) -> Array:
    if code != _ARRAY:
        raise ValueError(f"extension {code} is not known")
    size = int.from_bytes(data[:4], "little")
    dtype, shape = msgspec.msgpack.decode(data[4 : 4 + size], type=tuple[str, tuple[int, ...]])
    array: Array = np.frombuffer(data[4 + size :], np.dtype(dtype)).reshape(shape).copy()
    return array
