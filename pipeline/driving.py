"""A replay's buttons pressed from elsewhere: a page asks, the replay's own process obeys.

The question is ``control.Drive``; where the replay is, is told by the feed as ``Place``.
"""

from threading import Event as Flag
from threading import Thread

from msgspec import Struct

from pipeline.config import Security
from pipeline.control import ControlServer, Drive, Question, Reply
from pipeline.messages import FOREVER, Restore
from pipeline.transport import Transport

POLL_S = 0.02


class Place(Struct, frozen=True, kw_only=True):
    """Where a replay is, in log time; ``rate`` 0 is as fast as the line takes it.

    At the end of the log it is paused, too; to play is to begin again then.
    """

    start: int
    end: int
    position: int
    rate: float
    is_paused: bool
    is_looping: bool


class Driver:
    """Obeys ``Drive`` at ``address`` on a thread of its own, by the buttons of ``transport``.

    ``start`` and ``end`` are those of the log.
    """

    def __init__(
        self, address: str, transport: Transport, start: int, end: int, security: Security | None = None
    ) -> None:
        self._transport, self._start, self._end = transport, start, end
        self._server = ControlServer(address, security)
        self.address = self._server.address
        self._stop = Flag()
        self._thread = Thread(target=self._work, name="driver", daemon=True)
        self._thread.start()

    def place(self) -> Place:
        """Return where the replay is."""
        transport = self._transport
        first = max(self._start, transport.start)
        last = self._end if transport.end == FOREVER else min(self._end, transport.end)
        return Place(
            start=first,
            end=last,
            position=min(max(transport.position, first), last),
            rate=transport.rate or 0.0,
            is_paused=transport.is_paused or transport.has_ended,
            is_looping=transport.is_looping,
        )

    def close(self) -> None:
        """Obey no more, and let go of the address."""
        self._stop.set()
        self._thread.join()
        self._server.close()

    def _work(self) -> None:
        while not self._stop.wait(POLL_S):
            for request in self._server.take():
                request.answer(self._answered(request.question))

    def _answered(self, question: Question | Restore) -> Reply:
        if not isinstance(question, Drive):
            return Reply(is_done=False, text="this is a replay: what was looked for, and marked, is part of the log")
        try:
            self._press(question)
        except ValueError as error:
            return Reply(is_done=False, text=str(error))
        return Reply(is_done=True, text=question.action)

    def _press(self, drive: Drive) -> None:
        transport = self._transport
        match drive.action:
            case "play":
                transport.play()
                if transport.has_ended:
                    transport.seek(self._start)
            case "pause":
                transport.pause()
            case "step":
                transport.step()
            case "seek":
                transport.seek(drive.stamp)
            case "rate":
                transport.rate = drive.rate or None
            case "loop":
                transport.is_looping = not transport.is_looping
