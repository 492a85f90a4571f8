"""Events of rare windows: each fault of a sensor by itself, all else together, and one thing after another."""

from collections.abc import Sequence

import pytest

from operators.alarms import Alarms, label_of
from pipeline.messages import NS, Event, Window

ALLOWED = 1e-3
CALM = {"/imu": 0.5, "/imu unlike": 0.4, "/microphone": 0.6, "/camera frozen": 1.0, "fused": 0.7}


def told(*windows: dict[str, float]) -> list[Event]:
    """Let windows a second apart pass, each like ``CALM`` but for what is given, and end."""
    alarms = Alarms("anomaly", release=10.0, quiet=2)
    events: list[Event] = []
    for number, p_values in enumerate(windows):
        window = Window(start=number * NS, end=(number + 2) * NS, clips={}, coverage={})
        events += alarms.judge(window, CALM | p_values, ALLOWED, lambda name: 7 if name == "/imu" else 0)
    return [*events, *alarms.finish()]


def spans(events: Sequence[Event]) -> list[tuple[str, float, float]]:
    """Label, start and end of each event, in seconds."""
    return sorted((event.label, event.start / NS, event.end / NS) for event in events if event.phase == "closed")


def test_two_rare_windows_in_a_row_are_an_event_and_one_is_none() -> None:
    odd = {"/imu": 1e-6}
    assert spans(told({}, odd, {}, odd, odd, odd, {})) == [("anomaly", 3, 7)]


def test_an_event_lasts_while_windows_are_nearly_as_rare() -> None:
    odd, nearly = {"/imu": 1e-6}, {"/imu": 1e-3}
    assert spans(told(odd, odd, nearly, nearly, {}, {}, nearly, nearly)) == [("anomaly", 0, 5)]


def test_what_several_tell_counts_for_more_than_what_one_tells() -> None:
    one, several = {"/imu": 4e-4}, {"/imu": 4e-4, "/imu unlike": 4e-4, "/microphone": 4e-4, "fused": 4e-4}
    assert not told(one, one, one)
    assert spans(told(several, several)) == [("anomaly", 0, 3)]


def test_a_fault_of_a_sensor_is_an_event_of_its_own_beside_what_happens() -> None:
    frozen, both = {"/camera frozen": 1e-6}, {"/camera frozen": 1e-6, "/imu": 1e-7}
    events = told(frozen, frozen, both, both, both, frozen)
    assert spans(events) == [("/camera frozen", 0, 7), ("anomaly", 2, 6)]
    assert len({event.id for event in events}) == 2


def test_another_topic_that_is_strange_once_the_first_is_calm_is_another_event() -> None:
    bang, ring = {"/imu": 1e-7}, {"/microphone": 1e-6}
    assert spans(told(bang, bang, bang, ring, ring, ring)) == [("anomaly", 0, 4), ("anomaly", 3, 7)]


@pytest.mark.parametrize("between", [{"/imu": 1e-7, "/microphone": 1e-8}, {"/imu": 1e-3, "/microphone": 1e-8}])
def test_another_topic_that_joins_while_the_first_goes_on_is_the_same_event(between: dict[str, float]) -> None:
    bang = {"/imu": 1e-7}
    assert spans(told(bang, bang, between, between, between)) == [("anomaly", 0, 6)]


def test_evidence_severity_and_the_nearest_are_those_of_the_peak() -> None:
    opened, updated, _ = told({"/imu": 1e-5}, {"/imu": 1e-5}, {"/imu": 1e-9})
    assert (opened.severity, updated.severity) == ("warning", "critical")
    assert updated.evidence == {"/imu": pytest.approx(9)}
    assert updated.nearest == 7
    assert updated.score == pytest.approx(9, abs=1)


def test_a_label_says_what_is_wrong_with_which_sensor() -> None:
    names = ["/imu saturated", "/camera disagrees", "/imu unlike", "/imu unusual", "/imu", "fused unusual", ""]
    assert [label_of(name) for name in names] == ["/imu saturated", "/camera disagrees", *["anomaly"] * 5]
