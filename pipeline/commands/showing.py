"""The page of a replay: its feed, its process, and its buttons."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from time import monotonic

from msgspec.structs import replace
from rich.console import Console

from pipeline.commands.paging import apart, page
from pipeline.commands.playing import Playing
from pipeline.driving import Driver
from pipeline.feed import FeedPublisher
from pipeline.messages import Event
from pipeline.monitor.board import Board
from pipeline.transport import Transport

PAGE_S, POLL_S = 30.0, 0.1
"""So long the replay waits for its page, at most."""


@contextmanager
def showing(
    playing: Playing, transport: Transport, port: int, console: Console, options: Sequence[str] = ()
) -> Iterator[FeedPublisher]:
    """Serve the page of a replay that ``transport`` moves, with ``options`` of ``rigbind monitor``; yield its feed."""
    rig = apart(playing.rig)
    driver = Driver(rig.bus.control, transport, playing.start, playing.end, rig.security)
    with closing(driver), page(rig, port, console, options, known(playing)) as feed:
        feed.follow(driver.place)
        _wait(feed, transport)
        yield feed


def known(playing: Playing) -> list[Event]:
    """Return the events that the run told of when it was recorded, as many as a page keeps; all are over."""
    board = Board()
    for event in playing.run.rows(Event) if playing.run else ():
        board.write(event)
    return [replace(event, phase="closed") for event in reversed(board.events())]


def _wait(feed: FeedPublisher, transport: Transport) -> None:
    """Let the page be there before a short log is over."""
    until = monotonic() + PAGE_S
    while monotonic() < until and not transport.is_stopped and not feed.wait(POLL_S):
        pass
