from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from situations import DIM, TOPICS, clip_of, observations, observe

from operators.encoders.audio import AudioEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.novelty import Novelty
from pipeline.messages import Array, Encoder, Event, Observation


def run(novelty: Novelty, stream: Iterable[Observation]) -> list[Event]:
    events = [event for observation in stream for event in novelty(observation)]
    return [*events, *novelty.finish()]


def starts(events: Iterable[Event]) -> list[int]:
    """The numbers of the windows that events opened with."""
    return [(event.start - 100_000_000_000) // 500_000_000 for event in events if event.phase == "opened"]


def test_news_is_an_event_from_its_first_window_to_its_last() -> None:
    stream = observations(120, odd=range(60, 70))
    events = run(Novelty(), stream)
    assert [event.phase for event in events if event.phase != "updated"] == ["opened", "closed"]
    assert (events[-1].start, events[-1].end) == (stream[60].window.start, stream[69].window.end)


def test_calm_is_no_event() -> None:
    assert not [event for seed in range(10) for event in run(Novelty(), observations(200, seed=seed))]


def test_it_learns_before_it_judges() -> None:
    stream = observations(120, odd=range(40, 46))
    assert starts(run(Novelty(warm_up=40), stream)) == []
    assert starts(run(Novelty(warm_up=20), stream)) == [40]


@pytest.mark.parametrize("topic", TOPICS)
def test_evidence_names_the_sense_that_tells(topic: str) -> None:
    opened = run(Novelty(), observations(80, odd=[60], news=[topic]))[0]
    senses = {name: value for name, value in opened.evidence.items() if name in TOPICS}
    assert set(senses) == set(TOPICS)
    assert max(senses, key=lambda name: senses[name]) == topic
    assert all(value < 8 for name, value in senses.items() if name != topic)
    assert "fused" in opened.evidence


def test_what_was_news_is_news_again() -> None:
    assert starts(run(Novelty(), observations(160, odd=[*range(60, 70), *range(100, 110)]))) == [60, 100]


def test_what_lasts_becomes_normal() -> None:
    stream = observations(200, odd=range(60, 200))
    events = run(Novelty(adapt=40), stream)
    assert starts(events) == [60]
    assert stream[100].window.end <= events[-1].end <= stream[110].window.end


def test_a_sense_that_is_absent_is_named_and_is_no_news() -> None:
    calm = observations(100, seed=1)
    without = observations(140, seed=1, absent=["/microphone"])[100:]
    assert not run(Novelty(), [*calm, *without])
    odd = observations(140, seed=1, absent=["/microphone"], odd=[120], news=["/imu"])[100:]
    opened = run(Novelty(), [*calm, *odd])[0]
    assert opened.evidence["missing /microphone"] == 1
    assert "/microphone" not in opened.evidence
    assert opened.evidence["/imu"] > 8


def test_a_sense_that_is_mostly_missing_is_neither_scored_nor_learned() -> None:
    rng = np.random.default_rng(0)
    stream = observations(160)
    for number in range(60, 100):
        vectors: Mapping[str, Array] = {name: item.vector for name, item in stream[number].embeddings.items()}
        stream[number] = observe(number, {**vectors, "/imu": rng.normal(size=DIM)}, {"/imu": 0.5})
    assert not run(Novelty(), stream)
    stream[150] = observations(160, odd=[150], news=["/imu"])[150]
    assert starts(run(Novelty(), stream)) == [150]


def test_windows_without_any_sense_are_no_news() -> None:
    stream = observations(120, odd=range(60, 70))
    stream[80:100] = [observe(number, {}) for number in range(80, 100)]
    assert starts(run(Novelty(), stream)) == [60]


def test_anomalies_rank_above_normal_windows() -> None:
    odd = range(60, 120, 6)
    scores = {
        number: max((event.score for event in run(Novelty(sensitivity=1e-9), [*calm, item])), default=0.0)
        for calm in [observations(50)]
        for number, item in enumerate(observations(120, odd=odd))
        if number >= 60
    }
    normal = [score for number, score in scores.items() if number not in odd]
    assert min(scores[number] for number in odd) > max(normal)


def encoded(encoder: Encoder, topic: str, clips: Iterable[list[Array]]) -> list[Observation]:
    prepared = [encoder.prepare(clip_of(data, encoder.modality)) for data in clips]
    return [observe(number, {topic: vector}) for number, vector in enumerate(encoder.embed(np.stack(prepared)))]


def test_an_alarm_in_the_hum_of_motors_is_heard() -> None:
    rng = np.random.default_rng(0)
    seconds = np.arange(32_000) / 16_000

    def sound(alarm: bool) -> list[Array]:
        hum = rng.normal(0, 300, 32_000) + 1000 * np.sin(2 * np.pi * 120 * seconds + rng.uniform(0, 6))
        beep = 1500 * np.sign(np.sin(2 * np.pi * 1000 * seconds)) * (seconds % 0.5 < 0.25) * alarm
        return list((hum + beep).astype(np.int16).reshape(20, 1600))

    stream = encoded(AudioEncoder(), "/microphone", (sound(number in range(50, 55)) for number in range(70)))
    assert starts(run(Novelty(), stream)) in ([50], [51])  # placeholders hear the first beep as little odd


def test_a_warm_body_in_a_cool_room_is_seen() -> None:
    rng = np.random.default_rng(0)

    def room(person: bool) -> list[Array]:
        celsius = 20 + rng.normal(0, 0.05, (60, 80))
        celsius[20:50, 35:45] += 12 * person
        return [(celsius * 100 + 27315).astype(np.uint16)]

    stream = encoded(ThermalEncoder(), "/camera", (room(number in range(50, 55)) for number in range(70)))
    assert starts(run(Novelty(), stream)) == [50]


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"neighbours": 0}, "neighbours 0"),
        ({"memory": 2}, "memory 2"),
        ({"warm_up": 0}, "warm_up 0"),
        ({"recent": 10}, "recent 10"),
        ({"sensitivity": 0.0}, "sensitivity 0.0"),
        ({"quiet": 0}, "quiet 0"),
        ({"delay": -1}, "delay -1"),
    ],
)
def test_impossible_parameters_are_refused_by_name(params: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Novelty(**params)  # type: ignore[arg-type]
