"""Encoders that belong together, by one name; ``presets.toml`` beside this file lists them."""

import tomllib
from pathlib import Path
from typing import Any


def preset(name: str) -> dict[str, dict[str, Any]]:
    """Return ``use`` and ``params`` of each modality's encoder. Raise ValueError for an unknown name.

    The encoders of ``mini`` have placeholder weights: they tell alike from unlike, and know no meaning.

    >>> preset("mini")["depth"]
    {'use': 'operators.encoders.depth:DepthEncoder', 'params': {}}
    """
    known = _presets()
    if name not in known:
        raise ValueError(f"there is no preset {name!r}; there is {', '.join(known)}")
    return {modality: {"use": part["use"], "params": part.get("params", {})} for modality, part in known[name].items()}


def preset_names() -> tuple[str, ...]:
    """Return the names that ``preset`` knows."""
    return tuple(_presets())


def _presets() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("presets.toml").read_text())
