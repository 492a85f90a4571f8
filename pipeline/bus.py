"""Samples over ZeroMQ: publishers connect, one subscriber binds and drains, events go out the same way.

Freshness comes from draining: a thread that does nothing else moves frames into bounded queues and books what
the queues push out. Payloads are decoded by whoever takes them, so what is superseded costs nothing more.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread

import msgspec
import zmq

from pipeline.config import Bus, Channel, Security
from pipeline.errors import PipelineError, WireError
from pipeline.ledger import Ledger
from pipeline.messages import Event, Received, Sample
from pipeline.security import allow, join_curve, serve_curve
from pipeline.wire import (
    VERSION,
    Buffer,
    Codec,
    Header,
    Heartbeat,
    decode,
    heartbeat_frames,
    read_header,
    read_heartbeat,
    to_frames,
)

UNKNOWN = "(unknown)"
"""The ledger's row for frames of topics that no channel names, and for those that have none."""

HEARTBEAT_S = 1.0
POLL_S = 0.1
QUEUE_MB = 64
_MISSING = 1024  # how many missing numbers of a topic are remembered, should they still come


class Publisher:
    """Sends the samples of one host's sensors; belongs to the thread that made it.

    Never blocks: what the network does not take in time is dropped here and counted in ``dropped``; its numbers
    are missing at the other end, where they show as a gap. Once a second it says of each topic what it has sent.
    """

    def __init__(self, address: str, security: Security | None = None, sensor: str | None = None) -> None:
        security = security or Security()
        allow(address, security)
        self.session = secrets.token_hex(8)
        self.sent = 0
        self.dropped = 0
        self._told: dict[str, _Told] = {}
        self._socket = _socket(zmq.XPUB)  # XPUB, because it can tell that somebody listens
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)  # a full pipe answers EAGAIN instead of dropping in silence
        self._socket.setsockopt(zmq.SNDHWM, 200)  # a second of the fastest stream we know, an IMU
        join_curve(self._socket, security, sensor)
        _attach(self._socket.connect, address)

    def wait(self, timeout_s: float) -> bool:
        """Return whether somebody subscribed within ``timeout_s``; what is sent before that is heard by nobody."""
        return bool(self._socket.poll(round(timeout_s * 1000))) and self._socket.recv()[:1] == b"\x01"

    def publish(self, sample: Sample, codec: Codec = "raw") -> bool:
        """Send ``sample``; return whether the network took it."""
        told = self._told.setdefault(sample.topic, _Told(time.monotonic()))
        try:
            self._socket.send_multipart(to_frames(sample, self.session, time.time_ns(), codec), zmq.NOBLOCK)
            self.sent += 1
        except zmq.Again:
            self.dropped += 1
            told.dropped += 1
            return False
        finally:
            told.next_seq = max(told.next_seq, sample.seq + 1)
            if time.monotonic() - told.at > HEARTBEAT_S:
                self._tell(sample.topic, told)
        return True

    def close(self) -> None:
        """Tell what was sent, send what is queued, for half a second at most, and let go."""
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
            sent_ns=time.time_ns(),
        )
        with suppress(zmq.Again):  # the next one says it as well
            self._socket.send_multipart(heartbeat_frames(topic, heartbeat), zmq.NOBLOCK)


