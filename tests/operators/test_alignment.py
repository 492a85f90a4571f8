import pickle
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest
from makers import CAMERA, DEPTH, IMU, MICROPHONE, T0
from msgspec.structs import replace
from shaken import SHAKEN, Motion, observed, shifted

from operators.alignment import Alignment
from operators.curve import Curve
from operators.offset import Offset
from pipeline.config import Channel, Windowing
from pipeline.messages import NS, Event, Sample
from sensors.simulator import Camera, Depth, Imu, Microphone

LONG_S = 66.0
"""Enough for the shortest span, and some chunks to spare."""

OFFSETS_S = [-0.2, -0.05, 0.0, 0.08, 0.12]

Streams = Mapping[str, list[Sample]]


@cache
def shaken(seed: int = 0, seconds: float = LONG_S) -> Streams:
    motion = Motion(seconds, seed)
    return {channel.topic: list(motion.stream(channel)) for channel in SHAKEN}


@cache
def rover(seed: int, *channels: Channel) -> Streams:
    """What the simulated rover senses on its way."""
    kinds: dict[str, type[Any]] = {"imu": Imu, "audio": Microphone, "vision": Camera, "depth": Depth}
    return {
        channel.topic: list(
            kinds[channel.modality](
                topic=channel.topic,
                rate_hz=channel.rate_hz,
                seed=seed,
                duration_s=LONG_S,
                start_ns=T0,
                realtime=False,
            )
        )
        for channel in channels
    }


def late(streams: Streams, **offsets_s: float) -> list[Sample]:
    """The samples of all ``streams``, those of the named topics with their clocks ahead."""
    return [
        sample
        for topic, samples in streams.items()
        for sample in shifted(samples, offsets_s.get(topic.strip("/"), 0.0))
    ]


def split(samples: list[Sample], at_s: float) -> tuple[list[Sample], list[Sample]]:
    """What was taken before ``at_s``, and the rest."""
    first = sum(sample.stamp < T0 + at_s * NS for sample in samples)
    return samples[:first], samples[first:]


def watch(operator: Alignment, samples: Iterable[Sample], channels: Iterable[Channel] = SHAKEN) -> list[Event]:
    return [event for observation in observed(samples, channels) for event in operator(observation)]


def known(operator: Alignment) -> dict[str, Offset]:
    return {offset.topic: offset for offset in operator.offsets()}


@pytest.mark.parametrize("offset_s", OFFSETS_S)
@pytest.mark.parametrize(("topic", "within_s"), [("/camera", 0.02), ("/microphone", 0.01)])
def test_the_offset_of_a_stream_is_found_within_its_own_uncertainty(
    topic: str, within_s: float, offset_s: float
) -> None:
    operator = Alignment()
    watch(operator, late(shaken(), **{topic[1:]: offset_s}))
    found = known(operator)
    assert set(found) == {"/camera", "/microphone"}
    for name, offset in found.items():
        wrong_s = abs(offset.offset_s - (offset_s if name == topic else 0))
        assert wrong_s < min(offset.uncertainty_s, within_s)
        assert offset.reference == "/imu"


def test_a_late_camera_is_told_in_words_and_figures() -> None:
    operator = Alignment()
    opened, *more = watch(operator, late(shaken(), camera=0.12))
    assert (opened.phase, opened.source, opened.id) == ("opened", "alignment", f"alignment/camera@{opened.start}")
    assert opened.label == "/camera is 118 ms behind /imu ± 8 ms"
    assert opened.evidence["offset_ms"] == pytest.approx(120, abs=5)
    assert opened.end - T0 < 50 * NS
    assert {event.phase for event in more} <= {"updated"}
    (closed,) = operator.finish()
    assert (closed.phase, closed.id, closed.label) == ("closed", opened.id, opened.label)
    assert not operator.finish()


def test_a_late_imu_is_told_of_by_every_stream_that_it_shares_a_sense_with() -> None:
    labels = {event.label.split(" ± ")[0] for event in watch(Alignment(), late(shaken(), imu=0.08))}
    assert labels == {"/imu is 82 ms behind /camera", "/imu is 79 ms behind /microphone"}


