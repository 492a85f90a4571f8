"""What a page shows: all of a feed that is still of interest, bounded. C = columns of a trace."""

from collections import deque
from collections.abc import Mapping, Sequence
from threading import Lock
from time import monotonic, time_ns

import numpy as np
from msgspec import Struct

from pipeline.config import Channel
from pipeline.driving import Place
from pipeline.feed import Heard, Picture, Seen, Told, Trace, observed
from pipeline.health import Health
from pipeline.messages import NS, Array, Event, Received, Sample
from pipeline.monitor.board import Board
from pipeline.monitor.spectrogram import Spectrogram
from pipeline.thumbnail import Scale

HISTORY = 14_400
"""Windows whose scores are kept: two hours of two a second."""

VECTORS = 600
"""Windows whose vectors are kept for the map: five minutes."""

TRACE_S = 10.0

FEED_S = 5.0
"""No picture waits so long in a feed."""


class Frame(Struct, frozen=True, kw_only=True):
    """A picture of a topic, its number, and when it came by this process's clock."""

    number: int = 0
    jpeg: bytes = b""
    age_s: float = 0.0  # of the sample then
    scale: Scale | None = None
    at: float = 0.0


class Moment(Struct, frozen=True, kw_only=True):
    """What one window was like."""

    end: int
    scores: Mapping[str, float]
    weights: Mapping[str, float]


class Scene:
    """Filled by one thread, by ``take``, and read by any."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = list(channels)
        self.board = Board()
        self.board.watch(lambda: self._health)
        self.frames: dict[str, Frame] = {}
        self.history: deque[Moment] = deque(maxlen=HISTORY)
        self.vectors: deque[tuple[int, dict[str, Array]]] = deque(maxlen=VECTORS)
        self.place: Place | None = None  # of a replay
        self.heard_at = -1e9  # when the feed was heard last, by this process's clock
        self._traces: dict[str, deque[tuple[float, tuple[float, ...]]]] = {}
        self._sounds = {
            channel.topic: Spectrogram(channel.calibration.sample_rate_hz)
            for channel in channels
            if channel.modality == "audio"
        }
        self._health = Health()
        self._lock = Lock()

    def take(self, told: Told) -> None:
        """Take note of what the feed says."""
        self.heard_at = monotonic()
        with self._lock:
            match told:
                case Picture():
                    age_s = (told.received - told.stamp) / NS + _since(told.received)
                    self._frame(told.topic, told.jpeg, age_s, told.scale)
                    self._heard(told)
                case Heard():
                    self._heard(told)
                case Seen():
                    self._seen(told)
                case Event():
                    self.board.write(told)
                case Place():
                    self.place = told

    def trace(self, topic: str) -> list[tuple[float, tuple[float, ...]]]:
        """Return the last seconds of what ``topic`` felt: times in s since the epoch, and C numbers each."""
        with self._lock:
            return list(self._traces.get(topic, ()))

    def loudness_db(self, topic: str) -> float:
        """Return how loud ``topic`` was in the newest window, in dB of full scale."""
        return self._sounds[topic].loudness_db

    def _frame(self, topic: str, jpeg: bytes, age_s: float, scale: Scale | None = None) -> None:
        number = self.frames[topic].number + 1 if topic in self.frames else 1
        self.frames[topic] = Frame(number=number, jpeg=jpeg, age_s=age_s, scale=scale, at=monotonic())

    def _heard(self, told: Picture | Heard) -> None:
        sample = Sample(topic=told.topic, stamp=told.stamp, frame_id="", seq=0, data=np.zeros(0))
        self.board.sample(Received(sample=sample, received=told.received))

    def _seen(self, told: Seen) -> None:
        if self.history and told.end <= self.history[-1].end:  # a replay begins anew, or somewhere else
            self.history.clear()
            self.vectors.clear()
            self._traces.clear()
        self._health = told.health
        observation = observed(told)
        self.board.show(observation)
        self.history.append(Moment(end=told.end, scores=told.scores, weights=told.weights))
        vectors = {topic: np.frombuffer(vector, "<f4") for topic, vector in told.vectors.items()}
        if observation.fused.any():
            vectors["fused"] = observation.fused
        self.vectors.append((told.end, vectors))
        for topic, trace in told.traces.items():
            self._take_trace(topic, trace)

    def _take_trace(self, topic: str, trace: Trace) -> None:
        rows_NC = np.frombuffer(trace.values, "<f4").reshape(-1, trace.columns)
        if topic in self._sounds:
            self._sounds[topic].hear(rows_NC[:, 0])
            jpeg, scale = self._sounds[topic].picture()
            self._frame(topic, jpeg, 0.0, scale)
            return
        kept = self._traces.setdefault(topic, deque())
        times = np.linspace(trace.start / NS, trace.end / NS, len(rows_NC))
        kept += [(float(time), tuple(float(v) for v in row)) for time, row in zip(times, rows_NC, strict=True)]
        while kept and kept[0][0] < kept[-1][0] - TRACE_S:
            kept.popleft()


def _since(received: int) -> float:
    """Return how many seconds ago the line received a sample; 0 for a replay, and for another host's clock."""
    since_s = (time_ns() - received) / NS
    return since_s if 0 <= since_s < FEED_S else 0.0
