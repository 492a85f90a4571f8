from itertools import pairwise

from makers import CAMERA, IMU, MICROPHONE, stream, streams

from pipeline.config import Windowing
from pipeline.messages import NS, Event, Sample, Window
from pipeline.streams import PATIENCE, Streams
from pipeline.sync import Synchronizer

CHANNELS = [CAMERA, IMU]


def windows_of(samples: list[Sample]) -> list[Window]:
    synchronizer = Synchronizer(Windowing(), CHANNELS)
    return [window for item in samples for window in synchronizer.push(item)] + synchronizer.finish()


def with_outage(start_s: float, end_s: float, upto_s: float = 20) -> list[Sample]:
    """Twenty seconds of camera and IMU, the camera silent between."""
    camera = [*stream(CAMERA, 0, start_s), *stream(CAMERA, end_s, upto_s)]
    return sorted([*camera, *stream(IMU, 0, upto_s)], key=lambda item: item.stamp)


def events_of(windows: list[Window]) -> list[Event]:
    watch = Streams()
    return [event for window in windows for event in watch(window)] + list(watch.finish())


def test_a_steady_stream_is_ok_and_tells_nothing() -> None:
    windows = windows_of(streams(CHANNELS, 0, 20.05))  # the last window is cut short
    assert {state for window in windows for state in window.states.values()} == {"ok"}
    assert not events_of(windows)


def test_an_outage_goes_through_its_states_in_order() -> None:
    states = [window.states["/camera"] for window in windows_of(with_outage(5, 12))]
    changes = [a for a, b in pairwise([*states, ""]) if a != b]
    assert changes == ["ok", "stale", "dead", "recovered", "ok"]
    assert {window.states["/imu"] for window in windows_of(with_outage(5, 12))} == {"ok"}


def test_an_outage_is_one_event() -> None:
    events = events_of(windows_of(with_outage(5, 12)))
    assert [(event.phase, event.label) for event in events] == [
        ("opened", "/camera stale"),
        ("updated", "/camera dead"),
        ("closed", "/camera recovered"),
    ]
    assert len({event.id for event in events}) == 1
    assert abs(events[-1].end - events[-1].start - 9 * NS) <= NS  # seven seconds, and two of the first window


def test_a_frame_or_two_that_are_missing_are_late_and_no_event() -> None:
    camera = [item for item in stream(CAMERA, 0, 10) if item.seq not in (73, 74)]  # 200 ms until t = 5 s
    windows = windows_of(sorted([*camera, *stream(IMU, 0, 10)], key=lambda item: item.stamp))
    assert [window.states["/camera"] for window in windows].count("late") == 1
    assert not events_of(windows)


def test_a_stream_that_never_came_is_told_after_a_while() -> None:
    synchronizer = Synchronizer(Windowing(), [CAMERA, IMU, MICROPHONE])
    samples = streams(CHANNELS, 0, 15)
    windows = [window for item in samples for window in synchronizer.push(item)]
    assert {window.states["/microphone"] for window in windows} == {"init"}
    first, *others = events_of(windows)
    assert (first.phase, first.label) == ("opened", "/microphone init")
    assert first.end - windows[0].end == PATIENCE
    assert [event.phase for event in others] == ["closed"]


def test_an_outage_at_the_end_is_closed_as_it_is() -> None:
    events = events_of(windows_of(with_outage(5, 30)))
    assert [(event.phase, event.label) for event in events][-1] == ("closed", "/camera dead")
