"""The nouns and the protocols of rigbind; imports nothing of ours.

Every time is integer nanoseconds since the epoch and every interval is half open, ``[start, end)``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, get_args, runtime_checkable

import numpy.typing as npt
from msgspec import Meta, Struct
from msgspec.structs import replace

Array = npt.NDArray[Any]
Modality = Literal["vision", "text", "audio", "depth", "thermal", "imu"]
MODALITIES: tuple[str, ...] = get_args(Modality)
"""Those that rigbind knows. A rig may have others, for which its model section names an encoder."""

Phase = Literal["opened", "updated", "closed"]
Closing = Literal["watermark", "deadline", "end"]
Severity = Literal["info", "warning", "critical"]
State = Literal["init", "ok", "late", "stale", "dead", "recovered"]
"""Of a stream, as a window sees it: never heard, as due, a sample or two behind, silent for longer, given up, back."""

NS = 1_000_000_000
"""Nanoseconds in a second."""

FOREVER = 1 << 63
"""A time after all that 64 bits can hold."""


class Sample(Struct, frozen=True, kw_only=True, eq=False):  # eq=False: ndarrays do not compare to one bool
    """One reading of one sensor.

    ``data`` by modality:

    ========  =======================  ======================================================================
    vision    (H, W, 3) uint8          RGB; (H, W) uint8 is grey
    audio     (n,) or (n, C)           int16, or float in [-1, 1]; ``stamp`` is the time of the first of the n
    depth     (H, W)                   uint16 millimetres, 0 = no return; or float metres, NaN = no return
    thermal   (H, W)                   uint16 centikelvin, float °C (NaN = dead), or uint8 grey
    imu       (6,) float               ax ay az in m/s² with gravity, gx gy gz in rad/s; (3,) has no gyroscope;
                                       other units are named by the channel's calibration
    another   of calibration.shape     finite numbers; what they mean, the encoder of this modality knows
    ========  =======================  ======================================================================
    """

    topic: str
    stamp: int  # when the sensor took it, not when we got it
    frame_id: str
    seq: int
    data: Array


class Compressed(Struct, frozen=True, eq=False):
    """The bytes that a picture was unpacked from, a file of that format."""

    format: Literal["jpeg", "png"]
    data: bytes


class Received(Struct, frozen=True, kw_only=True, eq=False):
    """A sample as it came in: from a socket, or from a log, where ``received`` is the log's own time."""

    sample: Sample
    received: int
    sent: int = 0  # 0: the sender did not say
    session: str = ""  # random per start of the sender; empty in a log
    compressed: Compressed | None = None  # where the picture came so, and a recording can keep it so


class Calibration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the data of one channel means: constants its samples do not carry."""

    sample_rate_hz: float = 0.0  # audio only: samples a second in a chunk
    time_offset_s: float = 0.0  # added to every stamp: exposure, cable and driver delays found by calibration
    focal_px: float = 0.0  # depth only: focal length in the frame's own pixels; 0 is not known
    baseline_m: float = 0.0  # depth only: between the two eyes of the camera; 0 is not known
    acceleration_unit: Literal["m/s2", "g"] = "m/s2"  # imu only
    rotation_unit: Literal["rad/s", "deg/s"] = "rad/s"  # imu only
    shape: tuple[int, ...] = ()  # of one sample, only of a modality that is not one of MODALITIES


class Execution(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How encoders compute."""

    device: str = "auto"  # "cpu", "cuda", "cuda:1"; auto is a GPU where there is one
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    compile: bool = False  # by torch.compile: slow to start, then faster


class Clip(Struct, frozen=True, kw_only=True, eq=False):
    """The samples of one topic that one window hands to its encoder, by stamp, all in ``[start, end)``."""

    topic: str
    modality: str
    start: int
    end: int
    samples: tuple[Sample, ...]  # never empty: a topic without samples has no clip
    coverage: float  # share of [start, end) that samples cover, in (0, 1]
    pairing_error: int = 0  # nanoseconds from the clip's centre to the sample nearest to it
    calibration: Calibration = Calibration()


