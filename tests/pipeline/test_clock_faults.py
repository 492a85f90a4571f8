"""Stamps that come twice, stand still, are of another unit or none, or far off: faults T4 to T6 and T10."""

import numpy as np
import pytest
from makers import CAMERA, IMU, T0, stream
from msgspec.structs import replace
from senders import SEEDS, STREAMS, arrivals, errors_ms, kept, kinds, taking, worst

from pipeline.clock import Clock
from pipeline.config import Channel
from pipeline.messages import NS, Received, Sample


def test_t4_repeated_and_disordered_stamps_are_let_through() -> None:
    items = []
    for number, item in enumerate(stream(IMU, 0, 20)):
        stamp = item.stamp - (item.seq % 3) * 4_000_000
        items.append(Received(sample=replace(item, stamp=stamp - stamp % 10_000_000), received=item.stamp + NS // 100))
        if number % 50 == 0:
            items.append(items[-1])
    clock = Clock([IMU])
    assert all(clock.correct(item) is item.sample for item in items)
    assert not clock.incidents()


@STREAMS
def test_t4_a_stamp_that_comes_twice_now_and_then_is_let_through(channel: Channel) -> None:
    items = arrivals(channel, 20)
    for number in range(10, len(items), 10):
        items[number] = replace(
            items[number], sample=replace(items[number].sample, stamp=items[number - 1].sample.stamp)
        )
    clock = Clock([channel])
    assert all(clock.correct(item) is item.sample for item in items)
    assert not clock.incidents()


@STREAMS
@pytest.mark.parametrize(("unit", "name"), [(1_000, "us"), (1_000_000, "ms"), (NS, "s")])
def test_t5_stamps_in_a_wrong_unit_are_corrected_from_the_first_on(channel: Channel, unit: int, name: str) -> None:
    clock = Clock([channel])
    items = [
        replace(item, sample=replace(item.sample, stamp=item.sample.stamp // unit))
        for item in arrivals(channel, 5, delay=taking(0.01))
    ]
    errors = errors_ms(clock, items, channel)
    assert len(errors) == len(items)
    late = 50 if unit == NS else 2  # whole seconds are of no use: the time of receipt stands in
    assert worst(errors, 0) < late
    report = clock.report(channel.topic)
    assert (report.method, report.faults) == ("receipt" if unit == NS else "trusted", (f"unit: {name}",))
    (incident,) = clock.incidents()
    assert incident.kind == ("coarse" if unit == NS else "unit")


@SEEDS
def test_t5_microseconds_since_the_start_are_both_read_and_placed(seed: int) -> None:
    clock = Clock([IMU])
    items = [
        replace(item, sample=replace(item.sample, stamp=item.sample.stamp // 1000))
        for item in arrivals(IMU, 20, kept(7 - T0 / NS), seed=seed)
    ]
    errors = errors_ms(clock, items, IMU)
    assert worst(errors, 0.2) < 4
    assert worst(errors, 2.5) < 2
    assert "unit" in kinds(clock)


@pytest.mark.parametrize("asleep_s", [3.0, 30.0, 3600.0])
def test_t6_a_clock_that_stood_still_while_its_host_slept_is_found_again(asleep_s: float) -> None:
    def reading(at_s: float) -> float:
        return at_s if at_s < 10 else at_s - asleep_s

    awake = [
        item
        for item in arrivals(replace(CAMERA, rate_hz=15.0), asleep_s + 30, reading)
        if not 10 <= item.sample.seq / 15 < 10 + asleep_s
    ]
    clock = Clock([CAMERA])
    errors = errors_ms(clock, awake, CAMERA)
    assert worst(errors, 15 + asleep_s) < 2
    assert kinds(clock)[-1] == "step"


def test_t6_a_sleep_of_the_host_alone_changes_nothing() -> None:
    items = [item for item in arrivals(CAMERA, 3700) if not 10 <= item.sample.seq / 15 < 3610]
    clock = Clock([CAMERA])
    assert all(clock.correct(item) is item.sample for item in items)
    assert not clock.incidents()


def test_a_frozen_stamp_is_refused_and_named_once() -> None:
    clock = Clock([CAMERA])
    items = [
        replace(item, sample=replace(item.sample, stamp=min(item.sample.stamp, T0 + 5 * NS)))
        if item.sample.seq < 600
        else item
        for item in arrivals(CAMERA, 50)
    ]
    said = [clock.correct(item) for item in items]
    assert all(said[number] is items[number].sample for number in range(77))
    assert set(said[78:600]) == {"frozen"}
    assert kinds(clock) == ["frozen"]
    assert all(one is item.sample for one, item in zip(said[600:], items[600:], strict=True))
    assert not clock.report("/camera").faults


def test_stamps_from_the_future_and_from_long_ago_are_refused_one_by_one() -> None:
    clock = Clock([IMU])
    rng = np.random.default_rng(3)
    wrong = set(rng.choice(np.arange(300, 4000), 60, replace=False).tolist())
    refused = []
    for item in arrivals(IMU, 20):
        seq = item.sample.seq
        if seq in wrong:
            item = replace(item, sample=replace(item.sample, stamp=item.sample.stamp + (-1) ** seq * 900 * NS))
        answer = clock.correct(item)
        if isinstance(answer, str):
            refused.append(seq)
            assert answer == ("past" if seq % 2 else "future")
        else:
            assert answer is item.sample
    assert set(refused) == wrong
    assert set(kinds(clock)) == {"future", "past"}


def test_a_first_stamp_from_the_future_does_not_make_the_rest_old() -> None:
    items = arrivals(IMU, 5)
    items[0] = replace(items[0], sample=replace(items[0].sample, stamp=T0 + 900 * NS))
    clock = Clock([IMU])
    errors = errors_ms(clock, items[1:2], IMU) + errors_ms(clock, items, IMU)
    assert worst(errors, 0) < 5
    assert len(errors) == len(items)


def test_t10_a_sender_without_stamps_gets_those_of_receipt() -> None:
    clock = Clock([CAMERA])
    items = [replace(item, sample=replace(item.sample, stamp=0)) for item in arrivals(CAMERA, 20)]
    for item in items:
        answer = clock.correct(item)
        assert isinstance(answer, Sample)
        assert answer.stamp == item.received
    report = clock.report("/camera")
    assert (report.method, report.faults) == ("receipt", ("no stamps",))
    assert kinds(clock) == ["no stamps"]
