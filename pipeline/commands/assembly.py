"""A config becomes a line: the one place where presets, parts, engine and sinks meet."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operators.encoders.presets import mixed, preset
from operators.encoders.provenance import digest_of
from pipeline.build import build, check
from pipeline.config import Config, Model, Part, load
from pipeline.engine import Engine, Local, build_encoder, build_encoders, unlike
from pipeline.errors import ConfigError, SecurityError
from pipeline.line import Line
from pipeline.logs.recorder import Recorder
from pipeline.logs.rows import WindowRow
from pipeline.messages import Fusion, Operator, Sink
from pipeline.security import allow


def load_checked(path: Path) -> Config:
    """Read a rig file. Raise ConfigError with all that is wrong in it, its parts' parameters included."""
    config = load(path)
    mistakes = list(mistakes_of(config)) or list(unlike_dimensions(config))
    if mistakes:
        raise ConfigError([f"{path}: {mistake}" for mistake in mistakes])
    return config


def mistakes_of(config: Config) -> Iterator[str]:
    """Say what is wrong with the parts of a well-formed config, without building them."""
    if not config.channels:
        yield "channels: a rig has at least one"
    try:
        parts = encoder_parts(config)
    except ConfigError as error:
        yield from error.mistakes
        parts = {str(modality): part for modality, part in config.model.encoders.items()}
    for modality, part in parts.items():
        yield from check(part, f"model.encoders.{modality}")
    yield from check(config.model.fusion, "model.fusion")
    for index, channel in enumerate(config.channels):
        if channel.sensor is not None:
            yield from check(channel.sensor, f"channels[{index}].sensor")
    for name, group in (("operators", config.operators), ("sinks", config.sinks)):
        for index, part in enumerate(group):
            yield from check(part, f"{name}[{index}]")
    if config.security.keys and not os.path.isdir(config.security.keys):
        yield f"security.keys: {config.security.keys!r} is no folder; make it with `rigbind keys`"
    for name in ("address", "events", "control"):
        address = getattr(config.bus, name)
        try:
            if address or name != "control":
                allow(address, config.security)
        except SecurityError as error:
            yield f"bus.{name}: {error}"


def space_of(preset: str | Mapping[Any, str]) -> str:
    """Return the space that a preset is of; none for a mixed one."""
    names = {preset} if isinstance(preset, str) else set(preset.values())
    return names.pop() if len(names) == 1 else ""


def unlike_dimensions(config: Config) -> Iterator[str]:
    """Say which encoders of a config without other mistakes do not share one space; no weights are loaded for it."""
    parts = encoder_parts(config)
    if text := text_part(config):
        parts["text"] = text
    try:
        encoders = {modality: build_encoder(modality, part, config.model) for modality, part in parts.items()}
    except ConfigError as error:
        yield from error.mistakes
    else:
        yield from unlike(encoders)


def model_parts(model: Model) -> dict[str, Part]:
    """Return every encoder of the preset, or what the config says instead. Raise ConfigError for an unknown preset."""
    try:
        if isinstance(model.preset, str):
            named = preset(model.preset)
        else:
            named = mixed({str(modality): name for modality, name in model.preset.items()})
    except ValueError as error:
        raise ConfigError([f"model.preset: {error}"]) from error
    parts = {modality: Part(**part) for modality, part in named.items()}
    return parts | {str(modality): part for modality, part in model.encoders.items()}


def text_part(config: Config) -> Part | None:
    """Return the model's text encoder, if it has one."""
    return model_parts(config.model).get("text")


def encoder_parts(config: Config) -> dict[str, Part]:
    """Return the encoder of every modality that a channel has.

    Raise ConfigError for an unknown preset or a modality without encoder.
    """
    parts = model_parts(config.model)
    modalities = dict.fromkeys(channel.modality for channel in config.channels)
    missing = [modality for modality in modalities if modality not in parts]
    if missing:
        raise ConfigError([f"model.encoders.{modality}: missing, and a channel needs it" for modality in missing])
    return {modality: parts[modality] for modality in modalities}


def assemble(
    config: Config,
    extra_sinks: list[Sink] | None = None,
    record: Path | None = None,
    recorded: Mapping[int, WindowRow] | None = None,
    is_replay: bool = False,
) -> Line:
    """Build the line of ``config``; its engine still has to be started.

    ``record`` is the file to record into, ``recorded`` the windows of a run to repeat; in a replay, of a run or of any
    log, windows may be encoded in batches. Raise ConfigError, EngineError,
    or LogError for a file that cannot be written.
    """
    given: dict[str, Any] = {
        "address": config.bus.events,
        "security": config.security,
        "feed": config.bus.feed,
        "channels": config.channels,
        "modalities": {channel.topic: channel.modality for channel in config.channels},
        "rig": config.rig.name,
        "model": space_of(config.model.preset),
    }
    fuse, operators = minds(config)
    sinks = [build(part, f"sinks[{index}]", **given) for index, part in enumerate(config.sinks)]
    engine = build_engine(config, in_batches=is_replay)
    model = model_name(config)
    recorder = Recorder(record, config, f"{model}{_weights(engine)}") if record else None
    return Line(config, engine, fuse, operators, [*sinks, *(extra_sinks or [])], recorder, recorded, model)


def again(line: Line) -> Line:
    """Return a line with the engine and the sinks of ``line`` that remembers nothing of what passed it."""
    fuse, operators = minds(line.config)
    return Line(line.config, line.engine, fuse, operators, line.sinks, None, line.recorded, model_name(line.config))


def minds(config: Config) -> tuple[Fusion, list[Operator]]:
    """Build what remembers windows. Raise ConfigError."""
    text = text_part(config)
    parts = model_parts(config.model)
    encoders = {modality: {"use": part.use, "params": part.params} for modality, part in parts.items()}
    given: dict[str, Any] = {"model": model_name(config), "encoders": encoders}
    if text:
        given["text"] = {"use": text.use, "params": text.params}
    fuse: Fusion = build(config.model.fusion, "model.fusion", space=space_of(config.model.preset))
    return fuse, [build(part, f"operators[{index}]", **given) for index, part in enumerate(config.operators)]


def model_name(config: Config) -> str:
    """Return the encoders of ``config`` in one line, for whoever reads its recording."""
    parts = encoder_parts(config)
    return ", ".join(f"{modality} {part.use} {part.params}" for modality, part in parts.items())


def _weights(engine: Engine) -> str:
    digest = digest_of(engine.encoders.values())
    return f"; weights sha256 {digest}" if digest else ""


def build_engine(config: Config, in_batches: bool = False) -> Engine:
    """Build the engine of ``config``, on the backend that it names; ``in_batches`` is for one in this process."""
    parts = encoder_parts(config)
    encoders = build_encoders(config.model, parts, parts)
    if config.model.engine == "local":
        return Engine(encoders, Local(encoders, in_batches), config.model.deadline_s)
    backend = build(Part("pipeline.serve:Serve"), "model.engine", model=config.model, parts=parts)
    return Engine(encoders, backend, config.model.deadline_s)
