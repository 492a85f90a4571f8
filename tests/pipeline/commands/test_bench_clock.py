"""The figures of the clock in ``bench sync`` are those of the dear case: five streams, all stamps corrected."""

from itertools import pairwise

import pytest

from pipeline.clock import Clock
from pipeline.commands.bench.clock import AHEAD, DELAY, clock_figures, received
from pipeline.commands.bench.sync import CHANNELS, stream
from pipeline.messages import Sample


def test_what_the_clock_is_timed_with_comes_in_order_of_receipt_and_loses_nothing() -> None:
    samples = list(stream(3))
    arrivals = list(received(samples))
    assert [arrival.sample.stamp - AHEAD for arrival in arrivals] == [sample.stamp for sample in samples]
    assert all(one.received <= other.received for one, other in pairwise(arrivals))
    assert min(arrival.received - sample.stamp for arrival, sample in zip(arrivals, samples, strict=True)) >= DELAY


def test_every_stamp_of_it_is_corrected() -> None:
    clock = Clock(CHANNELS)
    for arrival in received(stream(3)):
        corrected = clock.correct(arrival)
        assert isinstance(corrected, Sample)
        assert corrected.stamp == pytest.approx(arrival.sample.stamp - AHEAD, abs=30_000_000)
    assert {clock.report(channel.topic).method for channel in CHANNELS} == {"one-way"}


def test_its_figures_are_microseconds_for_half_and_for_nearly_all_of_the_messages() -> None:
    figures = clock_figures(stream(3), CHANNELS)
    assert figures.keys() == {"clock_us_per_message_p50", "clock_us_per_message_p99"}
    assert 0.1 < figures["clock_us_per_message_p50"] <= figures["clock_us_per_message_p99"] < 100_000
