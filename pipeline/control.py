"""What a person says to a line while it runs: labels come and go, events are right or wrong.

A request is one ZeroMQ message from a REQ socket to ``bus.control``, a msgpack map whose ``type`` names what is asked:
``set_label``, ``drop_label`` and ``mark`` with the fields of these commands in ``messages``, ``list_labels`` alone, or
``drive`` to a replay.
The answer is a ``Reply``. Off loopback it goes by CURVE, as samples do, and whoever has a sensor's keys may ask.
"""

import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread
from typing import Literal, TypeVar

import msgspec
import zmq
from msgspec import Struct

from pipeline.config import Security
from pipeline.errors import ControlError, PipelineError
from pipeline.messages import DropLabel, Label, Mark, Restore, SetLabel
from pipeline.security import allow, join_curve, serve_curve

MAX_BYTES = 4_000_000
"""Of a request: 64 examples of a thousand numbers each are 600 kB."""

WAITING = 64
"""Requests that may wait for the line; more are refused."""

UNREAD = 8
"""Requests of one peer that are held before they are read."""

POLL_S = 0.02

T = TypeVar("T")


class ListLabels(Struct, frozen=True, tag="list_labels", forbid_unknown_fields=True):
    """Say what is looked for; changes nothing."""


class Drive(Struct, frozen=True, kw_only=True, tag="drive", forbid_unknown_fields=True):
    """Press a button of a replay: ``stamp`` is the log time that is sought, ``rate`` the new speed, 0 without bounds;
    "loop" begins or ends looping. A live line has none."""

    action: Literal["play", "pause", "step", "seek", "rate", "loop"]
    stamp: int = 0
    rate: float = 0.0


Question = SetLabel | DropLabel | Mark | ListLabels | Drive
"""What may be asked from outside."""


class Reply(Struct, frozen=True, kw_only=True):
    """What became of a request: a sentence, and what is looked for now.

    ``version`` counts the commands that were obeyed since the start. ``model`` names the encoders, so that examples are
    made with them.
    """

    is_done: bool
    text: str
    version: int = 0
    labels: tuple[Label, ...] = ()
    model: str = ""


class Request(Struct, frozen=True, eq=False):
    """A question in its place among the samples; ``answer`` hears what became of it, in the line's own thread."""

    question: Question | Restore
    received: int
    answer: Callable[[Reply], None] = lambda reply: None


def ask(address: str, security: Security, question: Question, timeout_s: float = 5.0) -> Reply:
    """Put ``question`` to the line that listens at ``address`` and return what it said; waits so long at most.

    Raise ControlError if nobody answers, or what comes is no answer.
    """
    allow(address, security)
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        join_curve(socket, security)
        try:
            socket.connect(address)
            socket.send(msgspec.msgpack.encode(question))
            if not socket.poll(round(timeout_s * 1000)):
                raise ControlError(f"{address}: no line answered within {timeout_s:g} s; is `rigbind run` on?")
            return msgspec.msgpack.decode(socket.recv(), type=Reply)
        except (zmq.ZMQError, msgspec.DecodeError) as error:
            raise ControlError(f"{address}: {error}") from error


class ControlServer:
    """Listens at ``address`` on a thread of its own; ``take`` hands over what was asked. Without one, nobody asks."""

    def __init__(self, address: str, security: Security | None = None) -> None:
        security = security or Security()
        self._asked: deque[Request] = deque()
        self._answered: deque[tuple[bytes, bytes]] = deque()
        self._lock = Lock()
        self._stop = Flag()
        self._thread: Thread | None = None
        self.address = address
        if address:
            self._listen(security)

    def _listen(self, security: Security) -> None:
        allow(self.address, security)
        self._context = zmq.Context()  # of its own: a context has one authenticator
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        self._socket.setsockopt(zmq.RCVHWM, UNREAD)
        self._authenticator = serve_curve(self._socket, security)
        try:
            self._socket.bind(self.address)
        except zmq.ZMQError as error:
            self._release()
            raise PipelineError(f"{self.address}: {error}: no commands can be taken there; see bus.control") from error
        self.address = self._socket.get_string(zmq.LAST_ENDPOINT)
        self._thread = Thread(target=self._work, name="control", daemon=True)
        self._thread.start()

    def take(self) -> list[Request]:
        """Return what was asked since the last call."""
        with self._lock:
            asked = list(self._asked)
            self._asked.clear()
        return asked

    async def joined(self, batches: AsyncIterable[Sequence[T]]) -> AsyncIterator[list[T | Request]]:
        """Yield ``batches``, each with what was asked meanwhile at its end."""
        async for batch in batches:
            yield [*batch, *self.take()]

    def close(self) -> None:
        """Answer no more, and let go of the address."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            if self._socket.poll(round(POLL_S * 1000)):
                self._hear(self._socket.recv_multipart())
            self._send()
        self._send()
        self._release()

    def _hear(self, frames: list[bytes]) -> None:
        """Queue a request, or say why not."""
        envelope = frames[0]

        def answer(reply: Reply) -> None:
            self._answered.append((envelope, msgspec.msgpack.encode(reply)))

        if len(frames) != 3 or frames[1]:
            answer(Reply(is_done=False, text=f"a request is one frame from a REQ socket, and here are {len(frames)}"))
            return
        try:
            question = msgspec.msgpack.decode(frames[2], type=Question)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            answer(Reply(is_done=False, text=f"this is no request: {error}"))
            return
        with self._lock:
            is_full = len(self._asked) >= WAITING
            if not is_full:
                self._asked.append(Request(question, time.time_ns(), answer))
        if is_full:
            answer(Reply(is_done=False, text=f"{WAITING} requests are waiting already; ask again later"))

    def _send(self) -> None:
        while self._answered:
            envelope, reply = self._answered.popleft()
            with suppress(zmq.Again):  # who does not read has no answer
                self._socket.send_multipart([envelope, b"", reply], zmq.NOBLOCK)

    def _release(self) -> None:
        self._socket.close(linger=500)
        if self._authenticator is not None:
            self._authenticator.stop()
        self._context.term()
