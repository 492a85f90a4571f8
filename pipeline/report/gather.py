"""What a page needs of a replay, gathered as it passes and small however long it is; N = windows, D = dimension."""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.config import Channel
from pipeline.messages import NS, Array, Clip, Event, Observation, Received, Sample
from pipeline.report.hearing import Spectrogram
from pipeline.report.motion import Motion
from pipeline.thumbnail import picture

MAX_PICTURES = 48
"""Of each topic; beyond, every other one goes and they come half as often."""

SEEN = ("vision", "depth", "thermal")


class Pictures:
    """Thumbnails of one topic at about equal distances, never more than MAX_PICTURES."""

    def __init__(self, modality: str) -> None:
        self.kept: list[tuple[int, bytes]] = []  # stamp, JPEG
        self._modality = modality
        self._period = NS // 2

    def add(self, sample: Sample) -> None:
        """Take a frame, or leave it if the last is near."""
        if self.kept and sample.stamp - self.kept[-1][0] < self._period:
            return
        self.kept.append((sample.stamp, picture(self._modality, sample)))
        if len(self.kept) > MAX_PICTURES:
            self.kept = self.kept[::2]
            self._period *= 2


class Gathering:
    """A viewer of one rig; forgets all when a pass begins anew."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self.begin()

    def begin(self) -> None:
        """Begin with nothing."""
        self.pictures = {one.topic: Pictures(one.modality) for one in self._channels if one.modality in SEEN}
        self.sounds = {
            one.topic: Spectrogram(one.calibration.sample_rate_hz) for one in self._channels if one.modality == "audio"
        }
        self.motions = {one.topic: Motion() for one in self._channels if one.modality == "imu"}
        self.events: dict[str, Event] = {}  # the last state of each
        self.ends: list[int] = []  # of windows
        self.coverage: dict[str, list[float]] = {one.topic: [] for one in self._channels}
        self.vectors: dict[str, list[tuple[int, Array]]] = {one.topic: [] for one in self._channels}
        self.scores: dict[str, list[tuple[int, float]]] = {}  # what operators made of each window, by its end
        self._newest: dict[str, int] = {}

    def sample(self, received: Received) -> None:
        """Nothing: what no gate has seen may be anything."""

    def show(self, observation: Observation) -> None:
        """Take what is new in the window, which overlaps the one before."""
        window = observation.window
        self.ends.append(window.end)
        for topic, share in window.coverage.items():
            self.coverage[topic].append(share)
        for name, score in observation.scores.items():
            self.scores.setdefault(name, []).append((window.end, score))
        for topic, embedding in observation.embeddings.items():
            self.vectors[topic].append((window.end, embedding.vector))
        for topic, clip in window.clips.items():
            newest = self._newest.get(topic, -1)
            self._take(clip, [sample for sample in clip.samples if sample.stamp > newest])
            self._newest[topic] = max(newest, clip.samples[-1].stamp)

    def write(self, event: Event) -> None:
        """Keep the state of ``event``."""
        self.events[event.id] = event

    def close(self) -> None:
        """Nothing is held."""

    def _take(self, clip: Clip, samples: Sequence[Sample]) -> None:
        for sample in samples:
            if clip.topic in self.pictures:
                self.pictures[clip.topic].add(sample)
            elif clip.topic in self.sounds:
                self.sounds[clip.topic].add(sample)
        if clip.topic in self.motions and samples:
            self.motions[clip.topic].add(samples)


def unlike(vectors: Sequence[tuple[int, Array]], apart: int) -> list[tuple[int, float]]:
    """Return for each vector 1 − its cosine with the nearest of those ``apart`` nanoseconds before it, or earlier.

    There is none for the first. Each comes with its stamp, and of very many, some.

    >>> unlike([(0, np.eye(2)[0]), (1, np.eye(2)[0]), (2, np.eye(2)[1])], 1)
    [(1, 0.0), (2, 1.0)]
    """
    thinned = vectors[:: 1 + len(vectors) // 4000]
    stamps_N = np.array([stamp for stamp, _ in thinned])
    found: list[tuple[int, float]] = []
    if len(thinned) == 0:
        return found
    vectors_ND = np.stack([vector for _, vector in thinned])
    for number, stamp in enumerate(stamps_N):
        earlier = int(np.searchsorted(stamps_N, stamp - apart, side="right"))
        if earlier:
            found.append((int(stamp), float(1 - (vectors_ND[:earlier] @ vectors_ND[number]).max())))
    return found


def strongest(event: Event, number: int = 3) -> Mapping[str, float]:
    """Return the evidence that speaks loudest."""
    return dict(sorted(event.evidence.items(), key=lambda item: -item[1])[:number])
