"""The memory of usual rows: what it finds far, what it forgets, how it goes on from its state."""

import numpy as np
import pytest

from operators.evaluation.classification import auroc
from operators.signals.usual import Usual
from pipeline.messages import Array


def rows(number: int, seed: int = 0) -> Array:
    """Rows of six features: two that follow each other, in two ways to be normal, and four of their own."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(number, 6))
    base[:, 1] = base[:, 0] * 2 + rng.normal(size=number) * 0.05
    base[:, 2] += np.where(rng.random(number) < 0.5, 0, 20)
    return base


def taught(number: int = 400, memory: int = 256) -> Usual:
    usual = Usual(memory, 5)
    for stamp, row in enumerate(rows(number)):
        usual.learn(row, stamp)
    return usual


def scores(usual: Usual, of: Array) -> Array:
    return np.array([usual.score(row) for row in of])


def told_apart(odd: Array) -> float:
    return auroc(np.concatenate([scores(taught(), odd), scores(taught(), rows(200, seed=1))]), np.arange(400) < 200)


def test_what_is_large_or_breaks_a_bond_is_told_from_normal() -> None:
    large, loose = rows(200, seed=2), rows(200, seed=2)
    large[:, 4] += 6
    loose[:, 1] += 1.5
    assert told_apart(large) > 0.97
    assert told_apart(loose) > 0.93


def test_what_is_seldom_usual_is_nearer_than_what_never_was() -> None:
    usual = Usual(512, 3)
    for number, row in enumerate(rows(300)[:, 3:]):
        usual.learn(row + (8 if number % 20 == 0 else 0))
    seldom, never = scores(usual, np.array([[8.0, 8.0, 8.0], [8.0, -8.0, 8.0]]))
    assert seldom < 0.6 * never


def test_a_usual_score_is_about_one_and_says_nothing_before_enough_is_known() -> None:
    assert 0.5 < float(np.median(scores(taught(), rows(200, seed=1)))) < 1.5
    few = Usual(neighbours=3)
    for row in rows(7):
        few.learn(row)
        assert few.score(row) is None
    few.learn(rows(8)[7])
    assert few.score(rows(1)[0]) is not None


def test_memory_is_bounded_spread_evenly_and_forgets_what_is_long_ago() -> None:
    usual = Usual(memory=32, neighbours=1)
    for number in range(64):
        usual.learn(np.array([number, number**2 % 7], float), stamp=number + 1)
    kept = [usual.nearest(np.array([number, number**2 % 7], float)) for number in range(0, 64, 8)]
    assert all(abs(stamp - number - 1) < 14 for stamp, number in zip(kept, range(0, 64, 8), strict=True))
    size = len(usual.state()[4])
    for number in range(10_000):
        usual.learn(np.array([1000.0 + number % 9, number % 5]), stamp=1000 + number)
    assert size <= len(usual.state()[4]) <= 32
    assert min(usual.state()[5]) > 1000


def test_what_is_not_finite_or_never_changes_is_no_news_and_a_change_of_it_is() -> None:
    usual = Usual(neighbours=3)
    for row in rows(100):
        usual.learn(np.concatenate([row[:3], [7.0, np.nan]]))
    same = usual.score(np.array([0.0, 0.0, 0.0, 7.0, np.nan]))
    changed = usual.score(np.array([0.0, 0.0, 0.0, 8.0, np.nan]))
    assert same is not None
    assert changed is not None
    assert changed > 10 * same
    assert usual.score(np.full(5, np.nan)) is None


def test_it_goes_on_from_its_state_bit_for_bit() -> None:
    usual, other = taught(), Usual(256, 5)
    before = scores(usual, rows(20, seed=3))
    for row in rows(9, seed=4):  # learned since the shape was last taken
        usual.learn(row)
    other.restore(usual.state())
    for row in rows(200, seed=5):
        assert usual.score(row) == other.score(row)
        usual.learn(row, 1)
        other.learn(row, 1)
    assert before.tolist() != scores(usual, rows(20, seed=3)).tolist()


@pytest.mark.parametrize(("memory", "neighbours"), [(4, 1), (64, 0), (64, 65)])
def test_impossible_sizes_are_refused(memory: int, neighbours: int) -> None:
    with pytest.raises(ValueError, match=f"neighbours {neighbours} must be 1 to memory {memory}"):
        Usual(memory, neighbours)
