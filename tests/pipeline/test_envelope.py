"""The lower envelope: its slope to some ppm under jitter, none where there is none, whatever queues do meanwhile."""

import numpy as np
import pytest

from pipeline.envelope import HORIZON, Envelope, Line
from pipeline.messages import NS


def laid(delays_ms: list[float], slope: float = 0.0) -> Line:
    """The line under one smallest delay a second."""
    envelope = Envelope(slope)
    for second, delay in enumerate(delays_ms):
        envelope.add(second * NS, round(delay * 1e6))
    return envelope.line()


def jittering(seed: int, seconds: int = 60, ppm: float = 0.0, samples: int = 15) -> list[float]:
    """Smallest delays of seconds with so many samples: 20 ms and Gaussian jitter of 1 ms."""
    delays = np.random.default_rng(seed).normal(20, 1, (seconds, samples)).min(axis=1)
    return list(delays + np.arange(seconds) * ppm / 1000)


@pytest.mark.parametrize("ppm", [-2000, -100, 100, 2000])
@pytest.mark.parametrize("seed", range(5))
def test_a_slope_is_found_to_some_ppm_within_a_minute(ppm: float, seed: int) -> None:
    line = laid(jittering(seed, ppm=ppm))
    assert line.is_sloping
    assert line.slope * 1e6 == pytest.approx(ppm, abs=15)
    assert line.at(30 * NS) / 1e6 == pytest.approx(20 - 1.7 + ppm * 0.03, abs=0.5)


@pytest.mark.parametrize("seed", range(20))
def test_jitter_has_no_slope_at_any_length(seed: int) -> None:
    delays = jittering(seed, 90)
    assert not any(laid(delays[:length]).is_sloping for length in range(1, 91))


@pytest.mark.parametrize("jump_ms", [-30, -5, 5, 30])
def test_a_jump_of_delay_is_no_slope_wherever_it_is(jump_ms: float) -> None:
    for place in range(1, 60):
        steady = [40.0 + 0.01 * (second % 2) + (jump_ms if second >= place else 0) for second in range(60)]
        assert not laid(steady).is_sloping


@pytest.mark.parametrize("seed", range(5))
def test_bursts_of_delay_do_not_lift_the_line(seed: int) -> None:
    rng = np.random.default_rng(seed)
    quiet = jittering(seed, ppm=100)
    busy = [delay + (rng.uniform(10, 100) if rng.random() < 0.3 else 0) for delay in quiet]
    assert laid(busy).at(60 * NS) == pytest.approx(laid(quiet).at(60 * NS), abs=400_000)


def test_only_the_last_minute_counts() -> None:
    before = [90.0 - second for second in range(60)]
    after = [20.0] * HORIZON
    assert laid(before + after) == laid([0.0] * 60 + after)


def test_the_slope_known_before_holds_until_there_is_another() -> None:
    assert laid([20.0, 20.0, 20.0], slope=1e-4).slope == 1e-4
    assert laid([20.0] * 10, slope=1e-4).slope == 1e-4
    assert laid([20.0] * 30, slope=1e-4).slope == 0
    steep = laid([20.0 + 2 * second for second in range(10)], slope=1e-4)
    assert steep.is_sloping
    assert steep.slope == pytest.approx(2e-3)


def test_large_times_and_delays_lose_nothing() -> None:
    envelope = Envelope()
    for second in range(30):
        envelope.add(1_700_000_000 * NS + second * NS, 1_700_000_000 * NS + 123_456_789)
    assert envelope.line().at(1_700_000_100 * NS) == 1_700_000_000 * NS + 123_456_789
