"""Samples over ZeroMQ: publishers connect, one subscriber binds and drains, events go out the same way.

Freshness comes from draining: a thread that does nothing else moves frames into bounded queues and books what
the queues push out. Payloads are decoded by whoever takes them, so what is superseded costs nothing more.
Once a second it asks the senders what time they have, see ``pipeline.question``.
"""

import asyncio
import secrets
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread

import msgspec
import zmq

from pipeline.arrivals import Numbers, Packed, Queue
from pipeline.config import Bus, Channel, Security
from pipeline.errors import PipelineError, WireError
from pipeline.exchange import Exchange
from pipeline.ledger import Ledger
from pipeline.messages import Compressed, Event, Received, Sample
from pipeline.offset import EARLY, MAX_DELAY
from pipeline.question import ANSWERS, Questions, answer_frames, read_question
from pipeline.security import allow, join_curve, serve_curve
from pipeline.wire import (
    VERSION,
    Codec,
    Heartbeat,
    decode,
    heartbeat_frames,
    read_header,
    read_heartbeat,
    to_frames,
)

UNKNOWN = "(unknown)"
"""The ledger's row for frames of topics that no channel names, for those that have none, and for false answers."""

HEARTBEAT_S = 1.0
ASK_S = 1.0
POLL_S = 0.1
_EXCHANGES = 256  # how many may wait for the line

Now = Callable[[], int]
"""Reads a clock: nanoseconds since the epoch."""


class Publisher:
    """Sends the samples of one host's sensors; belongs to the thread that made it.

    Never blocks: what the network does not take in time is dropped here and counted in ``dropped``; its numbers
    are missing at the other end, where they show as a gap. Once a second it says of each topic what it has sent, and
    from the first time on it answers what time it is by ``now``, as long as that is the clock of the stamps: the
    youngest of each topic is neither from the future nor older than delays are.
    """

    def __init__(
        self,
        address: str,
        security: Security | None = None,
        sensor: str | None = None,
        now: Now = time.time_ns,
    ) -> None:
        security = security or Security()
        allow(address, security)
        self.session = secrets.token_hex(8)
        self._now = now
        self.sent = 0
        self.dropped = 0
        self._told: dict[str, _Told] = {}
        self._socket = _socket(zmq.XPUB)  # XPUB, because it can tell that somebody listens
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)  # a full pipe answers EAGAIN instead of dropping in silence
        self._socket.setsockopt(zmq.SNDHWM, 200)  # a second of the fastest stream we know, an IMU
        join_curve(self._socket, security, sensor)
        _attach(self._socket.connect, address)
        self._answerer = Answerer(address, security, sensor, self.session, now)

    def wait(self, timeout_s: float) -> bool:
        """Return whether somebody subscribed within ``timeout_s``; what is sent before that is heard by nobody."""
        return bool(self._socket.poll(round(timeout_s * 1000))) and self._socket.recv()[:1] == b"\x01"

    def publish(self, sample: Sample, codec: Codec = "raw") -> bool:
        """Send ``sample``; return whether the network took it."""
        told = self._told.setdefault(sample.topic, _Told(time.monotonic()))
        now = self._now()
        told.age = min(told.age, now - sample.stamp)
        try:
            self._socket.send_multipart(to_frames(sample, self.session, now, codec), zmq.NOBLOCK)
            self.sent += 1
        except zmq.Again:
            self.dropped += 1
            told.dropped += 1
            return False
        finally:
            told.next_seq = max(told.next_seq, sample.seq + 1)
            if time.monotonic() - told.at > HEARTBEAT_S:
                self._tell(sample.topic, told)
                self._consider_answers(told)
        return True

    def close(self) -> None:
        """Tell what was sent, send what is queued, for half a second at most, and let go."""
        self._answerer.close()
        for topic, told in self._told.items():
            self._tell(topic, told)
        self._socket.close(linger=500)

    def _tell(self, topic: str, told: "_Told") -> None:
        told.at = time.monotonic()
        heartbeat = Heartbeat(
            version=VERSION,
            session=self.session,
            next_seq=told.next_seq,
            dropped=told.dropped,
            sent_ns=self._now(),
        )
        with suppress(zmq.Again):  # the next one says it as well
            self._socket.send_multipart(heartbeat_frames(topic, heartbeat), zmq.NOBLOCK)

    def _consider_answers(self, told: "_Told") -> None:
        _drain(self._socket)  # the questions come here too and would gather
        told.is_of_clock = -EARLY <= told.age <= MAX_DELAY
        told.age = sys.maxsize
        if all(one.is_of_clock for one in self._told.values()):
            self._answerer.may_answer.set()
        else:
            self._answerer.may_answer.clear()


