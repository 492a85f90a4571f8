"""What embeddings throw away, as scores: faults that raw samples show, and motion, sound and numbers unlike the usual.

K = features of a topic in a window.
"""

from collections.abc import Mapping

from msgspec import Struct

from operators.keeping import packed, unpacked
from operators.signals.ear import Ear
from operators.signals.motion import motion_faults, motion_features, read_motion
from operators.signals.scales import Scales
from operators.signals.sight import picture_faults, thinned
from operators.signals.tape import Tape
from operators.signals.usual import Usual
from pipeline.messages import Array, Clip, Observation

REMEMBERED = 64
"""Windows whose features are kept until they are learned."""

PICTURES = 4
"""The last of a clip, that are looked at."""

UNLIKE = "unlike"


class Glimpse(Struct, frozen=True, eq=False):
    """The last picture of a topic that was looked at, (H, W) of it."""

    stamp: int
    picture: Array


class SignalWatch:
    """A ``Detector`` of raw samples: names are a topic and what is wrong with it, such as ``/imu saturated``.

    Faults are shares from 0 to 1 and are the same whatever was learned: what is usual of them, their calibration will
    find out. ``/imu unlike``, of motion, sound and streams of numbers, is how far the window's features are from those
    that were learned (see ``Usual``), about 1 for what is usual.

    ======  =======================================================================================
    imu     unlike, saturated, stuck, dead axis, missing
    audio   unlike, silent, clipped, stuck, hum, offset, missing
    vision  frozen, flat, dark, noise, dead pixels, blind
    thermal frozen, flat, dead pixels, blind
    depth   frozen, flat, blind: the share without return
    others  unlike, of samples that are a row of numbers
    ======  =======================================================================================
    """

    def __init__(self, memory: int = 1024, neighbours: int = 10, resolution: float = 0.02) -> None:
        Usual(memory, neighbours)  # says what is wrong with them
        if not resolution > 0:
            raise ValueError(f"resolution {resolution:g} must be above 0")
        self.memory = memory
        self.neighbours = neighbours
        self.resolution = resolution
        self._usual: dict[str, Usual] = {}  # by topic and K
        self._scales: dict[str, Scales] = {}  # by topic and numbers in a sample
        self._seen: dict[str, int] = {}  # up to which stamp a stream of numbers was read
        self._before: dict[str, Glimpse] = {}
        self._tapes: dict[str, Tape] = {}
        self._ears: dict[str, Ear] = {}
        self._features: dict[int, dict[str, Array]] = {}  # by the end of the window

    def score(self, observation: Observation) -> Mapping[str, float]:
        """Return how strange each topic of the window is, by what is strange."""
        scores: dict[str, float] = {}
        rows = self._features.setdefault(observation.window.end, {})
        if len(self._features) > REMEMBERED:
            del self._features[next(iter(self._features))]
        for topic, clip in observation.window.clips.items():
            faults, row_K = self._look(clip)
            scores |= {f"{topic} {fault}": value for fault, value in faults.items()}
            if row_K is not None:
                rows[topic] = row_K
                if (unlike := self._usual_of(topic, row_K).score(row_K)) is not None:
                    scores[f"{topic} {UNLIKE}"] = unlike
        return scores

    def learn(self, observation: Observation) -> None:
        """Take the window's features for usual."""
        end = observation.window.end
        for topic, row_K in self._features.get(end, {}).items():
            self._usual_of(topic, row_K).learn(row_K, end)

    def nearest(self, observation: Observation, name: str) -> int:
        """Return the end of the window whose features are most alike; faults compare with nothing, which is 0."""
        topic, _, what = name.partition(" ")
        row_K = self._features.get(observation.window.end, {}).get(topic)
        return self._usual_of(topic, row_K).nearest(row_K) if what == UNLIKE and row_K is not None else 0

    def state(self) -> bytes:
        """Return all that was learned, as msgpack."""
        return packed(
            {
                "memory": [self.memory, self.neighbours],
                "usual": {name: usual.state() for name, usual in self._usual.items()},
            }
        )

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError if it is of a watch with another memory."""
        kept = unpacked(state)
        refused = f"this state is of no SignalWatch with memory {self.memory}, neighbours {self.neighbours}"
        if not isinstance(kept, dict) or kept.get("memory") != [self.memory, self.neighbours]:
            raise ValueError(refused)
        try:
            usual = {name: Usual(self.memory, self.neighbours) for name in kept["usual"]}
            for name, each in usual.items():
                each.restore(kept["usual"][name])
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{refused}: {error!r}") from error
        self._usual = usual

    def _usual_of(self, topic: str, row_K: Array) -> Usual:
        """Return what is usual for a topic; it is another thing for an IMU that has lost its gyroscope."""
        name = f"{topic} {len(row_K)}"
        if name not in self._usual:
            self._usual[name] = Usual(self.memory, self.neighbours)
        return self._usual[name]

    def _look(self, clip: Clip) -> tuple[Mapping[str, float], Array | None]:
        """Return a clip's faults and its features, if it has some."""
        match clip.modality:
            case "imu":
                readings_TA = self._tapes.setdefault(clip.topic, Tape(read_motion)).play(clip.samples)
                return motion_faults(readings_TA), motion_features(readings_TA)
            case "audio":
                return self._ears.setdefault(clip.topic, Ear()).hear(clip)
            case "vision" | "thermal" | "depth":
                return self._pictures(clip), None
        return {}, self._numbers(clip)

    def _pictures(self, clip: Clip) -> Mapping[str, float]:
        samples, before = clip.samples[-PICTURES:], self._before.get(clip.topic)
        if before is not None and before.stamp >= samples[0].stamp:
            before = None
        looked = [thinned(sample.data) for sample in samples]
        self._before[clip.topic] = Glimpse(samples[-1].stamp, looked[-1])
        return picture_faults(clip.modality, looked, before.picture if before else None)

    def _numbers(self, clip: Clip) -> Array | None:
        """Return where the numbers of a clip stand, or None while too little was seen, or if they are no row."""
        row_K, seen = None, self._seen.get(clip.topic, -1)
        for sample in clip.samples:
            if sample.data.ndim == 1 and sample.stamp > seen:
                scales = self._scales.setdefault(f"{clip.topic} {sample.data.size}", Scales())
                seen_K = scales.see(sample.data)
                row_K = seen_K if scales.is_warm else None
                self._seen[clip.topic] = sample.stamp
        return row_K
