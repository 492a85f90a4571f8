"""Exchanges: the quickest trip tells the offset, to half of what is left of it."""

import numpy as np
import pytest

from pipeline.exchange import FRESH, KEPT, LONGEST, Exchanges
from pipeline.messages import NS


def ask(exchanges: Exchanges, at: int, there: int, back: int, ahead: int = 0, takes: int = 1000) -> None:
    """One exchange with a sender ``ahead`` nanoseconds ahead, over ways of so many nanoseconds."""
    heard = at + there + ahead
    exchanges.add(at, heard, heard + takes, at + there + takes + back)


@pytest.mark.parametrize("ahead", [-250_000_000, 0, 250_000_000])
def test_the_offset_is_known_to_half_the_quickest_round_trip(ahead: int) -> None:
    rng = np.random.default_rng(7)
    exchanges = Exchanges()
    for number in range(10):
        there, back = (int(way) for way in 200_000 + rng.exponential(5e6, 2))
        ask(exchanges, number * NS, there, back, ahead)
    best = exchanges.best()
    assert best is not None
    assert abs(best.correction + ahead) <= best.uncertainty < 5_000_000


def test_equal_ways_tell_it_exactly() -> None:
    exchanges = Exchanges()
    ask(exchanges, 0, 3_000_000, 3_000_000, ahead=1_234_567)
    best = exchanges.best()
    assert best is not None
    assert (best.correction, best.uncertainty) == (-1_234_567, 3_000_000)


def test_old_exchanges_are_forgotten() -> None:
    exchanges = Exchanges()
    ask(exchanges, 0, 1000, 1000, ahead=5)
    for number in range(3):
        ask(exchanges, FRESH + number, 9000, 9000, ahead=70_000)
    best = exchanges.best()
    assert best is not None
    assert best.correction == -70_000
    for number in range(KEPT):
        ask(exchanges, FRESH + NS + number, 20_000, 20_000, ahead=70_001)
    best = exchanges.best()
    assert best is not None
    assert best.correction == -70_001


def test_a_trip_that_takes_too_long_tells_nothing() -> None:
    exchanges = Exchanges()
    ask(exchanges, 0, LONGEST, 1)
    assert exchanges.best() is None
    ask(exchanges, 0, LONGEST, 0)
    assert exchanges.best() is not None


@pytest.mark.parametrize("stamps", [(10, 20, 15, 40), (10, 20, 30, 5), (0, 100, 200, 50)])
def test_what_cannot_have_been_is_left_out(stamps: tuple[int, int, int, int]) -> None:
    exchanges = Exchanges()
    exchanges.add(*stamps)
    assert exchanges.best() is None
