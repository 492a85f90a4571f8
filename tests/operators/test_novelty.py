"""How unlike the normal a window is, by name."""

import numpy as np
import pytest
from situations import DIM, TOPICS, observations, observe

from operators.novelty import Novelty
from pipeline.messages import Observation


def taught(stream: list[Observation], **params: float) -> Novelty:
    novelty = Novelty(**params)  # type: ignore[arg-type]
    for observation in stream:
        novelty.score(observation)
        novelty.learn(observation)
    return novelty


@pytest.mark.parametrize("topic", TOPICS)
def test_scores_name_the_sense_that_tells(topic: str) -> None:
    novelty = taught(observations(60))
    calm, odd = novelty.score(observations(62)[60]), novelty.score(observations(62, odd=[61], news=[topic])[61])
    ratios = {name: odd[name] / calm[name] for name in odd}
    assert set(ratios) == {f"{name}{end}" for name in (*TOPICS, "fused") for end in ("", " unusual")}
    assert max((name for name in TOPICS), key=lambda name: ratios[name]) == topic
    assert ratios[topic] > 10
    assert ratios["fused"] > 3
    assert all(ratios[other] < 2 for other in TOPICS if other != topic)


def test_the_nearest_normal_window_is_named() -> None:
    stream = observations(40)
    novelty = taught(stream)
    assert novelty.nearest(stream[17], "/camera") == stream[17].window.end
    assert novelty.nearest(stream[17], "/camera unusual") == stream[17].window.end
    assert novelty.nearest(stream[17], "/sonar") == 0


def test_sets_of_topics_fuse_under_names_of_their_own() -> None:
    novelty = taught([*observations(30), *observations(30, absent=["/imu"])])
    assert "fused" in novelty.score(observations(1)[0])
    assert "fused /camera + /microphone" in novelty.score(observations(1, absent=["/imu"])[0])


def test_what_is_partial_or_no_direction_is_neither_scored_nor_learned() -> None:
    vectors = {topic: np.ones(DIM) for topic in TOPICS}
    partial = observe(0, vectors, {"/imu": 0.5})
    broken = observe(1, {**vectors, "/imu": np.full(DIM, np.nan), "/camera": np.zeros(DIM)})
    novelty = taught([partial] * 5)
    assert set(novelty.score(partial)) == {"/camera", "/camera unusual", "/microphone", "/microphone unusual"}
    assert set(novelty.score(broken)) == {"/microphone", "/microphone unusual"}


def test_it_goes_on_from_its_state() -> None:
    stream = observations(80)
    first, second = taught(stream[:64]), Novelty()
    second.restore(first.state())
    for observation in stream[64:]:
        assert second.score(observation) == pytest.approx(first.score(observation), rel=0.05)
        first.learn(observation)
        second.learn(observation)


@pytest.mark.parametrize(("params", "told"), [({"neighbours": 0}, "neighbours 0"), ({"coverage": 0}, "coverage 0")])
def test_impossible_parameters_are_refused(params: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Novelty(**params)
