"""Whether streams that see the same events see them at the same time, by what is in them and not by their stamps."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from operators.curve import BIN, CHUNK, MARGIN, TREND
from operators.episodes import Episodes
from operators.lag import MIN_CHUNKS
from operators.offset import Offset, offset
from operators.salience import SENSES, Sense
from operators.witness import Witness
from pipeline.messages import NS, Event, Observation, Window

CHUNK_S, FURTHEST_S = CHUNK * BIN / NS, MARGIN * BIN / NS

Comparison = tuple[str, str, Sense]
"""A topic, its reference, and the sense that they share."""

Step = Callable[[Window], Iterable[Event]]
"""Some of the work after a chunk, done in a window: what that changes."""


class Alignment:
    """Opens an event when one stream is behind another by more than ``tolerance_s``, and says by how much.

    A blow is in the IMU and in the sound, a turn in the gyroscope and in every picture. What each stream notices
    becomes a curve (`operators.salience`), and the curves of the last ``span_s`` are shifted against each other, by
    up to a second, until they are most alike (`operators.lag`). Each stream is compared with the first IMU, or where
    there is none with the first that shares a sense with it. Streams with nothing in common, at rest for example,
    have no offset, and an event that is open then stays so.

    An event opens once the offset is beyond the tolerance by its own uncertainty, after most of a minute at the
    earliest. Its label has the offset as it is known then, its evidence the surest since, in milliseconds; ± is two
    standard deviations. It closes when the offset is back within the tolerance; when it is beyond doubt another one,
    a new event opens. All of ``span_s`` has an equal say, so that a jump shows after half of it.

    Pictures must come more often than once a window, as they do with a ``context_s`` of some windows: of depth and
    thermal, whose default is one picture, nothing is said.
    """

    def __init__(self, tolerance_s: float = 0.03, span_s: float = 120.0, source: str = "alignment") -> None:
        if not 0 < tolerance_s < FURTHEST_S:
            raise ValueError(f"tolerance_s {tolerance_s} must be above 0 and below {FURTHEST_S:g}")
        if not MIN_CHUNKS * CHUNK_S <= span_s <= 3600:
            raise ValueError(f"span_s {span_s} must be {MIN_CHUNKS * CHUNK_S:g} to 3600")
        self.tolerance_s = tolerance_s
        self.span_s = span_s
        self.source = source
        self._num_chunks = round(span_s / CHUNK_S)
        self._witnesses: dict[str, Witness] = {}
        self._newest: int | None = None  # the last chunk that was complete
        self._due: deque[Step] = deque()
        self._offsets: dict[str, Offset] = {}
        self._open: dict[str, tuple[Offset, Episodes]] = {}  # what the label says, and the event

    def __call__(self, observation: Observation) -> list[Event]:
        """Listen; after each chunk cut the curves and compare them, a step a window, so that none waits long for it.

        Steps that had no window of their own by the next chunk are done then.
        """
        window = observation.window
        for topic, clip in window.clips.items():
            if clip.modality in SENSES:
                if topic not in self._witnesses:
                    self._witnesses[topic] = Witness(clip.modality, self._num_chunks)
                self._witnesses[topic].listen(clip)
        numbers = self._complete(window.end)
        now = [self._due.popleft() for _ in range(len(self._due) if numbers else min(1, len(self._due)))]
        self._due.extend(self._steps(numbers) if numbers else ())
        return [event for step in now for event in step(window)]

    def finish(self) -> list[Event]:
        """Close what is open."""
        return [event for _, episodes in self._open.values() for event in episodes.finish()]

    def offsets(self) -> list[Offset]:
        """Return what is known by now, within the tolerance or not, by topic."""
        return [self._offsets[topic] for topic in sorted(self._offsets)]

    def _complete(self, end: int) -> range:
        """Return the chunks that have become complete by ``end``, margins and all."""
        complete = (end // BIN - MARGIN - TREND) // CHUNK - 1
        before = complete if self._newest is None else max(self._newest, complete - self._num_chunks)
        self._newest = complete
        return range(before + 1, complete + 1)

    def _steps(self, numbers: range) -> Iterator[Step]:
        """Yield what is to be done once chunks are complete: curves are cut, and compared as soon as both are."""
        uncut = {(topic, sense) for topic, witness in self._witnesses.items() for sense in witness.curves}
        for topic, reference, sense in comparisons(self._witnesses):
            for name, leads in ((reference, True), (topic, False)):
                if (name, sense) in uncut:
                    uncut.remove((name, sense))
                    yield partial(self._cut_curve, name, sense, numbers, leads)
            yield partial(self._compare, topic, reference, sense)
        for name, sense in sorted(uncut):
            yield partial(self._cut_curve, name, sense, numbers, None)

    def _cut_curve(
        self, topic: str, sense: Sense, numbers: range, leads: bool | None, window: Window
    ) -> Iterable[Event]:
        """Cut a curve, and make it ready where it is to be compared, which is most likely by all that it has."""
        curve = self._witnesses[topic].curves[sense]
        for number in numbers:
            curve.cut(number)
        if curve.numbers and leads is not None:
            curve.spectra(sorted(curve.numbers), leads)
        return ()

    def _compare(self, topic: str, reference: str, sense: Sense, window: Window) -> Iterator[Event]:
        """Renew what is known of ``topic``, and yield what that changes."""
        self._offsets.pop(topic, None)
        curve, other = (self._witnesses[name].curves[sense] for name in (topic, reference))
        known = offset(topic, curve, reference, other)
        if known is None:
            return
        self._offsets[topic] = known
        excess_s = abs(known.offset_s) - self.tolerance_s
        if topic in self._open and (excess_s <= 0 or not known.agrees(self._open[topic][0])):
            yield from self._open.pop(topic)[1].finish()
        if topic not in self._open and excess_s > known.uncertainty_s:
            self._open[topic] = known, Episodes(f"{self.source}{topic}", str(known), self.source, quiet=1)
        if topic in self._open:
            yield from self._open[topic][1].seen(window, known.score, known.evidence)


def comparisons(witnesses: Mapping[str, Witness]) -> list[Comparison]:
    """Return each topic that shares a sense with an earlier one, that one, and the sense; IMUs come first.

    >>> rig = {"/mic": Witness("audio", 9), "/imu": Witness("imu", 9), "/cam": Witness("vision", 9)}
    >>> comparisons(rig)
    [('/cam', '/imu', 'motion'), ('/mic', '/imu', 'shock')]
    """
    order = sorted(witnesses, key=lambda topic: (witnesses[topic].modality != "imu", topic))
    found: dict[str, Comparison] = {}
    for topic in order:
        for sense in witnesses[topic].curves:
            reference = next(other for other in order if sense in witnesses[other].curves)
            if reference != topic:
                found.setdefault(topic, (topic, reference, sense))
    return list(found.values())
