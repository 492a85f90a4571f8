"""Rates and gaps of a topic, from when its messages came."""

import pytest

from pipeline.logs.topic import Gap, timing
from pipeline.messages import NS

MS = NS // 1000


def test_a_steady_topic_has_its_rate_and_no_gap() -> None:
    assert timing([i * 10 * MS for i in range(100)]) == (0, 990 * MS, 100.0, ())


def test_a_gap_is_told_and_left_out_of_the_rate() -> None:
    times = [i * 10 * MS for i in range(100)] + [i * 10 * MS + NS for i in range(100, 200)]
    assert timing(times) == (0, 2990 * MS, 100.0, (Gap(990 * MS, 1010 * MS),))


def test_jitter_below_five_milliseconds_is_no_gap() -> None:
    times = [i * MS for i in range(100)] + [i * MS + 4 * MS for i in range(100, 200)]
    assert timing(times).gaps == ()


@pytest.mark.parametrize("burst", [2, 4, 8])
def test_pauses_between_bursts_are_no_gaps(burst: int) -> None:
    times = [i * 100 * MS + j * MS for i in range(50) for j in range(burst)]
    when = timing(times)
    assert when.gaps == ()
    assert when.rate_hz == pytest.approx(10 * burst, rel=0.03)


@pytest.mark.parametrize("times", [[], [5], [5, 5]])
def test_too_few_messages_tell_no_rate(times: list[int]) -> None:
    assert timing(times).rate_hz == 0
    assert timing(times).gaps == ()


def test_order_does_not_matter() -> None:
    assert timing([30, 10, 20]) == timing([10, 20, 30])
