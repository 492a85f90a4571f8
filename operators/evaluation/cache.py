"""Vectors on disk: what was embedded once need not be again, also after a run that was stopped in between."""

from hashlib import sha256
from pathlib import Path

import numpy as np

from pipeline.messages import Array

KEY_BYTES = 32


def key_of(prepared: Array) -> bytes:
    """Return what stands for an encoder's input: equal if and only if all its numbers are."""
    return sha256(f"{prepared.shape} {prepared.dtype.str}".encode() + np.ascontiguousarray(prepared).tobytes()).digest()


class Cache:
    """Vectors of one encoder by its inputs, in a file that only grows: keys of 32 bytes, each with D float32.

    Since the key is the input itself, files that change or another preprocessing find nothing old here. A record that
    was cut off in the middle of writing is passed over, and written again.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self._path = path
        self._record = np.dtype([("key", f"V{KEY_BYTES}"), ("vector", "<f4", (dim,))])
        self._vectors = self._read()

    def __contains__(self, key: bytes) -> bool:
        return key in self._vectors

    def __getitem__(self, key: bytes) -> Array:
        return self._vectors[key]

    def put(self, keys: list[bytes], vectors_ND: Array) -> None:
        """Keep these, also if the process ends right after."""
        records = np.zeros(len(keys), self._record)
        records["key"], records["vector"] = np.array(keys, f"V{KEY_BYTES}"), vectors_ND
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(records.tobytes())
        self._vectors.update(zip(keys, vectors_ND, strict=True))

    def _read(self) -> dict[bytes, Array]:
        if not self._path.is_file():
            return {}
        written = self._path.read_bytes()
        whole = len(written) // self._record.itemsize * self._record.itemsize
        if whole < len(written):
            with self._path.open("r+b") as file:
                file.truncate(whole)
        records = np.frombuffer(written[:whole], self._record)
        return {bytes(record["key"]): record["vector"].copy() for record in records}
