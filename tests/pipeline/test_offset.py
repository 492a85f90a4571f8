"""What a leap of the delays means: the clock, a queue, or another delay from now on; and what is done meanwhile."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from pipeline.messages import NS
from pipeline.offset import AHEAD, EARLY, MAX_DELAY, Offset, Told

PERIOD = NS // 50
MS = 1_000_000


def fed(
    offset: Offset, delay: Callable[[int], int], seconds: float = 20, ahead: Callable[[int], int] = lambda time: 0
) -> Iterator[tuple[int, int | str]]:
    """Feed a steady stream by delay and by how far its clock is ahead, as functions of the time of capture."""
    for seq in range(round(seconds * 50)):
        time = NS + seq * PERIOD
        yield time, offset.correct(time + delay(time), time + ahead(time), seq)


def after(at_s: float, value: int, before: int = 0) -> Callable[[int], int]:
    return lambda time: value if time >= at_s * NS else before


@pytest.mark.parametrize("delay", [-EARLY, 0, 40 * MS, MAX_DELAY])
def test_a_plausible_delay_is_trusted(delay: int) -> None:
    offset = Offset()
    assert all(correction == 0 for _, correction in fed(offset, lambda time: delay))
    assert not offset.is_followed
    assert offset.delay == delay


@pytest.mark.parametrize("delay", [-EARLY - 1, MAX_DELAY + 1, 3 * NS])
def test_any_other_is_the_clock(delay: int) -> None:
    offset = Offset()
    corrections = [correction for _, correction in fed(offset, lambda time: delay)]
    assert corrections[100:] == [delay] * 900
    assert offset.told == [Told("offset", delay)]
    assert offset.is_assumed


def test_a_chunk_of_sound_takes_its_own_length() -> None:
    for delay, expected in ((MAX_DELAY + 20 * MS, 0), (MAX_DELAY + 21 * MS, MAX_DELAY + MS), (-NS, -NS - 20 * MS)):
        offset = Offset(20 * MS)
        assert [correction for _, correction in fed(offset, after(0, delay))][-1] == expected


@pytest.mark.parametrize("more", [12 * MS, 40 * MS, 160 * MS, 800 * MS])
def test_a_delay_that_grows_is_no_step_of_the_clock(more: int) -> None:
    offset = Offset()
    assert {correction for _, correction in fed(offset, after(10, 20 * MS + more, 20 * MS))} == {0}
    assert offset.delay == 20 * MS + more
    assert {correction for _, correction in fed(offset, lambda time: 20 * MS)} == {0}
    assert offset.delay == 20 * MS
    assert not offset.told


@pytest.mark.parametrize("step", [-90 * MS, 90 * MS])
def test_a_leap_of_the_stamps_is_a_step_of_the_clock(step: int) -> None:
    offset = Offset()
    answers = dict(fed(offset, lambda time: 100 * MS, ahead=after(10, step)))
    assert offset.told == [Told("step", step)]
    assert offset.delay == 100 * MS
    assert answers[NS + 700 * PERIOD] == -step


def test_pictures_left_out_to_catch_up_are_no_step_of_the_clock() -> None:
    """A camera on a busy host: its pictures come 0.2 s later from 9 s on, and one is held up by half a second more."""
    offset, late = Offset(), 220 * MS
    assert all(correction == 0 for _, correction in fed(offset, after(9, late, 20 * MS), seconds=10))
    time = NS + 500 * PERIOD
    assert offset.correct(time + late + 500 * MS, time, 500) == 0
    for seq in range(501, 801):
        stamp = time + 550 * MS + (seq - 501) * PERIOD
        assert offset.correct(stamp + late, stamp, seq) == 0
    assert not offset.told


def test_a_small_leap_upwards_is_taken_for_delay_and_one_below_nothing_for_the_clock() -> None:
    """30 ms: a queue may have grown by that, but not have shrunk below 0."""
    offset = Offset()
    assert {answer for _, answer in fed(offset, lambda time: 2 * MS, ahead=after(10, -30 * MS))} == {0}
    offset = Offset()
    answers = [answer for _, answer in fed(offset, lambda time: 2 * MS, ahead=after(10, 30 * MS))]
    assert answers[-1] == -30 * MS
    assert not offset.told


def test_a_backlog_at_the_start_is_not_taken_for_a_clock() -> None:
    """What waited for the connection comes at once, up to 3 s old."""
    offset = Offset()
    assert {correction for _, correction in fed(offset, lambda time: max(5 * MS, 4 * NS - time))} == {0}


def test_a_clock_is_trusted_again_once_its_stamps_are_right() -> None:
    """The first 4 s take 0.5 s, which looks like a wrong clock."""
    offset = Offset()
    answers = list(fed(offset, after(5, 5 * MS, 500 * MS)))
    assert answers[150][1] == 500 * MS
    assert answers[-1][1] == 0
    assert not offset.is_followed


def test_what_is_ahead_is_refused_and_what_is_late_is_let_through() -> None:
    offset = Offset()
    list(fed(offset, lambda time: 20 * MS, 5))
    time = 6 * NS + 20 * MS
    assert offset.correct(time, time - 20 * MS + AHEAD + 20 * MS, 250) == 0
    assert offset.correct(time, time + AHEAD + 1, 251) == "future"
    assert offset.correct(time + 8 * NS, time, 252) == 0
    assert offset.correct(time + 11 * NS, time, 253) == "past"


def test_a_correction_changes_without_a_leap_while_the_clock_does_not_step() -> None:
    offset = Offset()
    corrections = [
        correction for _, correction in fed(offset, lambda time: 20 * MS, 60, ahead=lambda time: time // 500)
    ]
    assert all(isinstance(correction, int) for correction in corrections)
    steps = [abs(int(two) - int(one)) for one, two in pairwise(corrections)]
    assert max(steps) < PERIOD // 50
    assert corrections[-1] == pytest.approx(-(61 * NS - NS) // 500, abs=0.2 * MS)


def test_a_receiver_whose_own_clock_steps_back_an_hour_goes_on() -> None:
    offset = Offset()
    list(fed(offset, lambda time: 20 * MS, 10))
    back = [answer for _, answer in fed(offset, lambda time: 20 * MS - 3600 * NS, 10)]
    assert back[0] == "future"
    assert back[-1] == -3600 * NS


def test_memory_is_bounded_through_hours_of_trouble() -> None:
    offset = Offset()
    for _ in fed(offset, lambda time: (time // NS * 7919 % 400) * MS, 600):
        offset.told.clear()
    assert len(offset._leaps) < 20
    assert len(offset._envelope) <= 60
