import numpy as np
import pytest

from operators.evaluation.probe import Labelled, LinearProbe, all_but_one, apart, draw, half, probe
from pipeline.messages import Array

RNG = np.random.default_rng(0)


def clouds(number: int, classes: int = 3, apart: float = 3.0, seed: int = 0) -> tuple[Array, Array]:
    """Unit vectors around as many directions as there are classes."""
    rng = np.random.default_rng(seed)
    truth = np.arange(number) % classes
    vectors = apart * np.eye(16)[truth] + rng.normal(size=(number, 16))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth


def test_a_probe_learns_what_can_be_told() -> None:
    vectors, truth = clouds(300, apart=6.0)
    scores = LinearProbe(vectors[:30], truth[:30], 3)(vectors[30:])
    assert np.mean(scores.argmax(1) == truth[30:]) > 0.95


def test_its_gradient_is_that_of_its_loss() -> None:
    """At the minimum of a convex loss no step makes it better, from either side."""
    vectors, truth = clouds(40)
    fitted = LinearProbe(vectors, truth, 3)

    def loss(w: Array) -> float:
        x = fitted._seen(vectors)
        logits = x @ w
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return float(-log_p[np.arange(40), truth].mean() + 0.005 * (w[:-1] ** 2).sum())

    least = loss(fitted._w_DK)
    for step in RNG.normal(scale=0.02, size=(50, *fitted._w_DK.shape)):
        assert loss(fitted._w_DK + step) > least


def test_more_examples_tell_more_and_vary_less() -> None:
    things = Labelled(*clouds(400), [str(n) for n in range(400)])
    few, many = probe(things, things, 1), probe(things, things, 8)
    assert many.mean > few.mean + 0.05
    assert 0 < many.spread < few.spread


def test_noise_is_told_by_chance() -> None:
    things = Labelled(RNG.normal(size=(300, 16)), np.arange(300) % 3, [str(n) for n in range(300)])
    found = probe(things, things, 5)
    assert found.mean == pytest.approx(1 / 3, abs=0.05)


def test_nothing_is_tested_that_was_recorded_with_an_example() -> None:
    clips = Labelled(np.zeros((60, 4)), np.repeat([0, 1], 30), [f"{n // 10}" for n in range(60)])
    files = Labelled(np.zeros((6, 4)), np.repeat([0, 1], 3), list("012345"))
    for seed in range(20):
        may_learn = half(clips, files, np.random.default_rng(seed))
        assert may_learn.sum() == 40  # two groups of three, of each class
        taken = {group for group, may in zip(clips.groups, may_learn, strict=True) if may}
        tested = [
            group for group, is_apart in zip(files.groups, apart(clips, may_learn, files), strict=True) if is_apart
        ]
        assert len(tested) == 2
        assert not taken & {*tested}
        assert (apart(clips, may_learn, clips) == ~may_learn).all()


def test_one_recording_of_each_class_is_tested_by_all_the_others() -> None:
    """Recordings 0 to 2 are of one class, 3 of another; 4, of the first, is known and need not be tested."""
    groups = np.repeat([0, 1, 2, 3, 4], 10)
    clips = Labelled(np.zeros((50, 4)), (groups == 3).astype(int), [str(group) for group in groups])
    files = Labelled(np.zeros((4, 4)), np.array([0, 0, 0, 1]), list("0123"))
    held = set()
    for seed in range(20):
        may_learn = all_but_one(clips, files, np.random.default_rng(seed))
        (out,) = {group for group, may in zip(clips.groups, may_learn, strict=True) if not may}
        assert may_learn.sum() == 40
        assert apart(clips, may_learn, files).tolist() == [group == out for group in files.groups]
        held.add(out)
    assert held == {"0", "1", "2"}


def test_a_recording_that_is_known_again_is_no_skill() -> None:
    """Each group has a sound of its own and the class has none: probes that tear no group are at chance."""
    voices = RNG.normal(size=(20, 16))
    groups = np.repeat(np.arange(20), 10)
    vectors = voices[groups] + 0.1 * RNG.normal(size=(200, 16))
    things = Labelled(vectors, groups % 2, [str(group) for group in groups])
    for learnable in (half, all_but_one):
        found = probe(things, things, 8, learnable=learnable)
        assert found.mean == pytest.approx(0.5, abs=0.15)


def test_so_many_examples_of_each_class_are_drawn_as_there_are() -> None:
    truth = np.array([0] * 10 + [1] * 3)
    chosen = draw(truth, np.arange(13) > 1, 5, np.random.default_rng(0))
    assert np.bincount(truth[chosen]).tolist() == [5, 3]
    assert chosen.min() > 1
    assert len(set(chosen.tolist())) == 8


def test_what_may_be_learned_from_can_lie_elsewhere() -> None:
    fit, things = (Labelled(*clouds(number, seed=number), ["a"] * number) for number in (90, 60))
    found = probe(fit, things, 8, is_elsewhere=True)
    assert found.mean > 0.8
    assert found.tested == 60


def test_where_nothing_can_be_tested_it_is_told() -> None:
    with pytest.raises(ValueError, match="two classes"):
        probe(one := Labelled(np.eye(4), np.zeros(4, int), list("abcd")), one, 1)
    with pytest.raises(ValueError, match="one recording"):
        probe(two := Labelled(np.eye(4), np.array([0, 0, 1, 1]), list("aabb")), two, 1)
