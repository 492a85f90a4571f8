"""A rig as one typed TOML file: defaults live here, files hold differences, unknown keys are errors.

Durations end in ``_s``; everything else that counts time is integer nanoseconds.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, field

from pipeline.errors import ConfigError
from pipeline.messages import MODALITIES, NS, Calibration, Execution, Modality

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Topic = Annotated[str, Meta(pattern=r"^/[A-Za-z0-9_/.-]+$")]
Sense = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]
"""A modality: one that rigbind knows, or one of the rig's own, which model.encoders names an encoder for."""
S = TypeVar("S", bound=Struct)

STREAMS = tuple(modality for modality in MODALITIES if modality != "text")
"""Modalities that a channel can have without more ado."""

OWN_TOPICS = "/rigbind/"
"""Begins the topics under which a recording keeps what is no sample."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """One object of the line: ``use = "module:Name"`` and the parameters of its constructor."""

    use: str
    params: dict[str, Any] = {}


class Rig(Struct, frozen=True, forbid_unknown_fields=True):
    """Who this is."""

    name: str = "rig"


class Bus(Struct, frozen=True, forbid_unknown_fields=True):
    """Where samples come in and events go out. Ingest binds ``address``, sensors connect to it."""

    address: str = "tcp://127.0.0.1:5570"
    events: str = "tcp://127.0.0.1:5571"
    control: str = "tcp://127.0.0.1:5572"  # where a run takes commands; empty takes none
    feed: str = "tcp://127.0.0.1:5573"  # where a run shows itself to pages
    max_message_mb: Positive = 32.0  # a 4K RGB frame is 25 MB
    queue_s: Positive = 2.0  # how much of each topic may wait for the synchronizer before the oldest is superseded


class Windowing(Struct, frozen=True, forbid_unknown_fields=True):
    """How streams are cut: a window ends at every multiple of ``stride_s``."""

    length_s: Positive = 2.0
    stride_s: Positive = 0.5
    lateness_s: NotNegative = 0.05  # how far out of order a stream's samples may come and still be used
    deadline_s: NotNegative = 0.2  # live only: a window leaves this long after its end with what is there
    dead_s: Positive = 2.0  # a stream this far behind the others is no longer waited for
    context_s: dict[Sense, NotNegative] = field(
        default_factory=lambda: {"vision": 2.0, "audio": 2.0, "imu": 5.0, "depth": 0.0, "thermal": 0.0}
    )  # what each modality's encoder looks back over from the window's end; 0 is the frame nearest the centre


class Channel(Struct, frozen=True, forbid_unknown_fields=True):
    """One stream of the rig."""

    topic: Topic
    modality: Sense
    rate_hz: Positive  # messages a second
    context_s: NotNegative | None = None  # instead of that of the modality in window.context_s
    codec: Literal["raw", "zstd", "jpeg", "png"] = "raw"  # how `rigbind sense` packs its samples
    calibration: Calibration = Calibration()
    sensor: Part | None = None  # the driver that `rigbind sense` runs; none for a stream from elsewhere

    @property
    def period(self) -> int:
        """Nanoseconds between messages."""
        return round(NS / self.rate_hz)


class Model(Struct, frozen=True, forbid_unknown_fields=True):
    """One encoder a modality, and where they run. ``encoders`` override those of the preset."""

    preset: str | dict[Modality, str] = "mini"  # one for all, or one for each modality
    encoders: dict[Sense, Part] = {}
    fusion: Part = Part("operators.fusion:CrossAttention")
    engine: Literal["local", "serve"] = "serve"
    deadline_s: Positive = 1.0  # an encoder that has not answered by then is absent from the window
    max_in_flight: Annotated[int, Meta(ge=1)] = 4  # live: a window that finds this many under way is skipped
    threads: Annotated[int, Meta(ge=1)] = 1  # of torch, in each encoder
    execution: Execution = Execution()


class Security(Struct, frozen=True, forbid_unknown_fields=True):
    """CURVE keys for every address that is not this host's own."""

    keys: str = ""  # a folder made by `rigbind keys`
    insecure: bool = False  # say yes to clear text on a network


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    """What `run` and `record` keep. With segments, a quota or ``mode`` "events" it is a folder, else one file."""

    path: str = ""  # new; dates as strftime writes them: "box/%Y%m%d-%H%M%S"; empty records nothing
    mode: Literal["all", "events"] = "all"  # or only what lies around events
    segment_s: NotNegative = 0.0  # another file after so long, and after so much; 0 is never
    segment_mb: NotNegative = 0.0
    quota_gb: NotNegative = 0.0  # beyond it the oldest files go, those with warnings last; 0 is no bound
    before_s: NotNegative = 10.0  # in mode "events": from so long before an event
    after_s: NotNegative = 10.0  # to so long after the last that was said of it

    @property
    def is_split(self) -> bool:
        """Whether it is a folder of files."""
        return self.mode == "events" or bool(self.segment_s or self.segment_mb or self.quota_gb)


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """One rig."""

    channels: list[Channel] = []
    rig: Rig = Rig()
    bus: Bus = Bus()
    window: Windowing = Windowing()
    model: Model = Model()
    operators: list[Part] = []
    sinks: list[Part] = []
    record: Recording = Recording()
    security: Security = Security()


def load(path: Path) -> Config:
    """Read a rig file, in TOML, or in JSON as recordings have it.

    Raise ConfigError with every mistake in it, each with its place.
    """
    try:
        raw = (json if path.suffix == ".json" else tomllib).loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error
    return parse(raw, str(path))