class Answerer:
    """Says, on a thread and a socket of its own, what time it is where the samples of ``session`` are stamped.

    It is silent unless it ``may_answer``: once the session is known at the other end.
    """

    def __init__(self, address: str, security: Security, sensor: str | None, session: str, now: Now) -> None:
        self.may_answer = Flag()
        self._stop = Flag()
        self._session, self._now = session, now
        self._socket = _socket(zmq.XPUB)
        self._socket.setsockopt(zmq.SNDHWM, 2)
        join_curve(self._socket, security, sensor)
        _attach(self._socket.connect, address)
        self._thread = Thread(target=self._work, name="answerer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more, and let go."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        with self._socket:
            while not self._stop.is_set():
                if self._socket.poll(round(POLL_S * 1000)):
                    self._answer(self._now())

    def _answer(self, heard_ns: int) -> None:
        question = read_question(_drain(self._socket))
        if question and self.may_answer.is_set():
            with suppress(zmq.Again):  # nobody takes it, and the next question will be a better one
                frames = answer_frames(question, self._session, heard_ns, self._now())
                self._socket.send_multipart(frames, zmq.NOBLOCK)


class Subscriber:
    """Receives the samples of a rig; ``take`` hands them over in order of arrival, ``steps`` with the exchanges.

    Each topic's queue holds ``depth`` samples, ``queue_s`` seconds of its channel's where none is given, and at
    most QUEUE_MB megabytes; the oldest give way and are booked as superseded.
    """

    def __init__(
        self,
        bus: Bus,
        channels: list[Channel],
        ledger: Ledger,
        security: Security | None = None,
        depth: int | None = None,
    ) -> None:
        security = security or Security()
        allow(bus.address, security)
        self.ledger = ledger
        self._max_bytes = round(bus.max_message_mb * 1e6)
        self._queues = {
            channel.topic: Queue(depth or max(2, round(bus.queue_s * channel.rate_hz))) for channel in channels
        }
        self._numbers = {channel.topic: Numbers() for channel in channels}
        self._questions = Questions()
        self._ask_at = 0.0
        self._exchanges: deque[Exchange] = deque(maxlen=_EXCHANGES)
        self._lock = Lock()
        self._stop = Flag()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._socket = _socket(zmq.XSUB)  # XSUB, because it can ask
        self._socket.setsockopt(zmq.SNDHWM, 2)
        self._socket.setsockopt(zmq.RCVHWM, 1000)
        self._socket.setsockopt(zmq.MAXMSGSIZE, self._max_bytes + 4096)
        self._socket.setsockopt(zmq.RCVTIMEO, round(POLL_S * 1000))
        self._authenticator = serve_curve(self._socket, security)
        try:
            _attach(self._socket.bind, bus.address)
        except PipelineError:
            self._release()
            raise
        self._socket.send(b"\x01")  # subscribes to everything
        self.address = str(self._socket.get_string(zmq.LAST_ENDPOINT))
        self._thread = Thread(target=self._receive, name="bus", daemon=True)
        self._thread.start()

    def take(self) -> list[Received]:
        """Return the samples among the ``steps``."""
        return [step for step in self.steps() if isinstance(step, Received)]

    def steps(self) -> list[Received | Exchange]:
        """Return what has arrived since the last call, in order of arrival; malformed samples are booked instead."""
        with self._lock:
            arrived: list[Packed | Exchange] = [item for queue in self._queues.values() for item in queue.clear()]
            arrived += self._exchanges
            self._exchanges.clear()
        arrived.sort(key=lambda item: item.received)
        steps = (item if isinstance(item, Exchange) else self._decode(item) for item in arrived)
        return [step for step in steps if step is not None]

    async def arrivals(self) -> AsyncIterator[list[Received | Exchange]]:
        """Yield what arrives, in batches; an empty batch says that nothing came for a while."""
        self._loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), POLL_S / 2)
            self._arrived.clear()
            yield self.steps()
        yield self.steps()

    def stop(self) -> None:
        """Receive no more; ``arrivals`` ends with what is queued. Safe in a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stop, and let go of the address."""
        self._stop.set()
        self._thread.join()

    def _receive(self) -> None:
        try:
            while not self._stop.is_set():
                self._ask_when_due()
                try:
                    frames = self._socket.recv_multipart(copy=False)
                except zmq.Again:
                    continue
                self._admit([frame.buffer for frame in frames], time.time_ns())
                if self._loop is not None:
                    self._wake(self._loop)
        finally:
            self._release()

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._arrived.is_set():
            try:
                loop.call_soon_threadsafe(self._arrived.set)
            except RuntimeError:  # the loop has ended before us
                self._loop = None

    def _ask_when_due(self) -> None:
        if time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + ASK_S
            self._socket.send(self._questions.ask(time.time_ns()))

    def _hear(self, frames: list[memoryview], received: int) -> None:
        sessions = {numbers.session for numbers in self._numbers.values()}
        try:
            exchange = self._questions.hear(frames, received, sessions)
        except WireError as error:
            self.ledger.count(UNKNOWN, "received")
            self.ledger.count(UNKNOWN, "rejected", detail=error.cause)
            return
        with self._lock:
            self._exchanges.append(exchange)

    def _admit(self, frames: list[memoryview], received: int) -> None:
        if frames[0] == ANSWERS:
            self._hear(frames, received)
            return
        if told := read_heartbeat(frames):
            topic, heartbeat = told
            if topic in self._numbers:
                self._numbers[topic].told(topic, heartbeat, self.ledger)
            return
        try:
            topic, header = read_header(frames, self._max_bytes)
        except WireError as error:
            name = bytes(frames[0][:256]).decode(errors="replace") if frames else ""
            topic = name if name in self._queues else UNKNOWN
            self.ledger.count(topic, "received")
            self.ledger.count(topic, "rejected", detail=error.cause)
            if topic in self._numbers:
                self._numbers[topic].unreadable += 1
            return
        if topic not in self._queues:
            self.ledger.count(UNKNOWN, "received")
            self.ledger.count(UNKNOWN, "rejected", detail="topic")
            return
        self.ledger.count(topic, "received")
        if not self._numbers[topic].admit(topic, header, self.ledger):
            return
        with self._lock:
            dropped = self._queues[topic].push(Packed(topic, header, frames[2], received))
        if dropped:
            self.ledger.count(topic, "superseded", dropped)

    def _decode(self, item: Packed) -> Received | None:
        try:
            sample = decode(item.topic, item.header, item.payload)
        except WireError as error:
            self.ledger.count(item.topic, "rejected", detail=error.cause)
            return None
        self.ledger.saw(item.topic, sample.stamp, item.received)
        codec = item.header.codec
        return Received(
            sample=sample,
            received=item.received,
            sent=item.header.sent_ns,
            session=item.header.session,
            compressed=Compressed(codec, bytes(item.payload)) if codec in ("jpeg", "png") else None,
        )

    def _release(self) -> None:
        self._socket.close(linger=0)
        if self._authenticator is not None:
            self._authenticator.stop()