class Window(Struct, frozen=True, kw_only=True, eq=False):
    """What the whole rig sensed in ``[start, end)``.

    ``coverage`` names every topic of the rig: 0 is absent, below 1 is partial; so does ``states``. ``clocks`` says of
    topics whose stamps could not be taken as they came what was wrong and done; ``ledger`` is where every sample of a
    topic had gone by cause, since the start, when the window closed.
    """

    start: int
    end: int
    clips: Mapping[str, Clip]
    coverage: Mapping[str, float]
    closed_by: Closing = "watermark"
    states: Mapping[str, State] = {}
    clocks: Mapping[str, tuple[str, ...]] = {}
    ledger: Mapping[str, Mapping[str, int]] = {}

    @property
    def absent(self) -> tuple[str, ...]:
        """Topics without one sample."""
        return tuple(topic for topic, share in self.coverage.items() if share == 0)

    @property
    def partial(self) -> tuple[str, ...]:
        """Topics with a hole in what they should have covered."""
        return tuple(topic for topic, share in self.coverage.items() if 0 < share < 1)


class Embedding(Struct, frozen=True, kw_only=True, eq=False):
    """A clip's place in the joint space: ``vector`` is (D,) float32 of unit length, ``stamp`` the clip's end."""

    topic: str
    modality: str
    stamp: int
    vector: Array


class Observation(Struct, frozen=True, kw_only=True, eq=False):
    """A window with its meaning.

    ``fused`` is (D,) float32 of unit length, or all zeros when no modality answered; ``weights`` says how much
    each topic spoke for it and sums to 1, or is empty. ``scores`` is what operators made of it, for viewers: those of
    an operator begin with its source, as ``tagging/fire``; an operator itself never sees any.
    """

    window: Window
    embeddings: Mapping[str, Embedding]
    fused: Array
    weights: Mapping[str, float]
    scores: Mapping[str, float] = {}


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened in ``[start, end)``, as one operator sees it.

    One ``id`` is opened once, updated any number of times and closed once; ``end`` grows meanwhile. ``evidence`` names
    what spoke for it and how loudly; the rest is what a person wants to see of it, of the window that it was strongest
    in, and empty where nobody gathered it.
    """

    id: str
    phase: Phase
    start: int
    end: int
    label: str
    score: float
    source: str
    evidence: Mapping[str, float] = {}
    severity: Severity = "info"
    weights: Mapping[str, float] = {}  # by topic: how much it spoke for the fused vector
    history: tuple[float, ...] = ()  # the score of each window since it opened
    nearest: int = 0  # end of the normal window that was most alike, nanoseconds; 0 where none is known
    pictures: Mapping[str, bytes] = {}  # by topic: a JPEG
    sounds: Mapping[str, bytes] = {}  # by topic: a WAV


Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sentence = Annotated[str, Meta(min_length=1, max_length=300)]
Bounds = Meta(max_length=64)
"""Of what one label may have of anything: commands come from elsewhere."""


class Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is what a label means: a sound, a picture, a clip or a mix of them, as a vector of the space.

    ``vector`` is (D,), of any length but 0; ``name`` tells a person what it was.
    """

    modality: Name
    vector: Annotated[tuple[float, ...], Meta(min_length=1, max_length=8192)]
    name: Sentence = "example"


class SetLabel(Struct, frozen=True, kw_only=True, tag="set_label", forbid_unknown_fields=True):
    """Look for ``label`` from now on, or for this under its name.

    It needs a prompt or an example. A ``threshold`` of 0 is that of the tagger; ``modalities`` may speak for it, and
    all of them where none is named; without a ``severity`` its events have that which they had, or "info". With
    ``keep_examples`` those that it had stay.
    """

    label: Name
    prompts: Annotated[tuple[Sentence, ...], Bounds] = ()
    examples: Annotated[tuple[Example, ...], Bounds] = ()
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    modalities: Annotated[tuple[Name, ...], Bounds] = ()
    severity: Severity | None = None
    keep_examples: bool = False


class DropLabel(Struct, frozen=True, kw_only=True, tag="drop_label", forbid_unknown_fields=True):
    """Look for ``label`` no more; an open event of it closes."""

    label: Name


class Mark(Struct, frozen=True, kw_only=True, tag="mark", forbid_unknown_fields=True):
    """A person says that the event of this id was what it is called, or was not."""

    event: Annotated[str, Meta(min_length=1, max_length=256)]
    right: bool


class Restore(Struct, frozen=True, kw_only=True, tag="restore", forbid_unknown_fields=True):
    """Operator number ``operator`` goes on from what it had learned before a restart. Never comes from outside."""

    operator: int
    state: bytes


Command = SetLabel | DropLabel | Mark | Restore
"""What changes operators while they run; recorded in its place, so that a replay repeats it."""


