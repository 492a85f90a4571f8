"""The board keeps what was told last, counts the rest, and never more than it should."""

from makers import CAMERA
from msgspec.structs import replace
from viewing import FIRE, observation, received

from pipeline.health import Health
from pipeline.messages import NS, Viewer
from pipeline.monitor.board import EVENTS, LABELS, OTHER, SHOWN, Board


def test_a_stream_tells_its_age_by_our_clock_and_its_rate_by_that_of_windows() -> None:
    now = [100.0]
    board = Board(lambda: now[0])
    assert isinstance(board, Viewer)
    board.show(observation(end_s=102))
    assert board.snapshot().streams["/camera"].age_s == -1
    board.sample(received(CAMERA))
    later = observation(end_s=104)
    grown = {"/camera": {"received": 60, "used": 60}, "/imu": {"received": 800, "used": 800}}
    board.show(replace(later, window=replace(later.window, ledger=grown)))
    now[0] += 3
    streams = board.snapshot().streams
    assert (streams["/camera"].age_s, streams["/camera"].rate_hz) == (3, 15)
    assert (streams["/imu"].rate_hz, streams["/imu"].age_s) == (200, -1)


def test_the_books_close_for_every_topic() -> None:
    board = Board()
    board.show(observation())
    for stream in board.snapshot().streams.values():
        assert sum(stream.ends.values()) + stream.in_flight == stream.sent
    assert board.snapshot().streams["/camera"].sent == 35


def test_events_are_kept_in_bounds() -> None:
    board = Board()
    for number in range(EVENTS + 10):
        board.write(replace(FIRE, id=f"{number}"))
    assert len(board.events()) == EVENTS
    assert board.event("9") is None
    assert len([event for event in board.events() if event.pictures]) == SHOWN
    assert board.snapshot().events[0].going_on == EVENTS
    assert board.snapshot().events[0].opened == EVENTS + 10


def test_what_changed_since_can_be_asked() -> None:
    board = Board()
    board.write(FIRE)
    version = board.version
    board.write(replace(FIRE, id="b"))
    board.write(replace(FIRE, id="c"))
    assert [event.id for event in board.events(version)] == ["c", "b"]
    assert board.events(board.version) == []


def test_labels_without_end_are_counted_together() -> None:
    board = Board()
    for number in range(LABELS + 50):
        board.write(replace(FIRE, id=f"{number}", label=f"behind by {number} ms"))
    counted = {tally.label: tally.opened for tally in board.snapshot().events}
    assert len(counted) == LABELS + 1
    assert counted[OTHER] == 50


def test_closed_events_go_on_no_more() -> None:
    board = Board()
    board.write(FIRE)
    board.write(replace(FIRE, phase="closed"))
    (tally,) = board.snapshot().events
    assert (tally.opened, tally.going_on) == (1, 0)


def test_health_is_that_of_the_line_if_there_is_one() -> None:
    board = Board()
    board.show(observation())
    assert board.snapshot().health.windows == 1
    board.watch(lambda: Health(windows=9, skipped=2))
    board.show(observation(end_s=int(103 * NS / NS)))
    assert (board.snapshot().health.windows, board.snapshot().health.skipped) == (9, 2)