class EventPublisher:
    """A sink that sends events as ``[/events][msgpack map]``, for any number of listeners; slow ones lose some."""

    def __init__(self, address: str = "tcp://127.0.0.1:5571", security: Security | None = None) -> None:
        security = security or Security()
        allow(address, security)
        self._socket = _socket(zmq.PUB)
        self._authenticator = serve_curve(self._socket, security)
        _attach(self._socket.bind, address)

    def write(self, event: Event) -> None:
        """Send ``event``; never blocks."""
        self._socket.send_multipart([b"/events", msgspec.msgpack.encode(event)], zmq.NOBLOCK)

    def close(self) -> None:
        """Send what is queued, for half a second at most, and let go."""
        self._socket.close(linger=500)
        if self._authenticator is not None:
            self._authenticator.stop()


class _Told(msgspec.Struct):
    """What a publisher has sent of one topic, and when it last said so."""

    at: float
    next_seq: int = 0
    dropped: int = 0
    age: int = sys.maxsize  # of the youngest sample when it was sent, since then
    is_of_clock: bool = False  # whether that was one by the clock that is asked for


def _socket(kind: int) -> zmq.Socket[bytes]:
    """A socket that notices within seconds a peer that vanished without a word, and looks for it again."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3000)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 5000)
    return socket


def _attach(connect_or_bind: object, address: str) -> None:
    """Bind or connect; raise PipelineError naming the address if it cannot be."""
    assert callable(connect_or_bind)
    try:
        connect_or_bind(address)
    except zmq.ZMQError as error:
        raise PipelineError(f"{address}: {error}") from error


def _drain(socket: zmq.Socket[bytes]) -> bytes:
    """Take what has come, and return the last of it."""
    newest = b""
    with suppress(zmq.Again):
        while True:
            newest = socket.recv(zmq.NOBLOCK)
    return newest
