"""What `rigbind bind` reads: one TOML file is one binding."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from pipeline.commands.bind.folders import Captioned, Pairs, Published
from pipeline.commands.bind.found import Found, Wanted
from pipeline.commands.bind.recordings import Recording
from pipeline.commands.bind.worlds import Simulator
from pipeline.config import Model, Sense, converted
from pipeline.errors import ConfigError


class Source(Protocol):
    """Where pairs are from."""

    def find(self, wanted: Wanted) -> list[Found]:
        """Return what is there. Raise ValueError or PipelineError if nothing can be."""


KINDS: Mapping[str, type[Struct]] = {
    "recording": Recording,
    "pairs": Pairs,
    "captioned": Captioned,
    "simulator": Simulator,
    "set": Published,
}


class Binding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sense, bound to the anchor by pairs from ``sources``; what comes of it is written into ``out``.

    ``model`` names the encoders of both, as in a rig file, and ``recipe`` how is learned, by as many ``workers``.
    """

    modality: Sense
    anchor: Sense = "vision"
    out: str
    model: Model = Model(engine="local")
    recipe: dict[str, Any] = {}
    workers: Annotated[int, Meta(ge=1)] = 1
    sources: list[dict[str, Any]] = []


def load(path: Path) -> tuple[Binding, list[Source]]:
    """Read a binding's file. Raise ConfigError with every mistake in it, each with its place."""
    try:
        raw = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    binding = converted(raw, Binding, str(path))
    sources: list[Source] = []
    mistakes: list[str] = []
    for index, source in enumerate(binding.sources):
        try:
            sources.append(source_of(source, f"{path}: sources[{index}]"))
        except ConfigError as error:
            mistakes += error.mistakes
    if binding.anchor == binding.modality:
        mistakes.append(f"{path}: anchor: {binding.anchor!r} is what is to be bound, and cannot be bound to itself")
    if not binding.sources:
        mistakes.append(f"{path}: sources: there is none; a [[sources]] has a kind: {', '.join(KINDS)}")
    if mistakes:
        raise ConfigError(mistakes)
    return binding, sources


def source_of(raw: Mapping[str, Any], place: str) -> Any:
    """Return the source that a table means. Raise ConfigError naming ``place``."""
    kind = str(raw.get("kind", ""))
    if kind not in KINDS:
        close = get_close_matches(kind, KINDS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"there is {', '.join(KINDS)}"
        raise ConfigError([f"{place}.kind: {repr(kind) if kind else 'missing'}; {hint}"])
    return converted(raw, KINDS[kind], place)
