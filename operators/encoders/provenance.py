"""Which weights made an embedding: the files that encoders read, by their SHA-256."""

from collections.abc import Iterable
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from operators.encoders.mini.storage import FOLDER

SHIPPED = "operators.encoders.mini."
"""Encoders of this package read what is shipped, where no file is named."""


def files_of(encoder: Any) -> list[Path]:
    """Return the files that ``encoder`` has its weights from; none for placeholders, and for OpenCLIP's own tags.

    A file is named by ``weights``, or in OpenCLIP's ``model`` after the architecture.
    """
    named = str(getattr(encoder, "weights", "")) or str(getattr(encoder, "model", "")).partition("/")[2]
    if named:
        return [Path(named)] if Path(named).is_file() else []
    return sorted(FOLDER.glob("*.safetensors")) if type(encoder).__module__.startswith(SHIPPED) else []


def digest_of(encoders: Iterable[Any]) -> str:
    """Return the SHA-256 over the SHA-256 of every file that the encoders read, as hexadecimal; "" for no file."""
    paths = sorted({path for encoder in encoders for path in files_of(encoder)})
    whole = sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(file_digest(file, "sha256").digest())
    return whole.hexdigest() if paths else ""
