"""What stamps count is found from the first sample on; those that tell nothing are refused or replaced."""

from collections.abc import Callable, Iterable

import pytest
from makers import T0, sample
from msgspec.structs import replace

from pipeline.messages import NS, Received
from pipeline.stamps import TOLD_AFTER, Stamps

PERIOD = NS // 15


def received(stamp: int, number: int, sent: int = 0) -> Received:
    """Number ``number`` of a steady stream, with that stamp, received 3 ms after it was taken."""
    return Received(
        sample=replace(sample(seq=number), stamp=stamp), received=T0 + number * PERIOD + 3_000_000, sent=sent
    )


def read(stamp: Callable[[int], int], numbers: Iterable[int]) -> tuple[Stamps, list[int | str]]:
    """What becomes of the stamps of a stream, ``stamp`` being a function of the time of capture."""
    stamps = Stamps(PERIOD)
    return stamps, [stamps.read(received(stamp(T0 + number * PERIOD), number)) for number in numbers]


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
def test_the_unit_is_known_from_the_first_sample_on(unit: int) -> None:
    stamps, values = read(lambda time: time // unit, range(40))
    assert stamps.unit == unit
    assert not stamps.is_missing
    assert values == [(T0 + number * PERIOD) // unit * unit for number in range(40)]


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
def test_the_unit_of_a_clock_that_counts_from_its_start_is_known_from_the_second(unit: int) -> None:
    _, values = read(lambda time: (time - T0 + 5 * NS) // unit, range(40))
    due = [(number * PERIOD + 5 * NS) // unit * unit for number in range(40)]
    assert values[1:] == due[1:]


def test_half_an_hour_in_nanoseconds_is_not_taken_for_milliseconds_of_today() -> None:
    stamps, values = read(lambda time: time - T0 + T0 // 1_000_000 + 5 * NS, range(40))
    assert stamps.unit == 1
    assert values[-1] == T0 // 1_000_000 + 5 * NS + 39 * PERIOD


def test_a_held_up_second_sample_does_not_make_milliseconds() -> None:
    stamps = Stamps(PERIOD)
    for number, late in [(0, 0), (1, 5 * NS), (2, 5 * NS), (100, 0), (101, 0)]:
        item = received(NS + number * PERIOD, number)
        value = stamps.read(replace(item, received=item.received + late))
        assert number in (1, 2) or value == NS + number * PERIOD


@pytest.mark.parametrize("stamp", [lambda time: 0, lambda time: time // NS])
def test_without_stamps_or_with_whole_seconds_the_time_of_receipt_stands_in(stamp: Callable[[int], int]) -> None:
    stamps, values = read(stamp, range(40))
    assert stamps.is_missing
    assert values == [T0 + number * PERIOD + 3_000_000 for number in range(40)]


def test_a_sender_that_begins_to_stamp_is_believed() -> None:
    stamps, values = read(lambda time: time if time >= T0 + 15 * PERIOD else 0, range(30))
    assert not stamps.is_missing
    assert values[14:] == [3_000_000 * (number < 15) + T0 + number * PERIOD for number in range(14, 30)]


def test_a_stamp_that_stands_still_is_frozen_until_it_moves() -> None:
    _, values = read(lambda time: min(time, T0 + 15 * PERIOD) if time < T0 + 45 * PERIOD else time, range(60))
    assert values[:16] == [T0 + number * PERIOD for number in range(16)]
    assert set(values[18:45]) == {"frozen"}
    assert values[45:] == [T0 + number * PERIOD for number in range(45, 60)]


def test_repeated_and_slightly_disordered_stamps_are_normal() -> None:
    stamps = Stamps(NS // 200)
    for number in range(400):
        place = number + (1, -1, 0)[number % 3]  # the first two of three are swapped
        item = received(T0 + place // 2 * (NS // 100), number)  # every stamp comes twice
        value = stamps.read(replace(item, received=T0 + number * (NS // 200)))
        assert value == item.sample.stamp


def test_one_sample_without_a_stamp_is_refused() -> None:
    _, values = read(lambda time: 0 if time == T0 + 5 * PERIOD else time, range(10))
    assert [number for number, value in enumerate(values) if isinstance(value, str)] == [5]
    assert values[5] == "no stamp"


def test_stamps_of_receipt_and_of_sending_are_told_after_some_samples() -> None:
    stamps = Stamps(PERIOD)
    for number in range(TOLD_AFTER + 1):
        assert (stamps.are_of_receipt, stamps.are_of_sending) == (False, False)
        time = T0 + number * PERIOD + 3_000_000
        stamps.read(received(time, number, sent=time))
    assert (stamps.are_of_receipt, stamps.are_of_sending) == (True, True)
    stamps.read(received(T0 + 100 * PERIOD, 100, sent=T0 + 100 * PERIOD))
    assert (stamps.are_of_receipt, stamps.are_of_sending) == (False, True)
