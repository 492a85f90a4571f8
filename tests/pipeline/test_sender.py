"""What is said of a clock: reports that fit what is done, incidents in words, each told once while it lasts."""

import pytest
from makers import CAMERA, IMU, T0
from msgspec.structs import replace
from senders import arrivals, kept, stepping, taking

from pipeline.messages import NS, Received
from pipeline.offset import MAX_DELAY
from pipeline.sender import RECENT, TEXTS, ClockReport, Sender


def fed(items: list[Received]) -> Sender:
    sender = Sender(CAMERA if items[0].sample.topic == "/camera" else IMU, items[0])
    for item in items:
        sender.correct(item)
    return sender


def test_a_right_clock_may_hide_an_offset_as_large_as_its_delay() -> None:
    report = fed(arrivals(CAMERA, 20, delay=taking(0.04))).report()
    assert (report.method, report.offset_ns, report.faults) == ("trusted", 0, ())
    assert report.uncertainty_ns == pytest.approx(40_000_000, abs=500_000)


def test_another_clock_may_be_off_by_any_delay() -> None:
    report = fed(arrivals(CAMERA, 20, kept(2.5))).report()
    assert report.method == "one-way"
    assert report.uncertainty_ns == pytest.approx(MAX_DELAY, abs=500_000)
    assert report.faults == ("offset: -2.499 s",)


def test_after_a_step_the_delay_is_still_known() -> None:
    sender = fed(arrivals(CAMERA, 30, stepping(15, 1.0), taking(0.04)))
    report = sender.report()
    assert report.method == "one-way"
    assert report.uncertainty_ns == pytest.approx(40_000_000, abs=500_000)
    assert [incident.text for incident in sender.incidents] == [
        "/camera: a stamp of it lies in the future; refused",
        "/camera: its clock stepped by +1.000 s",
    ]


def test_what_has_passed_is_reported_for_ten_seconds() -> None:
    items = arrivals(CAMERA, 40, stepping(10, 1.0))
    sender = Sender(CAMERA, items[0])
    told = []
    for item in items:
        sender.correct(item)
        told.append((item.received, sender.report().faults))
    during = {faults for time, faults in told if T0 + 14 * NS < time < T0 + 21 * NS}
    assert all({"step: +1.000 s", "future"} <= set(faults) for faults in during)
    assert told[-1][1] == ("offset: -1.000 s",)


def test_what_lasts_is_told_once_and_what_returns_is_told_again() -> None:
    items = arrivals(IMU, 60)
    wrong = [*range(1000, 3000, 100), *range(3000 + RECENT // NS * 200, 3000 + RECENT // NS * 200 + 10)]
    for number in wrong:
        items[number] = replace(items[number], sample=replace(items[number].sample, stamp=T0 + (900 + number) * NS))
    sender = fed(items)
    assert [(incident.kind, incident.stamp) for incident in sender.incidents] == [
        ("future", items[1000].received),
        ("future", items[wrong[-10]].received),
    ]


def test_stamps_of_sending_are_named_and_stamps_of_receipt_are_no_fault() -> None:
    items = [replace(item, sent=item.sample.stamp) for item in arrivals(CAMERA, 5)]
    assert fed(items).report().faults == ("sent",)
    items = [replace(item, received=item.sample.stamp) for item in arrivals(CAMERA, 5)]
    assert fed(items).report() == ClockReport(method="receipt", uncertainty_ns=MAX_DELAY)


def test_a_step_makes_earlier_exchanges_worthless() -> None:
    items = arrivals(CAMERA, 30, stepping(15, 1.0))
    sender = Sender(CAMERA, items[0])
    for item in items:
        sender.correct(item)
        if item.sample.seq == 100:
            sender.exchange(item.received, item.received + 10, item.received + 20, item.received + 30)
            assert sender.report().method == "exchange"
    assert sender.report().method == "one-way"
    assert sender.report().offset_ns == pytest.approx(-NS, abs=1_000_000)


def test_every_incident_has_its_words() -> None:
    assert all(text.format("it") for text in TEXTS.values())
    items = arrivals(CAMERA, 2)
    sender = fed([replace(item, sample=replace(item.sample, stamp=item.sample.stamp // 1000)) for item in items])
    (incident,) = sender.incidents
    assert (incident.topic, incident.session, incident.stamp) == ("/camera", "s", items[0].received)
    assert incident.text == "/camera: its stamps count us, not ns; corrected"
