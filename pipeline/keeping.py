"""What a run knows, in a folder: what its operators have learned, and its events (``outbox.py``).

One run has a folder at a time. What is written is whole, or what was there before.
"""

import fcntl
import logging
import time
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from pipeline.control import Reply, Request
from pipeline.errors import InputError
from pipeline.line import Line
from pipeline.messages import Operator, Remembering, Restore
from pipeline.outbox import Outbox
from pipeline.scribe import Scribe
from pipeline.sinks.letters import Acknowledging

LEARNED_S, ARRIVED_S = 60.0, 1.0
"""How often it is written what was learned, which may be tens of megabytes and wear a memory card out, and which
events have arrived. What a person has said is written with these."""

log = logging.getLogger(__name__)


class Learned(Struct, frozen=True):
    """The state of one operator, and what it is."""

    use: str
    state: bytes


class Keeping:
    """Keeps the state of ``line`` in ``folder``, which is made; events go to its sinks through the outbox from now on.

    Raise InputError if another run has the folder, or it cannot be written, or what is there not read. Later trouble
    with the disk is said in the log and stops nothing.
    """

    def __init__(self, folder: Path, line: Line) -> None:
        self._path = folder / "learned.msgpack"
        self._lock = _locked(folder)
        try:
            self._learned = self._read()
            self.outbox = Outbox(folder, [sink for sink in line.sinks if isinstance(sink, Acknowledging)])
        except InputError:
            self._lock.close()
            raise
        self._line = line
        self._version = line.steering.version  # of what is written
        self._scribe = Scribe()
        line.sinks[:] = [self.outbox, *(sink for sink in line.sinks if not isinstance(sink, Acknowledging))]
        self._learned_at = self._arrived_at = time.monotonic()

    def begin(self) -> None:
        """Let the line go on from before: its operators know what they knew, and what was open is closed."""
        line = self._line
        for number, operator in enumerate(line.operators):
            if (learned := self._learned.get(str(number))) is None:
                continue
            if learned.use != _use(operator):
                log.warning("%s: what %s had learned is of no use to %s", self._path, learned.use, _use(operator))
                continue
            line.asked(Request(Restore(operator=number, state=learned.state), time.time_ns(), self._tell))
        for event in self.outbox.interrupted:
            for sink in line.sinks:
                sink.write(event)

    def save_when_due(self) -> None:
        """Write what has changed, every few seconds."""
        now = time.monotonic()
        if now - self._arrived_at >= ARRIVED_S:
            self._arrived_at = now
            self.outbox.save()
            is_told = self._line.steering.version != self._version
            if (is_told or now - self._learned_at >= LEARNED_S) and not self._scribe.is_busy:
                self._learned_at = now
                self.save()

    def save(self) -> None:
        """Have it written what the operators have learned."""
        self._version = self._line.steering.version
        learned = {
            str(number): Learned(_use(operator), operator.state())
            for number, operator in enumerate(self._line.operators)
            if isinstance(operator, Remembering)
        }
        self._scribe.write(self._path, msgspec.msgpack.encode(learned))

    def close(self) -> None:
        """Finish writing, and let another run have the folder."""
        self._scribe.close()
        self._lock.close()

    def _read(self) -> dict[str, Learned]:
        """Return what each operator had learned, by its place."""
        if not self._path.is_file():
            return {}
        try:
            return msgspec.msgpack.decode(self._path.read_bytes(), type=dict[str, Learned])
        except (OSError, msgspec.DecodeError) as error:
            raise InputError(f"{self._path}: what was learned cannot be read: {error}") from error

    def _tell(self, reply: Reply) -> None:
        if not reply.is_done:
            log.warning("%s: %s; it is learned anew", self._path, reply.text)


def _locked(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise InputError(f"{folder}: no state can be kept there: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise InputError(f"{folder}: another run keeps its state there") from error
    return lock


def _use(operator: Operator) -> str:
    return f"{type(operator).__module__}:{type(operator).__qualname__}"