@pytest.mark.parametrize(
    ("found_ms", "phases"),
    [
        ([50], ["opened"]),
        ([-50], ["opened"]),
        ([39], []),  # not beyond the tolerance of 30 by its uncertainty of 10
        ([41, 39, 31], ["opened"]),  # but once open it stays so
        ([41, 29], ["opened", "closed"]),
        ([41, 29, 41], ["opened", "closed", "opened"]),
        ([50, None, None], ["opened"]),
        ([50, 69, 69], ["opened", "updated"]),  # the same within the uncertainties, and further from 0
        ([50, 71], ["opened", "closed", "opened"]),
        ([50, -50], ["opened", "closed", "opened"]),
    ],
)
def test_an_event_lasts_while_the_offset_is_beyond_doubt(
    found_ms: list[float | None], phases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(topic: str, curve: Curve, reference: str, other: Curve) -> Offset | None:
        found = script.pop(0) if script else None
        if found is None:
            return None
        return Offset(topic=topic, reference=reference, offset_s=found / 1000, uncertainty_s=0.01, correlation=1)

    script = list(found_ms)
    monkeypatch.setattr("operators.alignment.offset", find)
    events = watch(Alignment(), late({topic: shaken()[topic] for topic in ("/camera", "/imu")}))
    assert not script
    assert [event.phase for event in events] == phases


@pytest.mark.parametrize("stride_s", [3.0, 6.0])
def test_no_stream_waits_for_ever_where_windows_are_few(stride_s: float) -> None:
    """A chunk is 6 s: of windows 3 s apart every second one cuts, of windows 6 s apart each does."""
    operator = Alignment()
    context_s = {"vision": 8.0, "audio": 8.0, "imu": 8.0}
    windowing = Windowing(length_s=stride_s, stride_s=stride_s, context_s=context_s)
    for observation in observed(late(shaken(), camera=0.12), windowing=windowing):
        operator(observation)
    found = {topic: offset.offset_s for topic, offset in known(operator).items()}
    assert found == {"/camera": pytest.approx(0.12, abs=0.02), "/microphone": pytest.approx(0, abs=0.01)}


@pytest.mark.parametrize("seed", range(3))
def test_streams_on_one_clock_are_no_news(seed: int) -> None:
    operator = Alignment()
    assert not watch(operator, late(shaken(seed)))
    assert len(operator.offsets()) == 2


@pytest.mark.parametrize("seed", range(1, 7))
def test_streams_that_see_different_things_have_no_offset(seed: int) -> None:
    operator = Alignment()
    foreign = {"/imu": shaken()["/imu"]} | {topic: shaken(seed)[topic] for topic in ("/camera", "/microphone")}
    assert not watch(operator, late(foreign))
    assert not operator.offsets()


def test_what_is_within_the_tolerance_is_known_but_no_news() -> None:
    operator = Alignment(tolerance_s=0.15)
    assert not watch(operator, late(shaken(), camera=0.12))
    assert known(operator)["/camera"].offset_s == pytest.approx(0.12, abs=0.005)


def test_the_event_closes_when_the_clock_is_set_right() -> None:
    operator, streams = Alignment(span_s=48), shaken(seconds=150.0)
    camera = [
        replace(one, stamp=one.stamp + NS // 8) if one.stamp < T0 + 70 * NS else one for one in streams["/camera"]
    ]
    events = watch(operator, [*camera, *streams["/imu"]])
    assert [event.phase for event in events if event.phase != "updated"] == ["opened", "closed"]
    assert T0 + 70 * NS < events[-1].end < T0 + 130 * NS
    assert abs(known(operator)["/camera"].offset_s) < 0.01


def test_another_offset_is_another_event() -> None:
    operator, streams = Alignment(span_s=48), shaken(seconds=150.0)
    early, then = split(streams["/camera"], 70)
    samples = [*shifted(early, 0.12), *shifted(then, 0.25), *streams["/imu"]]
    events = [event for event in watch(operator, samples) if event.phase != "updated"]
    assert [event.phase for event in events] == ["opened", "closed", "opened"]
    assert events[0].id == events[1].id != events[2].id
    (closed,) = operator.finish()
    assert closed.id == events[2].id
    assert closed.evidence["offset_ms"] == pytest.approx(250, abs=5)


def test_between_two_offsets_none_is_known() -> None:
    operator, streams = Alignment(span_s=48), shaken(seconds=150.0)
    early, then = split(streams["/camera"], 70)
    uncertainties = []
    for observation in observed([*shifted(early, 0.12), *shifted(then, 0.25), *streams["/imu"]]):
        operator(observation)
        uncertainties.append(max((offset.uncertainty_s for offset in operator.offsets()), default=None))
    first = uncertainties.index(next(filter(None, uncertainties)))
    assert None in uncertainties[first:]
    assert uncertainties[-1] is not None
    assert max(filter(None, uncertainties)) < 0.06


def test_an_event_stays_open_while_nothing_is_known() -> None:
    operator, streams = Alignment(span_s=48), shaken(seconds=150.0)
    early, _ = split(streams["/camera"], 70)
    events = watch(operator, [*shifted(early, 0.12), *streams["/imu"]])
    assert "closed" not in {event.phase for event in events}
    assert not operator.offsets()
    assert [event.phase for event in operator.finish()] == ["closed"]


def test_without_an_imu_pictures_are_compared_with_each_other() -> None:
    rear = replace(CAMERA, topic="/camera/rear", rate_hz=20.0)
    both = {"/camera": shaken()["/camera"], "/camera/rear": shifted(Motion(LONG_S).stream(rear), -0.08)}
    operator = Alignment()
    events = watch(operator, late(both), [CAMERA, rear])
    assert events[0].label.startswith("/camera is 8")
    assert known(operator)["/camera/rear"].reference == "/camera"


def test_memory_is_bounded() -> None:
    operator, sizes = Alignment(span_s=48), []
    for number, observation in enumerate(observed(late(shaken(seconds=150.0)))):
        operator(observation)
        if number % 60 == 59:
            sizes.append(len(pickle.dumps(operator)))
    assert len(sizes) == 5
    assert sizes[4] <= 1.05 * sizes[2]


def test_same_windows_same_events() -> None:
    samples = late(shaken(), camera=0.12)
    assert watch(Alignment(), samples) == watch(Alignment(), samples)


@pytest.mark.parametrize("offset_s", OFFSETS_S)
def test_blows_align_the_rovers_microphone(offset_s: float) -> None:
    operator = Alignment()
    events = watch(operator, late(rover(1, IMU, MICROPHONE), microphone=offset_s))
    found = known(operator)["/microphone"]
    assert abs(found.offset_s - offset_s) < min(0.02, found.uncertainty_s)
    assert [event.phase for event in events[:1]] == (["opened"] if offset_s else [])


def test_two_rovers_have_no_offset() -> None:
    operator = Alignment()
    streams = {"/imu": rover(1, IMU, MICROPHONE)["/imu"], "/microphone": rover(2, MICROPHONE)["/microphone"]}
    assert not watch(operator, late(streams))
    assert not operator.offsets()


@pytest.mark.slow  # renders a thousand pictures
def test_turns_align_the_rovers_camera() -> None:
    streams = rover(1, CAMERA, IMU)
    for offset_s in OFFSETS_S:
        operator = Alignment()
        events = watch(operator, late(streams, camera=offset_s))
        found = known(operator)["/camera"]
        assert abs(found.offset_s - offset_s) < min(0.04, found.uncertainty_s)
        assert [event.phase for event in events[:1]] == (["opened"] if offset_s else [])


@pytest.mark.slow
def test_turns_align_the_rovers_depth_camera_once_its_context_holds_all_pictures() -> None:
    streams = rover(1, DEPTH, IMU)
    for context_s, found in ((2.0, {"/depth"}), (None, set())):
        operator = Alignment()
        watch(operator, late(streams, depth=0.1), [replace(DEPTH, context_s=context_s), IMU])
        assert set(known(operator)) == found
        for offset in operator.offsets():
            assert abs(offset.offset_s - 0.1) < min(0.04, offset.uncertainty_s)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"tolerance_s": 0.0}, "tolerance_s 0.0 must be above 0 and below 1"),
        ({"tolerance_s": 1.0}, "tolerance_s 1.0 must be above 0 and below 1"),
        ({"span_s": 47.0}, "span_s 47.0 must be 48 to 3600"),
        ({"span_s": float("nan")}, "span_s nan must be 48 to 3600"),
    ],
)
def test_parameters_that_cannot_be_are_refused(params: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Alignment(**params)
