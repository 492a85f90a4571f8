"""Events at a promised number of false alarms a day."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from situations import DIM, TOPICS, observations, observe

from operators.anomaly import Anomaly
from pipeline.messages import Array, Event, Observation


def run(anomaly: Anomaly, stream: Iterable[Observation]) -> list[Event]:
    events = [event for observation in stream for event in anomaly(observation)]
    return [*events, *anomaly.finish()]


def starts(events: Iterable[Event]) -> list[int]:
    """The numbers of the windows that events opened with."""
    return [(event.start - 100_000_000_000) // 500_000_000 for event in events if event.phase == "opened"]


def test_news_is_an_event_from_its_first_window_to_its_last() -> None:
    stream = observations(120, odd=range(80, 90))
    events = run(Anomaly(), stream)
    assert [event.phase for event in events if event.phase != "updated"] == ["opened", "closed"]
    assert (events[-1].start, events[-1].end) == (stream[80].window.start, stream[89].window.end)
    assert events[0].severity == "critical"


def test_what_is_odd_in_one_window_alone_is_no_event() -> None:
    assert not run(Anomaly(), observations(120, odd=[80]))


@pytest.mark.parametrize(("promised", "most"), [(24, 0), (2000, 56)])
def test_calm_keeps_the_promise(promised: float, most: int) -> None:
    """8 streams of 600 windows, half a second apart, are 40 minutes: 0.7 false alarms, or 56, are promised."""
    opened = [starts(run(Anomaly(promised), observations(600, seed=seed))) for seed in range(8)]
    assert sum(len(events) for events in opened) <= most


def test_it_says_that_it_learns_and_raises_nothing_meanwhile() -> None:
    anomaly, stream = Anomaly(warm_up=40), observations(120, odd=range(20, 30))
    for observation in stream[:30]:
        assert anomaly.is_learning
        assert not anomaly(observation)
    run(anomaly, stream[30:])
    assert not anomaly.is_learning


@pytest.mark.parametrize("topic", TOPICS)
def test_evidence_names_the_sense_that_tells(topic: str) -> None:
    events = run(Anomaly(), observations(120, odd=range(100, 106), news=[topic]))
    opened = events[0]
    of_topics = {name: value for name, value in opened.evidence.items() if name.startswith("/")}
    assert max(of_topics, key=lambda name: of_topics[name]).startswith(topic)
    assert "fused" in opened.evidence
    assert opened.nearest


def test_what_was_news_is_news_again() -> None:
    assert starts(run(Anomaly(), observations(260, odd=[*range(100, 110), *range(180, 190)]))) == [100, 180]


def test_what_lasts_becomes_normal() -> None:
    stream = observations(260, odd=range(100, 260))
    events = run(Anomaly(adapt=40), stream)
    assert starts(events) == [100]
    assert stream[140].window.end <= events[-1].end <= stream[200].window.end


@pytest.mark.parametrize(("lasts", "is_usual"), [(1, True), (2, False), (4, False)])
def test_what_is_odd_in_single_windows_is_usual_once_it_has_settled(lasts: int, is_usual: bool) -> None:
    """What was odd in two windows in a row was flagged, and stays news."""
    odd = [begun + number for begun in range(60, 400, 20) for number in range(lasts)]
    anomaly = Anomaly()
    for observation in observations(441, odd=[*odd, 440], news=["/camera"]):
        anomaly(observation)
    assert (anomaly.scores["anomaly//camera"] < 6) == is_usual


def test_slow_drift_is_followed() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(2, DIM))
    stream = [
        observe(
            index,
            {topic: (1 - index / 1500) * first + index / 1500 * last + 0.1 * rng.normal(size=DIM) for topic in TOPICS},
        )
        for index in range(1500)
    ]
    assert len(starts(run(Anomaly(), stream))) <= 1


def test_an_absent_sense_is_no_news() -> None:
    calm = observations(100, seed=1)
    without = observations(160, seed=1, absent=["/microphone"])[100:]
    assert not run(Anomaly(), [*calm, *without])


def test_zero_and_not_finite_vectors_raise_nothing_and_teach_nothing() -> None:
    stream = observations(140, odd=range(120, 126), news=["/imu"])
    for number in range(100, 110):
        broken: Mapping[str, Array] = {
            **{name: item.vector for name, item in stream[number].embeddings.items()},
            "/imu": np.full(DIM, np.nan),
            "/camera": np.zeros(DIM),
        }
        stream[number] = observe(number, broken)
    assert starts(run(Anomaly(), stream)) == [120]


def test_it_goes_on_from_its_state() -> None:
    stream = observations(160, odd=range(120, 130))
    first, second = Anomaly(), Anomaly()
    for observation in stream[:100]:
        first(observation)
    second.restore(first.state())
    assert starts(run(second, stream[100:])) == starts(run(first, stream[100:])) == [120]


def test_what_another_model_learned_is_refused() -> None:
    anomaly = Anomaly(model="mini")
    with pytest.raises(ValueError, match="what is normal was learned with 'mini'; this is 'tiny'"):
        Anomaly(model="tiny").restore(anomaly.state())
    with pytest.raises(ValueError, match=r"learned by operators\.novelty"):
        Anomaly(detectors=[], model="mini").restore(anomaly.state())
    for garbage in (b"", b"\x93\x01", b"\x81\xa1a\x01"):
        with pytest.raises(ValueError, match="state"):
            Anomaly().restore(garbage)


def test_scores_that_are_not_finite_are_counted() -> None:
    anomaly = Anomaly(detectors=[{"use": "fakes:NeverFinite"}])
    run(anomaly, observations(3))
    assert anomaly.refused == {"nothing": 3}


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"false_alarms_per_day": 0}, "false_alarms_per_day 0"),
        ({"warm_up": 0}, "warm_up 0"),
        ({"quiet": 0}, "quiet 0"),
        ({"release": 0.5}, "release 0.5"),
    ],
)
def test_impossible_parameters_are_refused(params: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Anomaly(**params)  # type: ignore[arg-type]
