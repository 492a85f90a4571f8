"""What a line shows, over ZeroMQ: pages live in processes of their own, and nothing that they do can slow it.

Multipart, ``[kind][msgpack]``, from a PUB socket at ``bus.feed``: ``picture``, ``heard``, ``window`` and ``event``,
whose payloads are ``Picture``, ``Heard``, ``Seen`` and ``messages.Event``, and of a replay ``place``, a
``driving.Place``. A reader that is too slow misses some.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Event as Flag
from threading import Thread

import msgspec
import numpy as np
import zmq
from msgspec import Struct

from pipeline.config import Security
from pipeline.driving import Place
from pipeline.errors import PipelineError
from pipeline.health import Health
from pipeline.messages import Clip, Closing, Event, Observation, Received, State, Window
from pipeline.security import allow, join_curve, serve_curve
from pipeline.thumbnail import Scale, scaled_picture

ADDRESS = "tcp://127.0.0.1:5573"

PERIOD_S = 0.1
"""Between two pictures of a topic: ten a second are enough for eyes."""

WIDTH = 480
"""Of pictures, in pixels."""

HIGH_WATER, READ_AHEAD = 256, 1024
"""Messages that may wait for one reader: here, some megabytes of pictures for each, and in its own process."""

FIRST_CAME = b"\x01"
"""What an XPUB socket reads when somebody begins to listen to all, while nobody did."""

PICTURES = ("vision", "thermal", "depth")


class Picture(Struct, frozen=True, kw_only=True):
    """A JPEG of the newest sample of ``topic``; ``scale`` tells its colours."""

    topic: str
    stamp: int
    received: int
    jpeg: bytes
    scale: Scale | None = None


class Heard(Struct, frozen=True, kw_only=True):
    """The newest sample of a topic that is not seen."""

    topic: str
    stamp: int
    received: int


class Trace(Struct, frozen=True, kw_only=True):
    """What a topic felt or heard since the window before: (n, C) little-endian float32, from ``start`` to ``end``."""

    start: int
    end: int
    columns: int
    values: bytes


class Seen(Struct, frozen=True, kw_only=True):
    """An observation, its vectors as little-endian float32, without its samples; ``sent`` is when it was sent."""

    start: int
    end: int
    closed_by: Closing
    coverage: Mapping[str, float]
    states: Mapping[str, State]
    clocks: Mapping[str, tuple[str, ...]]
    ledger: Mapping[str, Mapping[str, int]]
    weights: Mapping[str, float]
    scores: Mapping[str, float]
    vectors: Mapping[str, bytes]
    fused: bytes
    traces: Mapping[str, Trace]
    health: Health


Told = Picture | Heard | Seen | Event | Place
_KINDS: dict[bytes, type[Told]] = {
    b"picture": Picture,
    b"heard": Heard,
    b"window": Seen,
    b"event": Event,
    b"place": Place,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class FeedPublisher:
    """A viewer that publishes at ``feed``, from a thread of its own. ``modalities`` are those of the topics.

    Nothing is encoded while nobody listens.
    """

    def __init__(
        self,
        feed: str = ADDRESS,
        modalities: Mapping[str, str] = {},
        security: Security | None = None,
    ) -> None:
        security = security or Security()
        allow(feed, security)
        self.feed = feed
        self.modalities = modalities
        self._newest: dict[str, Received] = {}
        self._said: deque[Observation | Event] = deque(maxlen=1000)
        self._health: Callable[[], Health] = Health
        self._place: Callable[[], Place] | None = None
        self._known: dict[str, int] = {}  # by topic: the newest stamp that was sent in a trace
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)  # a PUB that knows whether somebody listens
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDHWM, HIGH_WATER)
        self._authenticator = serve_curve(self._socket, security)
        try:
            self._socket.bind(feed)
        except zmq.ZMQError as error:
            self._release()
            raise PipelineError(f"{feed}: {error}: no page can listen there; see bus.feed") from error
        self._is_heard, self._stop = Flag(), Flag()
        self._thread = Thread(target=self._work, name="feed", daemon=True)
        self._thread.start()

    def watch(self, health: Callable[[], Health]) -> None:
        """Ask ``health`` with each window."""
        self._health = health

    def follow(self, place: Callable[[], Place]) -> None:
        """Publish where the replay is, which ``place`` knows."""
        self._place = place

    def wait(self, timeout_s: float) -> bool:
        """Return whether somebody has listened, or does within so long."""
        return self._is_heard.wait(timeout_s)

    def sample(self, received: Received) -> None:
        """Keep the newest sample of each topic."""
        self._newest[received.sample.topic] = received

    def show(self, observation: Observation) -> None:
        """Publish ``observation``."""
        self._said.append(observation)

    def write(self, event: Event) -> None:
        """Publish ``event``."""
        self._said.append(event)

    def close(self) -> None:
        """Publish what waits, and let go of the address."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        sent: dict[str, int] = {}
        is_heard = False
        while not self._stop.wait(PERIOD_S):
            while self._socket.poll(0):
                is_heard = self._socket.recv() == FIRST_CAME  # or the last went
            if not is_heard:
                self._said.clear()
                continue
            self._is_heard.set()
            for topic, received in list(self._newest.items()):
                if sent.get(topic) != received.sample.seq:
                    sent[topic] = received.sample.seq
                    self._send(self._of_sample(received))
            self._send_said(HIGH_WATER // 2)
            if self._place is not None:
                self._send(self._place())
        self._send_said(len(self._said))
        self._release()

    def _send_said(self, most: int) -> None:
        """Send what waits; no more at once than a reader who keeps up has room for."""
        for _ in range(min(most, len(self._said))):
            said = self._said.popleft()
            self._send(said if isinstance(said, Event) else self._of_observation(said))

    def _send(self, told: Told) -> None:
        with suppress(zmq.Again):
            self._socket.send_multipart([_NAMES[type(told)], msgspec.msgpack.encode(told)], zmq.NOBLOCK)

    def _of_sample(self, received: Received) -> Picture | Heard:
        sample = received.sample
        times = {"topic": sample.topic, "stamp": sample.stamp, "received": received.received}
        modality = self.modalities.get(sample.topic, "")
        jpeg, scale = scaled_picture(modality, sample, WIDTH) if modality in PICTURES else (b"", None)
        return Picture(jpeg=jpeg, scale=scale, **times) if jpeg else Heard(**times)  # type: ignore[arg-type]

    def _of_observation(self, observation: Observation) -> Seen:
        window = observation.window
        traces = {topic: self._trace(clip) for topic, clip in window.clips.items() if clip.modality in ("imu", "audio")}
        return Seen(
            start=window.start,
            end=window.end,
            closed_by=window.closed_by,
            coverage=window.coverage,
            states=window.states,
            clocks=window.clocks,
            ledger=window.ledger,
            weights=observation.weights,
            scores=observation.scores,
            vectors={topic: _bytes(of.vector) for topic, of in observation.embeddings.items()},
            fused=_bytes(observation.fused),
            traces={topic: trace for topic, trace in traces.items() if trace},
            health=self._health(),
        )

    def _trace(self, clip: Clip) -> Trace | None:
        """Return what is new in a clip since the one before."""
        new = [sample for sample in clip.samples if sample.stamp > self._known.get(clip.topic, clip.end - 10**9)]
        if not new:
            return None
        self._known[clip.topic] = new[-1].stamp
        scale = 32768 if new[0].data.dtype.kind == "i" else 1
        rows = [np.asarray(sample.data, np.float32) / scale for sample in new]
        if clip.modality == "imu":
            values = np.stack(rows)
        else:
            values = np.concatenate([row if row.ndim == 1 else row.mean(1) for row in rows])[:, np.newaxis]
        return Trace(start=new[0].stamp, end=new[-1].stamp, columns=values.shape[1], values=_bytes(values))

    def _release(self) -> None:
        self._socket.close()
        if self._authenticator is not None:
            self._authenticator.stop()
        self._context.term()


class FeedSubscriber:
    """Hears a line's feed at ``address``; finds it again by itself when it was away."""

    def __init__(self, address: str = ADDRESS, security: Security | None = None) -> None:
        security = security or Security()
        allow(address, security)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, READ_AHEAD)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        join_curve(self._socket, security)
        self._socket.connect(address)

    def hear(self, timeout_s: float = 0.2) -> Iterator[Told]:
        """Yield what has come; waits so long for the first. What is no part of a feed is passed over."""
        waits = round(timeout_s * 1000)
        while self._socket.poll(waits):
            waits = 0
            frames = self._socket.recv_multipart()
            if len(frames) == 2 and (kind := _KINDS.get(frames[0])):
                with suppress(msgspec.DecodeError):
                    yield msgspec.msgpack.decode(frames[1], type=kind)

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
        self._context.term()


def observed(seen: Seen) -> Observation:
    """Return what ``seen`` tells of, as far as it does: without samples and embeddings."""
    window = Window(
        start=seen.start,
        end=seen.end,
        clips={},
        coverage=seen.coverage,
        closed_by=seen.closed_by,
        states=seen.states,
        clocks=seen.clocks,
        ledger=seen.ledger,
    )
    fused = np.frombuffer(seen.fused, "<f4")
    return Observation(window=window, embeddings={}, fused=fused, weights=seen.weights, scores=seen.scores)


def _bytes(values: object) -> bytes:
    return np.ascontiguousarray(values, "<f4").tobytes()
