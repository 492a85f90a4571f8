"""Encoders that belong together, by one name; ``presets.toml`` beside this file lists them."""

import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

Parts = dict[str, dict[str, Any]]
"""``use`` and ``params`` of an encoder, by modality."""


def preset(name: str) -> Parts:
    """Return the encoders of ``name``, or of ``name:argument`` where weights or a model have to be named.

    An empty argument stands for placeholder weights: ``imagebind:`` has ImageBind's sizes and knows no meaning.
    Raise ValueError for an unknown name, or an argument that is missing or has no place.

    >>> preset("mini")["depth"]
    {'use': 'operators.encoders.mini.depth:MiniDepth', 'params': {}}
    >>> preset("openclip:ViT-B-32/laion2b_s34b_b79k")["text"]["params"]
    {'model': 'ViT-B-32/laion2b_s34b_b79k'}
    """
    name, colon, argument = name.partition(":")
    known = _presets()
    if name not in known:
        raise ValueError(f"there is no preset {name!r}; there is {', '.join(known)}")
    parameter = known[name].get("argument")
    if parameter and not colon:
        raise ValueError(f"preset {name!r} needs a {parameter} after a colon: `{known[name]['example']}`")
    if colon and not parameter:
        raise ValueError(f"preset {name!r} takes nothing after a colon, and {argument!r} is there")
    given = {parameter: argument} if colon else {}
    return {
        modality: {"use": part["use"], "params": part.get("params", {}) | given}
        for modality, part in known[name]["encoders"].items()
    }


def mixed(names: Mapping[str, str]) -> Parts:
    """Return the encoder that each modality's own preset has for it.

    Raise ValueError as ``preset`` does, or for a preset without that modality.

    >>> mixed({"vision": "openclip:RN50", "depth": "mini"})["vision"]["use"]
    'operators.encoders.openclip:OpenClipVision'
    """
    parts = {}
    for modality, name in names.items():
        of_name = preset(name)
        if modality not in of_name:
            raise ValueError(f"preset {name!r} has no encoder for {modality}; it has {', '.join(of_name)}")
        parts[modality] = of_name[modality]
    return parts


def built(part: Mapping[str, Any], **given: Any) -> Any:
    """Construct the encoder that ``use`` names with ``params``, and of ``given`` what it has a parameter for.

    Raise ValueError for a name, a parameter or a value that cannot be.

    >>> built({"use": "operators.encoders.text:TextEncoder", "params": {"seed": 3}}).seed
    3
    """
    module, _, name = part["use"].partition(":")
    try:
        factory = getattr(import_module(module), name)
        hints = get_type_hints(factory.__init__)
        params = {name: msgspec.convert(value, hints[name]) for name, value in part.get("params", {}).items()}
    except (ImportError, AttributeError, KeyError, ValueError, msgspec.ValidationError) as error:
        raise ValueError(f"encoder {part['use']!r}: {type(error).__name__}: {error}") from error
    return factory(**{name: value for name, value in given.items() if name in hints} | params)


def preset_names() -> tuple[str, ...]:
    """Return the names that ``preset`` knows."""
    return tuple(_presets())


def _presets() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("presets.toml").read_text())
