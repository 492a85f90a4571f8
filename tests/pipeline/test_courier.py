"""What takes long to arrive never makes the line wait, and is tried again."""

import threading
from contextlib import closing

import pytest
from wires import event, waited_for

import pipeline.sinks.courier
from pipeline.messages import Event
from pipeline.sinks.courier import Courier, RefusedError


def test_what_fails_is_tried_again_in_order() -> None:
    arrived: list[str] = []
    troubles = iter([OSError("no route"), None, OSError("still none"), OSError("still none"), None, None])

    def deliver(one: Event) -> None:
        if trouble := next(troubles):
            raise trouble
        arrived.append(one.id)

    with closing(Courier(deliver, 10)) as courier:
        for number in range(3):
            courier.write(event(number))
        waited_for(lambda: len(arrived) == 3)
    assert arrived == ["e0", "e1", "e2"]
    assert (courier.delivered, courier.dropped, courier.acknowledged) == (3, 0, 3)
    assert courier.told() == "3 delivered; last trouble: still none"


def test_what_is_refused_is_dropped_and_the_next_one_goes() -> None:
    arrived: list[str] = []

    def deliver(one: Event) -> None:
        if one.id == "e0":
            raise RefusedError("not this one")
        arrived.append(one.id)

    with closing(Courier(deliver, 10)) as courier:
        courier.write(event(0))
        courier.write(event(1))
        waited_for(lambda: courier.acknowledged == 2)
    assert arrived == ["e1"]
    assert courier.told() == "1 delivered, 1 dropped; last trouble: not this one"


def test_of_too_many_the_oldest_go_and_none_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.sinks.courier, "CLOSE_S", 0.2)
    hung, arrived = threading.Event(), threading.Event()

    def deliver(one: Event) -> None:
        arrived.set()
        hung.wait()

    courier = Courier(deliver, 3)
    courier.write(event(0))
    arrived.wait()
    for number in range(1, 8):
        courier.write(event(number))
    assert courier.dropped == 5
    assert courier.acknowledged == 0  # the first is still on its way
    courier.close()
    assert courier.told() == "0 delivered, 5 dropped, 3 left waiting"
    hung.set()