class Label(Struct, frozen=True, kw_only=True):
    """What is looked for, as a tagger tells it. ``alike`` are other labels that mean nearly the same, and their cosine.

    ``probability`` is that of the last window; ``right`` and ``wrong`` count the events that persons marked. ``vector``
    is where it is in the joint space: little-endian float32.
    """

    label: str
    prompts: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    threshold: float = 0.0
    modalities: tuple[str, ...] = ()
    severity: Severity = "info"
    alike: Mapping[str, float] = {}
    probability: float = 0.0
    right: int = 0
    wrong: int = 0
    vector: bytes = b""


class Hit(Struct, frozen=True, kw_only=True, eq=False):
    """A moment that a query found: its best row, and how long it lasts with all that overlap.

    ``score`` is in standard deviations of what rows of its modality are alike to the query, ``cosine`` as it is.
    """

    topic: str
    modality: str
    log: str
    rig: str
    start: int
    end: int
    score: float
    cosine: float
    tags: tuple[str, ...] = ()
    anomaly: float = 0.0
    thumbnail: bytes = b""  # JPEG
    metadata: Mapping[str, str | float | bool] = {}

    def joined(self, other: "Hit") -> "Hit":
        """Return the better of both, for as long as both last."""
        best = self if self.score >= other.score else other
        return replace(
            best,
            start=min(self.start, other.start),
            end=max(self.end, other.end),
            tags=tuple(sorted({*self.tags, *other.tags})),
            anomaly=max(self.anomaly, other.anomaly),
        )


@runtime_checkable
class Sensor(Protocol):
    """An iterable of samples with rising ``seq``; iteration blocks at the device's own pace."""

    topic: str

    def __iter__(self) -> Iterator[Sample]: ...


@runtime_checkable
class Encoder(Protocol):
    """Turns clips of one modality into unit vectors; stateless, so that replicas are interchangeable."""

    modality: str

    @property
    def dim(self) -> int:
        """D, known without loading any weights."""

    def prepare(self, clip: Clip) -> Array:
        """Model-sized input of one clip: small enough to travel. Runs beside the synchronizer."""

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows, one per prepared clip of (N, ...). Runs where the GPU is."""


@runtime_checkable
class TextEncoder(Protocol):
    """Turns sentences into unit vectors of the same space."""

    modality: str

    @property
    def dim(self) -> int:
        """D, that of the other senses' encoders."""

    def tokenize(self, texts: Sequence[str]) -> Array:
        """Return (N, L) integer tokens, one row per text."""

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows, one per row of tokens."""


class Fusion(Protocol):
    """Makes one vector of a window's embeddings; any subset of topics, also none."""

    def __call__(self, window: Window, embeddings: Sequence[Embedding]) -> Observation: ...


@runtime_checkable
class Operator(Protocol):
    """Sees every observation in order and says what happened."""

    def __call__(self, observation: Observation) -> Iterable[Event]: ...

    def finish(self) -> Iterable[Event]:
        """Close what is still open; the stream has ended."""


@runtime_checkable
class Scoring(Protocol):
    """An operator that tells what it makes of every window, not only of those with events."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Of the last window, by ``source/name``; ``source/label`` is that of an open event."""


@runtime_checkable
class Obeying(Protocol):
    """An operator that can be changed while it runs."""

    def obey(self, command: Command) -> Iterable[Event] | None:
        """Return what this opens, updates or closes, or None for a command that is not for this operator.

        Raise ValueError for one that is, and cannot be.
        """


@runtime_checkable
class Remembering(Protocol):
    """An operator whose learning outlives a restart."""

    def state(self) -> bytes:
        """Return all that was learned."""

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError where that cannot be."""


@runtime_checkable
class Labelling(Protocol):
    """An operator that looks for things by name."""

    def known(self) -> tuple[Label, ...]:
        """Return what is looked for."""


@runtime_checkable
class Sink(Protocol):
    """Where events go."""

    def write(self, event: Event) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class Viewer(Protocol):
    """A sink that also wants to see what comes in and what was made of it. None of its methods may wait."""

    def sample(self, received: Received) -> None:
        """Take note of a sample as it came in; a viewer that cannot keep up keeps the newest."""

    def show(self, observation: Observation) -> None:
        """Take note of an observation, after its events were written."""

    def write(self, event: Event) -> None: ...

    def close(self) -> None: ...
