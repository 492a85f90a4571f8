import numpy as np
import pytest
from meanings import Meanings, thing

from operators.evaluation.caption_retrieval import caption_retrieval
from operators.evaluation.embedder import Embedded, Embedder
from operators.evaluation.zero_shot import Scored, classified, multi_label, only, scored

SENTENCES = {"feline": ("a cat",), "canine": ("a dog",), "vehicle": ("a car",)}
ITEMS = [
    thing("1", {"audio": 0}, "feline"),
    thing("2", {"audio": 1}, "canine"),
    thing("3", {"audio": 1}, "feline"),
    thing("4", {"audio": 2}, "vehicle"),
    thing("5", {"audio": 2}),
    thing("6", {"vision": 0}, "canine"),
]


def embedder() -> Embedder:
    return Embedder(Meanings())  # type: ignore[arg-type]


def test_things_with_a_label_are_told_by_sentences() -> None:
    outcome = classified(scored(embedder(), ITEMS, "audio", SENTENCES), "animals")
    assert outcome.figures["n"] == 4
    assert outcome.figures["top1"] == 0.75
    assert outcome.figures["chance"] == pytest.approx(1 / 3)
    assert outcome.figures["majority"] == 0.5
    assert outcome.bars == {"feline": 0.5, "canine": 1.0, "vehicle": 1.0}
    np.testing.assert_array_equal(outcome.confusions[0].counts, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])


def test_a_label_without_a_sentence_is_its_own() -> None:
    one = scored(embedder(), [*ITEMS, thing("7", {"audio": 3}, "bird")], "audio", SENTENCES)
    assert one.classes == ["feline", "canine", "vehicle", "bird"]
    assert one.scores[-1].argmax() == 3


def test_classes_that_nothing_is_of_are_in_the_way_and_have_no_score() -> None:
    one = scored(embedder(), [thing("1", {"audio": 3}, "feline")], "audio", SENTENCES | {"avian": ("a bird",)})
    outcome = classified(one, "")
    assert outcome.figures["top1"] == 0
    assert "auroc" not in outcome.figures
    assert list(outcome.bars) == ["feline"]


def test_two_classes_are_told_by_the_difference_of_their_scores() -> None:
    people = only(scored(embedder(), ITEMS, "audio", SENTENCES), ("canine", "feline"))
    assert people.scores.shape == (3, 2)
    assert [item.name for item in people.embedded.items] == ["1", "2", "3"]
    assert people.truth.tolist() == [1, 0, 1]
    assert classified(people, "").figures["auroc"] == pytest.approx(0.75)


def test_what_both_classes_share_does_not_count() -> None:
    """Things score high or low with both; only the difference tells them apart."""
    loud = np.array([0.9, 0.1, 0.5, 0.3])
    scores = np.column_stack([loud, loud + np.array([-0.01, -0.01, 0.01, 0.01])])
    embedded = Embedded([thing(f"{n}", {}) for n in range(4)], [np.eye(4)[n : n + 1] for n in range(4)])
    figures = classified(Scored(embedded, ["a", "b"], scores, np.array([0, 0, 1, 1])), "").figures
    assert figures["auroc"] == figures["top1"] == 1


def test_what_is_of_several_classes_counts_for_each() -> None:
    items = [
        thing("1", {"audio": 0.5}, captions=("cat", "dog")),
        thing("2", {"audio": 1}, captions=("dog",)),
        thing("3", {"audio": 2}, captions=("car",)),
    ]
    outcome = multi_label(embedder(), items, "audio", ("{}",), "")
    assert outcome.figures["map"] == 1.0
    assert outcome.figures["chance_map"] == pytest.approx(4 / 9)
    assert outcome.figures["n"] == 3


def test_captions_find_their_things_and_things_any_of_their_captions() -> None:
    items = [
        thing("1", {"audio": 0}, captions=("a cat", "nothing that is known")),
        thing("2", {"audio": 1}, captions=("a dog",)),
        thing("3", {"audio": 2}, captions=("a bird",)),
    ]
    outcome = caption_retrieval(embedder(), items, "audio")
    assert outcome.figures["r1"] == 0.5
    assert outcome.figures["back_r1"] == pytest.approx(2 / 3)
    assert outcome.figures["captions"] == 4
    assert outcome.figures["n"] == 3
