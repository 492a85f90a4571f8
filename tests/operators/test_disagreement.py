"""One sense against the others."""

from collections.abc import Iterator

import numpy as np
import pytest
from situations import DIM, TOPICS, observe

from operators.disagreement import Disagreement
from pipeline.messages import Array, Observation


def scenes(number: int, seed: int = 0) -> Iterator[dict[str, Array]]:
    """Three senses that see one of a few things, each in its own way, and never mixed up."""
    rng = np.random.default_rng(7)
    looks = {topic: rng.normal(size=(4, DIM)) for topic in TOPICS}
    rng = np.random.default_rng(seed)
    for _ in range(number):
        mix = rng.dirichlet(np.ones(4))
        yield {topic: mix @ looks[topic] + 0.02 * rng.normal(size=DIM) for topic in TOPICS}


def taught(number: int = 300, absent: str = "") -> Disagreement:
    disagreement = Disagreement()
    for index, vectors in enumerate(scenes(number)):
        vectors.pop(absent, None)
        disagreement.learn(observe(index, vectors))
    return disagreement


def swapped(topic: str) -> Observation:
    """A window in which ``topic`` shows another scene than the rest, and a normal one."""
    one, other = scenes(2, seed=99)
    return observe(0, {**one, topic: other[topic]})


@pytest.mark.parametrize("topic", TOPICS)
def test_a_sense_that_shows_another_scene_surprises(topic: str) -> None:
    disagreement = taught()
    usual = [disagreement.score(observe(0, vectors)) for vectors in scenes(50, seed=5)]
    surprise = disagreement.score(swapped(topic))
    assert surprise[f"{topic} disagrees"] > 2 * max(scores[f"{topic} disagrees"] for scores in usual)


def test_each_of_the_scenes_is_normal_by_itself() -> None:
    """What makes the difference is not the sense's own vector: it has been seen."""
    disagreement, (one, other) = taught(), scenes(2, seed=99)
    for vectors in (one, other):
        assert max(disagreement.score(observe(0, vectors)).values()) < 2


def test_any_two_senses_will_do_and_one_says_nothing() -> None:
    disagreement = taught(absent="/imu")
    vectors = next(scenes(1, seed=3))
    del vectors["/imu"]
    assert set(disagreement.score(observe(0, vectors))) == {"/camera disagrees", "/microphone disagrees"}
    del vectors["/camera"]
    assert disagreement.score(observe(0, vectors)) == {}


def test_it_goes_on_from_its_state() -> None:
    first, second = taught(), Disagreement()
    second.restore(first.state())
    for vectors in scenes(3, seed=11):
        assert second.score(observe(0, vectors)) == pytest.approx(first.score(observe(0, vectors)), rel=0.05)


def test_impossible_coverage_is_refused() -> None:
    with pytest.raises(ValueError, match="coverage 2"):
        Disagreement(coverage=2)
