import numpy as np
import pytest

from operators.evaluation.composition import composed, composition
from operators.evaluation.retrieval import centred, curve, pair_ranks, ranks, recall, recalls

RNG = np.random.default_rng(0)


def test_what_scores_the_same_stands_before() -> None:
    assert ranks(np.zeros((1, 5)), np.eye(5, dtype=bool)[:1]).tolist() == [4]


def test_of_several_that_belong_the_best_counts_and_the_others_do_not_stand_before() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.7]])
    assert ranks(scores, np.array([[False, True, False, True]])).tolist() == [0]
    assert ranks(scores, np.array([[True, False, True, False]])).tolist() == [2]


def test_a_query_to_which_nothing_belongs_is_told() -> None:
    with pytest.raises(ValueError, match="belongs"):
        ranks(np.zeros((1, 2)), np.zeros((1, 2), bool))


def test_pairs_that_are_equal_are_found_first_and_random_ones_by_chance() -> None:
    vectors = RNG.normal(size=(400, 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert recall(pair_ranks(vectors, vectors), 1) == 1
    others = RNG.normal(size=(400, 32))
    assert recall(pair_ranks(others, vectors), 100) == pytest.approx(0.25, abs=0.08)


def test_figures_have_their_names_and_rise() -> None:
    found = np.array([0, 3, 3, 12])
    assert recalls(found) == {"r1": 0.25, "r5": 0.75, "r10": 0.75}
    assert list(recalls(found, "baseline_")) == ["baseline_r1", "baseline_r5", "baseline_r10"]
    np.testing.assert_allclose(curve(found, 5), [0.25, 0.25, 0.25, 0.75, 0.75])


def test_what_all_have_in_common_is_taken_away() -> None:
    meaning = RNG.normal(size=(50, 16))
    one, other = meaning + 30 * RNG.normal(size=16), meaning + 30 * RNG.normal(size=16)
    one, other = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (one, other))
    assert recall(pair_ranks(one, other), 1) < 0.6
    assert recall(pair_ranks(centred(one), centred(other)), 1) > 0.9
    assert np.isfinite(centred(np.ones((2, 3)))).all()


def test_two_halves_find_what_neither_finds() -> None:
    """Things are pairs of traits; the one tells of the first trait, the other of the second."""
    traits = np.array([(a, b) for a in range(4) for b in range(4)])
    axes = np.eye(8)
    one, other = axes[traits[:, 0]], axes[4 + traits[:, 1]]
    whole = (one + other) / np.sqrt(2)
    figures = composition(one, other, whole)
    assert figures["r1"] == 1
    assert figures["one_r1"] == figures["other_r1"] == 0  # each of them fits four things alike
    assert composed(one, other, 1.0) == pytest.approx(one)