class Subscriber:
    """Receives the samples of a rig; ``take`` hands them over in order of arrival.

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
            channel.topic: _Queue(depth or max(2, round(bus.queue_s * channel.rate_hz))) for channel in channels
        }
        self._counters = {channel.topic: _Counter() for channel in channels}
        self._lock = Lock()
        self._stop = Flag()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._socket = _socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, 1000)
        self._socket.setsockopt(zmq.MAXMSGSIZE, self._max_bytes + 4096)
        self._socket.setsockopt(zmq.RCVTIMEO, round(POLL_S * 1000))
        self._authenticator = serve_curve(self._socket, security)
        try:
            _attach(self._socket.bind, bus.address)
        except PipelineError:
            self._release()
            raise
        self._socket.subscribe(b"")
        self.address = str(self._socket.get_string(zmq.LAST_ENDPOINT))
        self._thread = Thread(target=self._receive, name="bus", daemon=True)
        self._thread.start()

    def take(self) -> list[Received]:
        """Return what has arrived since the last call, in order of arrival; malformed ones are booked instead."""
        with self._lock:
            raw = [item for queue in self._queues.values() for item in queue.clear()]
        raw.sort(key=lambda item: item.received)
        return [sample for item in raw if (sample := self._decode(item)) is not None]

    async def arrivals(self) -> AsyncIterator[list[Received]]:
        """Yield what arrives, in batches; an empty batch says that nothing came for a while."""
        self._loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), POLL_S / 2)
            self._arrived.clear()
            yield self.take()
        yield self.take()

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

    def _admit(self, frames: list[memoryview], received: int) -> None:
        if told := read_heartbeat(frames):
            topic, heartbeat = told
            if topic in self._counters:
                self._counters[topic].told(topic, heartbeat, self.ledger)
            return
        try:
            topic, header = read_header(frames, self._max_bytes)
        except WireError as error:
            name = bytes(frames[0][:256]).decode(errors="replace") if frames else ""
            topic = name if name in self._queues else UNKNOWN
            self.ledger.count(topic, "received")
            self.ledger.count(topic, "rejected", detail=error.cause)
            if topic in self._counters:
                self._counters[topic].unreadable += 1
            return
        if topic not in self._queues:
            self.ledger.count(UNKNOWN, "received")
            self.ledger.count(UNKNOWN, "rejected", detail="topic")
            return
        self.ledger.count(topic, "received")
        if not self._counters[topic].admit(topic, header, self.ledger):
            return
        with self._lock:
            dropped = self._queues[topic].push(_Raw(topic, header, frames[2], received))
        if dropped:
            self.ledger.count(topic, "superseded", dropped)

    def _decode(self, item: "_Raw") -> Received | None:
        try:
            sample = decode(item.topic, item.header, item.payload)
        except WireError as error:
            self.ledger.count(item.topic, "rejected", detail=error.cause)
            return None
        self.ledger.saw(item.topic, sample.stamp, item.received)
        return Received(sample=sample, received=item.received, sent=item.header.sent_ns, session=item.header.session)

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


class _Raw(msgspec.Struct, frozen=True, eq=False):
    topic: str
    header: Header
    payload: Buffer
    received: int


class _Queue:
    """The newest samples of one topic, bounded by count and by bytes."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.size = 0
        self.items: deque[_Raw] = deque()

    def push(self, item: _Raw) -> int:
        """Add ``item``; return how many older ones gave way."""
        self.items.append(item)
        self.size += len(item.payload)
        dropped = 0
        while len(self.items) > self.depth or (self.size > QUEUE_MB * 1e6 and len(self.items) > 1):
            self.size -= len(self.items.popleft().payload)
            dropped += 1
        return dropped

    def clear(self) -> list[_Raw]:
        """Return all and hold nothing."""
        items = list(self.items)
        self.items.clear()
        self.size = 0
        return items


class _Told(msgspec.Struct):
    """What a publisher has sent of one topic, and when it last said so."""

    at: float
    next_seq: int = 0
    dropped: int = 0


class _Counter:
    """Follows the numbers of one topic through its sender's sessions.

    A frame whose header cannot be read has a number all the same: as many missing numbers are put down to such
    frames, which are booked as rejected, before the rest is a gap; at a heartbeat also of those booked before.
    """

    def __init__(self) -> None:
        self.session = ""
        self.next = 0
        self.unreadable = 0
        self.dropped = 0  # at the source, of those in the gap
        self.old_sessions: deque[str] = deque(maxlen=16)
        self.missing: deque[int] = deque(maxlen=_MISSING)

    def admit(self, topic: str, header: Header, ledger: Ledger) -> bool:
        """Book gap, restart and duplicate; return whether the sample is new."""
        if header.session != self.session:
            if header.session in self.old_sessions:
                ledger.count(topic, "rejected", detail="session")
                return False
            self._begin(topic, header.session, header.seq, ledger)
        if header.seq < self.next:
            if header.seq not in self.missing:
                ledger.count(topic, "duplicate")
                return False
            self.missing.remove(header.seq)
            ledger.count(topic, "gap", -1)
            return True
        self._skip_to(topic, header.seq, ledger)
        self.next = header.seq + 1
        return True

    def told(self, topic: str, heartbeat: Heartbeat, ledger: Ledger) -> None:
        """Book what the sender has sent and was not received."""
        if heartbeat.session in self.old_sessions:
            return
        if heartbeat.session != self.session:
            self._begin(topic, heartbeat.session, heartbeat.next_seq, ledger)
            self.dropped = heartbeat.dropped
        self._skip_to(topic, heartbeat.next_seq, ledger)
        explained = min(self.unreadable, ledger.total(topic, "gap"))
        ledger.count(topic, "gap", -explained)
        self.unreadable -= explained
        if fresh := heartbeat.dropped - self.dropped:
            ledger.count(topic, "gap", -fresh)
            ledger.count(topic, "gap", fresh, detail="at the source")
            self.dropped = heartbeat.dropped

    def _begin(self, topic: str, session: str, seq: int, ledger: Ledger) -> None:
        if self.session:
            ledger.count(topic, "restart")
            self.old_sessions.append(self.session)
        self.session, self.next = session, seq
        self.dropped = 0
        self.missing.clear()

    def _skip_to(self, topic: str, seq: int, ledger: Ledger) -> None:
        """Book the numbers up to ``seq`` as missing."""
        if seq > self.next:
            explained = min(self.unreadable, seq - self.next)
            self.unreadable -= explained
            ledger.count(topic, "gap", seq - self.next - explained)
            self.missing.extend(range(max(self.next, seq - _MISSING), seq))
            self.next = seq


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
