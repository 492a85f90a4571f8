"""What a viewer does aside is bounded, in order, and never the line's business."""

import logging
from collections.abc import Sequence
from threading import Event as Flag
from threading import Thread

import numpy as np
import pytest
from makers import sample
from msgspec.structs import replace
from situations import clip
from viewing import FIRE, observation

from pipeline.messages import Observation, Received
from pipeline.monitor.aside import SAID, SAMPLE_BYTES, SAMPLES, Aside, Item


class Slow:
    """Work that waits to be let go, and keeps what it was given."""

    def __init__(self) -> None:
        self.go, self.has_begun = Flag(), Flag()
        self.items: list[Item] = []

    def __call__(self, items: Sequence[Item]) -> None:
        self.has_begun.set()
        assert self.go.wait(10)
        self.items += items


@pytest.fixture
def slow() -> Slow:
    return Slow()


def stalled(slow: Slow) -> Aside:
    """Return one whose thread is busy with a first sample."""
    aside = Aside(slow, "test")
    aside.put(Received(sample=sample("/first"), received=0))
    assert slow.has_begun.wait(10)
    return aside


def numbers(slow: Slow) -> list[int]:
    return [item.received for item in slow.items[1:] if isinstance(item, Received)]


def test_the_newest_samples_are_kept(slow: Slow) -> None:
    aside = stalled(slow)
    for number in range(SAMPLES + 50):
        aside.put(Received(sample=sample("/imu"), received=number))
    slow.go.set()
    aside.close()
    assert numbers(slow) == list(range(50, SAMPLES + 50))
    assert aside.dropped == {"/imu": 50}


def test_large_samples_are_bounded_by_bytes(slow: Slow) -> None:
    aside = stalled(slow)
    frame = np.zeros(SAMPLE_BYTES // 4, np.uint8)
    for number in range(10):
        aside.put(Received(sample=sample("/camera", data=frame), received=number))
    slow.go.set()
    aside.close()
    assert numbers(slow) == [6, 7, 8, 9]


def test_samples_never_push_out_what_was_said(slow: Slow) -> None:
    aside = stalled(slow)
    seen = observation()
    aside.put(FIRE)
    aside.put(replace(seen, window=replace(seen.window, clips={"/imu": clip("imu")})))
    for number in range(2 * SAMPLES):
        aside.put(Received(sample=sample("/imu"), received=number))
    slow.go.set()
    aside.close()
    event, shown = slow.items[-2:]
    assert event == FIRE
    assert isinstance(shown, Observation)
    assert not shown.window.clips


def test_what_was_said_is_bounded_too(slow: Slow) -> None:
    aside = stalled(slow)
    for number in range(SAID + 3):
        aside.put(replace(FIRE, start=number))
    slow.go.set()
    aside.close()
    assert next(item.start for item in slow.items[1:] if not isinstance(item, Received | Observation)) == 3
    assert aside.dropped == {"said": 3}


def test_one_that_waits_drops_nothing(slow: Slow) -> None:
    aside = Aside(slow, "test", waits=True)

    def put() -> None:
        for number in range(-1, 3 * SAMPLES):
            aside.put(Received(sample=sample("/imu"), received=number))

    putting = Thread(target=put)
    putting.start()
    assert slow.has_begun.wait(10)
    slow.go.set()
    putting.join(10)
    aside.close()
    assert numbers(slow) == list(range(3 * SAMPLES))
    assert not aside.dropped


def test_work_that_raises_is_told_once_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    done: list[Item] = []

    def work(items: Sequence[Item]) -> None:
        done.extend(items)
        raise RuntimeError("no such colour")

    aside = Aside(work, "painter")
    with caplog.at_level(logging.WARNING):
        for number in range(1, 4):
            aside.put(replace(FIRE, start=number))
            while len(done) < number:
                pass
        aside.close()
    assert aside.error == "RuntimeError: no such colour"
    assert [record.message for record in caplog.records] == ["painter: no such colour"]
