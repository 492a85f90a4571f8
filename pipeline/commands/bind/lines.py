"""The lines of a rig file that use what was bound."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config import Part


def lines(modality: str, part: Part, weights: Path) -> str:
    """Return ``[model.encoders.…]`` with these weights.

    >>> print(lines("force", Part("force:Force", {"steps": 9}), Path("out/force.safetensors")))
    [model.encoders.force]
    use = "force:Force"
    params = { steps = 9, weights = "out/force.safetensors" }
    """
    return (
        f"[model.encoders.{modality}]\nuse = {toml(part.use)}\nparams = {toml(part.params | {'weights': str(weights)})}"
    )


def toml(value: Any) -> str:
    """Return a value as it is written in TOML, on one line.

    >>> toml({"size": [224, 224], "crop": False})
    '{ size = [224, 224], crop = false }'
    """
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)  # of strings, numbers, true and false both say the same
