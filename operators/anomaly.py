"""What is not normal here, at a promised number of false alarms a day."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from math import isfinite, log10
from typing import Any, NamedTuple

from msgspec.structs import replace

from operators.alarms import Alarms, harmonic_mean
from operators.calibration import SUSPECT, Calibration
from operators.detector import Detector
from operators.encoders.presets import built
from operators.keeping import packed, unpacked
from operators.turns import turn_of
from pipeline.messages import NS, Event, Observation

DAY = 86_400 * NS

DETECTORS = (
    {"use": "operators.novelty:Novelty", "params": {}},
    {"use": "operators.disagreement:Disagreement", "params": {}},
    {"use": "operators.signals.watch:SignalWatch", "params": {}},
)

MAX_NAMES = 128
"""Of things that tell; the one unused for longest goes first."""

TOGETHER = "all together"
"""The name under which all others are taken together."""

RESOLUTION = 0.01
"""Of the mean of -log10 of p-values."""


class Anomaly:
    """Opens an event when a window is rarer among normal ones than ``false_alarms_per_day`` allows.

    Each of the ``detectors`` scores the window under several names. How often normal windows score as high is a p-value
    (``calibration.py``); so often do they have as much of the mean of all names' surprise, which is one more name. The
    window's p-value is the harmonic mean of them all: what one name alone says counts as by Bonferroni's inequality,
    what several say for more, and it hardly matters what they have in common (Wilson 2019, PNAS 116, 1195). The allowed
    share of the windows of a day, whose number follows from their stride, opens and closes events (``alarms.py``).

    Scored first, then learned, ``delay`` windows later so that windows that overlap do not vouch for each other. The
    first ``settle`` windows are taken for normal unless they are flagged, for which it takes two in a row: one that is
    rare alone tells how windows fall. After them nothing is learned that is suspect, flagged or not, nor what waited
    beside it. Yet what stays so for ``adapt`` windows is the new normal: it is learned, and an event of it closes as it
    is no longer strange; after twice as many, its scores are usual too. A name is asked once it has ``warm_up`` scores,
    and ``is_learning`` until then. ``memory`` scores of each name are kept.

    ``model`` names what made the embeddings; what was learned with one is refused by another.
    """

    def __init__(
        self,
        false_alarms_per_day: float = 24.0,
        detectors: Sequence[Mapping[str, Any]] = DETECTORS,
        memory: int = 2000,
        warm_up: int = 24,
        settle: int = 400,
        release: float = 30.0,
        quiet: int = 3,
        delay: int = 4,
        adapt: int = 60,
        model: str = "",
        source: str = "anomaly",
    ) -> None:
        if not 0 < false_alarms_per_day < 86_400:
            raise ValueError(f"false_alarms_per_day {false_alarms_per_day:g} must be above 0 and below one a second")
        if not 1 <= warm_up <= memory:
            raise ValueError(f"warm_up {warm_up} must be 1 to memory {memory}")
        if min(quiet, adapt) <= 0 or min(delay, settle) < 0 or release < 1:
            raise ValueError(
                f"quiet {quiet} and adapt {adapt} must be above 0, delay {delay} and settle {settle} not below, "
                f"release {release:g} 1 or more"
            )
        self.false_alarms_per_day = false_alarms_per_day
        self.detectors = detectors
        self.memory = memory
        self.warm_up = warm_up
        self.settle = settle
        self.release = release
        self.quiet = quiet
        self.delay = delay
        self.adapt = adapt
        self.model = model
        self.source = source
        self.scores: Mapping[str, float] = {}  # of the last window: -log10 of p-values by source/name, source/anomaly
        self.refused: Counter[str] = Counter()  # scores that were not finite, by name
        self._detectors: list[Detector] = [built(part) for part in detectors]
        self._calibrations: dict[str, Calibration] = {}
        self._waiting: deque[Observation] = deque()
        self._judged: deque[_Judged] = deque(maxlen=3)  # the last ones; the scores of that in the middle are learned
        self._num_strange = 0  # windows in a row
        self._num_seen = 0
        self._strides: deque[int] = deque(maxlen=9)
        self._end = 0
        self._alarms = Alarms(source, release, quiet)

    @property
    def is_learning(self) -> bool:
        """Whether nothing can be judged yet."""
        return not any(len(calibration) >= self.warm_up for calibration in self._calibrations.values())

    @property
    def is_settling(self) -> bool:
        """Whether windows are taken for normal as they come."""
        return self._num_seen < self.settle

    def __call__(self, observation: Observation) -> list[Event]:
        """Score the observation, then learn from it if it is normal."""
        window, scores = observation.window, self._scores(observation)
        p_values = self._p_values_with_all(scores)
        p_value = harmonic_mean(p_values)
        told = p_values | {"anomaly": p_value}
        self.scores = {f"{self.source}/{name}": -log10(p) for name, p in told.items()}

        def nearest(name: str) -> int:
            return next((end for it in self._detectors if (end := it.nearest(observation, name))), 0)

        events = self._alarms.judge(window, p_values, self._allowed(window.end), nearest)
        is_rare = self._alarms.is_rare
        self._learn(observation, scores, p_values, is_rare, is_rare or (not self.is_settling and p_value < SUSPECT))
        return events

    def finish(self) -> list[Event]:
        """Close what is open."""
        return self._alarms.finish()

    def _p_values_with_all(self, scores: dict[str, float]) -> dict[str, float]:
        """Return the p-values of ``scores`` with that of all together, whose score is put beside the others."""
        p_values = self.p_values(scores)
        if len(p_values) > 1:
            scores[TOGETHER] = -sum(log10(p) for p in p_values.values()) / len(p_values)
            self._calibration(TOGETHER, RESOLUTION)
            p_values |= self.p_values({TOGETHER: scores[TOGETHER]})
        return p_values

    def p_values(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return how often normal windows score as high, by name; a name that is still learning has none."""
        known = {name: self._calibrations[name] for name in scores if name in self._calibrations}
        return {name: it.p_value(scores[name]) for name, it in known.items() if len(it) >= self.warm_up}

    def state(self) -> bytes:
        """Return all that was learned, with the name of the model."""
        return packed(
            {
                "model": self.model,
                "num_seen": self._num_seen,
                "detectors": [
                    [part["use"], it.state()] for part, it in zip(self.detectors, self._detectors, strict=True)
                ],
                "calibrations": {name: [it.resolution, it.state()] for name, it in self._calibrations.items()},
            }
        )

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError if that was with another model, or other detectors."""
        learned = unpacked(state)
        if not isinstance(learned, dict) or learned.keys() != {"model", "num_seen", "detectors", "calibrations"}:
            raise ValueError(f"this is no state of {type(self).__name__}")
        if learned["model"] != self.model:
            raise ValueError(f"what is normal was learned with {learned['model']!r}; this is {self.model!r}")
        mine, theirs = [part["use"] for part in self.detectors], [use for use, _ in learned["detectors"]]
        if mine != theirs:
            raise ValueError(f"what is normal was learned by {', '.join(theirs)}; these are {', '.join(mine)}")
        self._num_seen = learned["num_seen"]
        for detector, (_, of_detector) in zip(self._detectors, learned["detectors"], strict=True):
            detector.restore(of_detector)
        for name, (resolution, of_calibration) in learned["calibrations"].items():
            self._calibration(name, resolution).restore(of_calibration)

    def _scores(self, observation: Observation) -> dict[str, float]:
        scores: dict[str, float] = {}
        for detector in self._detectors:
            for name, score in detector.score(observation).items():
                if isfinite(score):
                    scores[name] = score
                    self._calibration(name, detector.resolution)
                else:
                    self.refused[name] += 1
        return scores

    def _calibration(self, name: str, resolution: float) -> Calibration:
        """Return the calibration of ``name``, as the one used last."""
        known = self._calibrations.pop(name, None)
        calibration = Calibration(self.memory, resolution, turn_of(name)) if known is None else known
        self._calibrations[name] = calibration
        if len(self._calibrations) > MAX_NAMES:
            del self._calibrations[next(iter(self._calibrations))]
        return calibration

    def _allowed(self, end: int) -> float:
        """Return the share of windows that may be false alarms."""
        if self._end:
            self._strides.append(end - self._end)
        self._end = end
        stride = sorted(self._strides)[len(self._strides) // 2] if self._strides else NS
        return self.false_alarms_per_day * stride / DAY

    def _learn(
        self,
        observation: Observation,
        scores: Mapping[str, float],
        p_values: Mapping[str, float],
        is_rare: bool,
        is_strange: bool,
    ) -> None:
        self._num_seen += 1
        self._num_strange = self._num_strange + 1 if is_strange else 0
        if 0 < self._num_strange < self.adapt:
            self._waiting.clear()
        else:
            self._waiting.append(replace(observation, window=replace(observation.window, clips={})))
            if len(self._waiting) > self.delay:
                normal = self._waiting.popleft()
                for detector in self._detectors:
                    detector.learn(normal)
        self._judged.append(_Judged(scores, p_values, is_rare and self._num_strange < 2 * self.adapt, self.is_settling))
        if len(self._judged) == self._judged.maxlen:
            self._calibrate(*self._judged)

    def _calibrate(self, before: "_Judged", judged: "_Judged", after: "_Judged") -> None:
        """Learn the scores of a window that was not flagged: it was rare, and so was one beside it."""
        if judged.is_rare and (before.is_rare or after.is_rare):
            return
        for name, score in judged.scores.items():
            if name in self._calibrations:
                is_suspect = not judged.is_settling and judged.p_values.get(name, 1.0) < SUSPECT
                self._calibrations[name].learn(score, is_suspect)


class _Judged(NamedTuple):
    """One window's scores and p-values by name, whether it was rare and is not yet the new normal, and whether it was
    taken for normal as it came."""

    scores: Mapping[str, float]
    p_values: Mapping[str, float]
    is_rare: bool
    is_settling: bool
