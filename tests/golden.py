"""Reference numbers beside the checkout: made by running public models' own preprocessing; see the README there."""

import json
from pathlib import Path

import numpy as np
import pytest
from makers import SHARED

from pipeline.messages import Array

DTYPES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "I64": np.int64, "I32": np.int32}


def golden(name: str) -> Path:
    """Return the path of one golden file; skip the test where the folder is absent."""
    path = SHARED / "golden" / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


def tensors(name: str) -> dict[str, Array]:
    """Return the arrays of a safetensors file: eight bytes of length, a JSON header, then the numbers."""
    raw = golden(name).read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    arrays: dict[str, Array] = {}
    for key, entry in json.loads(raw[8:begin]).items():
        if key != "__metadata__":
            first, last = entry["data_offsets"]
            numbers = np.frombuffer(raw[begin + first : begin + last], DTYPES[entry["dtype"]])
            arrays[key] = numbers.reshape(entry["shape"])
    return arrays
