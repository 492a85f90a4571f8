"""Lanes have one time, show the loudest of what they cannot show apart, and every event as long as it lasted."""

from typing import Any

from makers import CAMERA, IMU

from pipeline.messages import NS, Event
from pipeline.monitor.scene import Moment, Scene
from pipeline.monitor.views.lanes import COLOURS, EVENTS, MOST, MOST_ODD, TOGETHER, height, options, period, series

LANES = [EVENTS, TOGETHER, "/camera", "/imu"]
EVENT = Event(
    id="e", phase="closed", start=3 * NS, end=5 * NS, label="fire", score=0.9, source="tagging", severity="warning"
)


def scene(*scores: dict[str, float]) -> Scene:
    """A scene of windows that end each second."""
    made = Scene([CAMERA, IMU])
    made.history += [Moment(end=second * NS, scores=of, weights={}) for second, of in enumerate(scores, start=1)]
    return made


def drawn(made: Scene, told: list[Event]) -> dict[str, Any]:
    return {str(one.get("name")): one["data"] for one in series(made, told, LANES)}


def test_a_lane_is_the_loudest_of_all_that_is_said_of_its_sense() -> None:
    data = drawn(
        scene({"anomaly//imu": 1.0, "anomaly//imu unusual": 3.0, "anomaly//imu2": 9.0, "tagging/fire": 1.0}), []
    )
    assert data["/imu"] == [(1000, 3.0)]
    assert data["/camera"] == data[TOGETHER] == [(1000, 0.0)]


def test_what_is_beyond_a_lane_is_cut_off_at_its_end() -> None:
    assert drawn(scene({"anomaly/anomaly": 40.0}), [])[TOGETHER] == [(1000, MOST_ODD)]


def test_of_more_windows_than_can_be_drawn_none_that_is_odd_is_left_out() -> None:
    calm: list[dict[str, float]] = [{} for _ in range(4 * MOST)]
    calm[777] = {"anomaly//camera": 6.0}
    lane = drawn(scene(*calm), [])["/camera"]
    assert len(lane) == MOST
    assert max(lane, key=lambda point: point[1]) == (780_000, 6.0)


def test_an_event_has_a_dot_to_click_and_lasts_as_long_as_it_did() -> None:
    told = series(scene({}), [EVENT], LANES)
    marks: Any = told[0]["data"]
    assert [(mark["id"], mark["name"], mark["value"][0]) for mark in marks] == [("e", "fire", 3000)]
    spans: Any = {severity: told[1 + number]["data"] for number, severity in enumerate(COLOURS)}
    assert [time for time, height in spans["warning"] if height is not None] == [3000, 5000]
    assert spans["info"] == spans["critical"] == []


def test_all_lanes_have_the_time_of_all_that_is_shown() -> None:
    assert period(scene({}, {}, {}), [EVENT]) == {"min": 1000, "max": 5000}
    assert period(scene({}), []) == {"min": 1000, "max": 1000}
    assert period(scene(), []) == {}


def test_colours_are_those_of_lanes_and_not_of_events() -> None:
    chart: Any = options(LANES)
    told = series(scene({}), [EVENT], LANES)
    assert [told[number]["name"] for number in chart["visualMap"]["seriesIndex"]] == LANES[1:]
    last = chart["grid"][-1]
    assert last["top"] + last["height"] < height(LANES)
