"""Reference numbers, made by running the public ImageBind on random weights; ``data/golden/README.md`` tells how."""

from pathlib import Path

from safetensors.numpy import load_file

from pipeline.messages import Array

GOLDEN = Path(__file__).parent / "data" / "golden"


def golden(name: str) -> Path:
    """Return the path of one golden file."""
    return GOLDEN / name


def tensors(name: str) -> dict[str, Array]:
    """Return the arrays of a safetensors file."""
    arrays: dict[str, Array] = load_file(golden(name))
    return arrays