def parse(raw: Mapping[str, Any], name: str = "config") -> Config:
    """Turn plain data into a Config. Raise ConfigError with every mistake in it, each with its place.

    >>> parse({"window": {"length_s": 1}}).window.length_s
    1.0
    >>> parse({"window": {"lenght_s": 1, "stride_s": "fast"}}, "rig.toml")
    Traceback (most recent call last):
    ...
    pipeline.errors.ConfigError: rig.toml: window.lenght_s: unknown key; did you mean `length_s`?
    rig.toml: window.stride_s: Expected `float`, got `str`: 'fast'
    """
    config = converted(raw, Config, name)
    if mistakes := list(_contradictions(config)):
        raise ConfigError([f"{name}: {mistake}" for mistake in mistakes])
    return config


def converted(raw: Any, kind: type[S], name: str) -> S:
    """Turn plain data into a ``kind``. Raise ConfigError with all that keeps it from being one, each with its place."""
    if mistakes := list(_mistakes(raw, kind, "")):
        raise ConfigError([f"{name}: {mistake}" for mistake in mistakes])
    return msgspec.convert(raw, kind)


def _mistakes(value: Any, kind: Any, place: str) -> Iterator[str]:
    """Say all that keeps ``value`` from being a ``kind``; msgspec alone stops at the first."""
    struct = next((k for k in (kind, *get_args(kind)) if isinstance(k, type) and issubclass(k, Struct)), None)
    if get_origin(kind) is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mistakes(item, get_args(kind)[0], f"{place}[{index}]")
    elif get_origin(kind) is dict and isinstance(value, dict):
        key_kind, item_kind = get_args(kind)
        for key, item in value.items():
            yield from _mistakes(key, key_kind, f"{place}.{key}")
            yield from _mistakes(item, item_kind, f"{place}.{key}")
    elif struct is not None and get_origin(kind) not in (list, dict) and isinstance(value, dict):
        yield from _field_mistakes(value, struct, f"{place}." if place else "")
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            yield f"{place or 'the file'}: {str(error).split(' - at')[0]}: {value!r}"


def _field_mistakes(value: Mapping[str, Any], struct: type[Struct], prefix: str) -> Iterator[str]:
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    for key, item in value.items():
        if key in fields:
            yield from _mistakes(item, fields[key].type, prefix + key)
        else:
            yield f"{prefix}{key}: unknown key; {_meant(key, list(fields))}"
    for name, known in fields.items():
        if known.required and name not in value:
            yield f"{prefix}{name}: missing"


def _contradictions(config: Config) -> Iterator[str]:
    """Say what is well-formed and still cannot be."""
    window = config.window
    if window.stride_s > window.length_s:
        yield f"window.stride_s: {window.stride_s} exceeds length_s {window.length_s}: samples between would be lost"
    for modality, context_s in window.context_s.items():
        if 0 < context_s < window.stride_s:
            yield f"window.context_s.{modality}: {context_s} is less than stride_s {window.stride_s}, and not 0"
    if window.dead_s <= window.lateness_s:
        yield f"window.dead_s: {window.dead_s} must exceed lateness_s {window.lateness_s}"
    if config.record.is_split and config.record.path.endswith(".mcap"):
        yield f'record.path: {config.record.path!r} is one file; segments, a quota and mode "events" need a folder'
    yield from _strangers(config)
    seen: dict[str, int] = {}
    for index, channel in enumerate(config.channels):
        place = f"channels[{index}]"
        if channel.topic in seen:
            yield f"{place}.topic: {channel.topic!r} is already channels[{seen[channel.topic]}]"
        seen.setdefault(channel.topic, index)
        if channel.topic.startswith(OWN_TOPICS):
            yield f"{place}.topic: {channel.topic!r}: what begins with {OWN_TOPICS} is a recording's own"
        if channel.context_s and channel.context_s < window.stride_s:
            yield f"{place}.context_s: {channel.context_s} is less than stride_s {window.stride_s}, and not 0"
        if channel.modality == "audio" and channel.calibration.sample_rate_hz <= 0:
            yield f"{place}.calibration.sample_rate_hz: audio needs one, {channel.topic!r} has none"
        is_own = channel.modality in config.model.encoders and channel.modality not in MODALITIES
        if is_own and min(channel.calibration.shape, default=0) < 1:
            yield f"{place}.calibration.shape: a modality of your own needs that of one sample, such as [3]"


def _strangers(config: Config) -> Iterator[str]:
    """Say which modalities nobody knows: of a channel, and no encoder is named for it; elsewhere, and none has it."""
    own = {str(modality) for modality in config.model.encoders}.difference(MODALITIES)
    used = {channel.modality for channel in config.channels}
    for index, channel in enumerate(config.channels):
        if channel.modality not in STREAMS and channel.modality not in own:
            yield (
                f"channels[{index}].modality: {channel.modality!r}: {_meant(channel.modality, STREAMS)}; "
                f"one of your own needs its encoder in model.encoders.{channel.modality}"
            )
    for place, named in (("window.context_s", config.window.context_s), ("model.encoders", config.model.encoders)):
        for modality in named:
            if modality not in MODALITIES and modality not in used:
                yield f"{place}.{modality}: no channel has this modality; {_meant(modality, MODALITIES)}"


def _meant(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"
