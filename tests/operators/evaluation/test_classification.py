import numpy as np
import pytest

from operators.evaluation.classification import (
    auroc,
    average_precision,
    class_vectors,
    confusion,
    mean_average_precision,
    one_hot,
    top1,
)
from pipeline.messages import Array

RNG = np.random.default_rng(0)


def test_a_class_is_the_unit_mean_of_its_sentences_in_all_templates() -> None:
    heard: list[str] = []

    def embed(sentences: list[str]) -> Array:
        heard.extend(sentences)
        return np.eye(8)[[len(heard) - len(sentences) + n for n in range(len(sentences))]]

    vectors = class_vectors(embed, {"a": ("one", "two"), "b": ("three",)}, ("{}", "a {}"))  # type: ignore[arg-type]
    assert heard == ["one", "a one", "two", "a two", "three", "a three"]
    np.testing.assert_allclose(vectors[0], [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_a_class_without_a_sentence_is_told() -> None:
    with pytest.raises(ValueError, match="classes b have no sentence"):
        class_vectors(lambda _: np.eye(2), {"a": ("x",), "b": ()})


def test_ties_are_misses() -> None:
    assert top1(np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), np.array([0, 1, 1])) == pytest.approx(1 / 3)


def test_constant_scores_get_no_credit_anywhere() -> None:
    scores, is_one = np.zeros(100), np.arange(100) < 10
    assert average_precision(scores, is_one) < 0.07  # ten of the class after ninety others
    assert auroc(scores, is_one) == 0.5


def test_average_precision_is_what_is_counted_by_hand() -> None:
    assert average_precision(np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])) == pytest.approx(5 / 6)
    assert np.isnan(average_precision(np.ones(3), np.zeros(3, bool)))


def test_the_mean_is_over_classes_that_occur() -> None:
    is_one = np.array([[True, False], [True, False]])
    assert mean_average_precision(np.ones((2, 2)), is_one) == 1.0
    with pytest.raises(ValueError, match="any class"):
        mean_average_precision(np.ones((2, 2)), np.zeros((2, 2), bool))


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    scores, is_one = RNG.normal(size=60).round(1), RNG.random(60) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[is_one] for b in scores[~is_one]]
    assert auroc(scores, is_one) == pytest.approx(np.mean(pairs))
    assert np.isnan(auroc(scores, np.ones(60, bool)))


def test_every_thing_is_counted_where_it_is_and_for_what_it_is_taken() -> None:
    counts = confusion(np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]]), np.array([0, 1, 1]))
    np.testing.assert_array_equal(counts, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(one_hot(np.array([1, 0]), 2), [[False, True], [True, False]])
