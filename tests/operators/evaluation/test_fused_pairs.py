"""Senses that share nothing but the class are fused, without the pairing telling the class."""

import numpy as np
import pytest

from operators.evaluation.embedder import Embedded
from operators.evaluation.few_shot import Examples, clips, few_shot, pooled, whole
from operators.evaluation.fused import by_examples, by_text, common_classes, paired
from operators.sets.item import Item
from operators.space import mix
from pipeline.messages import Array

RNG = np.random.default_rng(0)


def pool(labels: str, noise: float, seed: int = 0, knows: str = "abcd") -> Examples:
    """One example a letter, each a recording of its own: an axis for each letter that is known, and noise."""
    rng = np.random.default_rng(seed)
    vectors = [np.eye(16)["abcd".index(name)] * (name in knows) + noise * rng.normal(size=16) for name in labels]
    units = [(vector / np.linalg.norm(vector))[np.newaxis].astype(np.float32) for vector in vectors]
    items = [Item(name=f"{n}", senses={}, label=name) for n, name in enumerate(labels)]
    return whole(Embedded(items, units))


CLASSES = np.eye(16)[:4]

TWO = [np.tile(np.eye(16)[n], (3, 1)) for n in (0, 1)]
"""Three clips of two films, which are of a and b."""


def test_only_classes_that_every_sense_knows_are_fused() -> None:
    assert common_classes({"ir": pool("aabbcd", 0.1), "audio": pool("bbdd", 0.1)}) == ["b", "d"]
    assert common_classes({}) == []


def test_every_example_of_the_sense_with_most_is_in_one_pair() -> None:
    pools = {"ir": pool("aaaab", 0.0), "visible": pool("aabbb", 0.0)}
    seen: list[Array] = []

    def keep(vectors: Array) -> Array:
        seen.append(vectors)
        return mix(vectors)

    fused, truth = paired(pools, {}, ["a", "b"], 0, keep, np.random.default_rng(0))
    assert np.bincount(truth).tolist() == [4, 3]
    assert fused.shape == (7, 16)
    for vectors, place in zip(seen, truth, strict=True):
        assert vectors.argmax(1).tolist() == [place, place]


def test_only_what_is_allowed_is_paired_and_a_class_without_any_is_left_out() -> None:
    pools = {"ir": pool("aabb", 0.0), "visible": pool("aabb", 0.0)}
    allowed = {"ir": np.array([True, False, False, False]), "visible": np.ones(4, bool)}
    _, truth = paired(pools, allowed, ["a", "b"], 5, mix, np.random.default_rng(0))
    assert truth.tolist() == [0] * 5


def test_two_noisy_senses_tell_more_than_one() -> None:
    labels = "abcd" * 30
    pools = {"ir": pool(labels, 0.5, 1), "visible": pool(labels, 0.5, 2)}
    vectors = {"ir": CLASSES, "visible": CLASSES}
    together = by_text(pools, vectors, "abcd", mix)
    alone = [by_text({sense: one}, vectors, "abcd", mix) for sense, one in pools.items()]
    assert together > max(alone) + 0.05
    learned = by_examples(pools, pools, "abcd", 5, mix)
    singles = [by_examples({sense: one}, {sense: one}, "abcd", 5, mix) for sense, one in pools.items()]
    assert learned > max(singles) + 0.03


def test_senses_that_know_nothing_stay_at_chance() -> None:
    labels = "abcd" * 20
    pools = {"ir": pool(labels, 1.0, 1, knows=""), "visible": pool(labels, 1.0, 2, knows="")}
    assert by_text(pools, {"ir": CLASSES, "visible": CLASSES}, "abcd", mix) == pytest.approx(0.25, abs=0.1)
    assert by_examples(pools, pools, "abcd", 5, mix) == pytest.approx(0.25, abs=0.1)


def test_examples_may_be_of_files_that_are_not_tested() -> None:
    tested = pool("ab", 0.1, 4)
    known = pooled([tested, clips(Embedded([Item(name=f"fit {n}", senses={}, label="ab"[n]) for n in (0, 1)], TWO))])
    assert by_examples({"ir": tested}, {"ir": known}, "ab", 5, mix) == 1.0
    assert np.isnan(by_examples({"ir": tested}, {"ir": tested}, "ab", 5, mix))  # one recording a class


def test_files_that_an_example_is_of_are_not_tested() -> None:
    """Each file's clips are alike and tell nothing of other files of its class."""
    voices = np.eye(16)
    items = [Item(name=f"{n}", senses={}, label="ab"[n % 2], group=f"film {n}") for n in range(16)]
    embedded = Embedded(items, [np.tile(voices[n], (5, 1)) for n in range(16)])
    files, parts = {"ir": whole(embedded)}, {"ir": clips(embedded)}
    assert by_examples(files, parts, "ab", 5, mix) < 0.7


def test_clips_are_examples_in_the_group_of_their_file() -> None:
    items = [Item(name=f"{n}", senses={}, label="ab"[n % 2], group=f"film {n}") for n in range(8)]
    embedded = Embedded(items, [np.tile(np.eye(16)[n % 2], (3, 1)) for n in range(8)])
    examples = clips(embedded)
    assert len(examples.vectors) == len(examples.labels) == 24
    assert examples.groups[:4] == ["film 0"] * 3 + ["film 1"]
    assert examples.labelled("ab").truth.tolist()[:4] == [0, 0, 0, 1]
    outcome = few_shot(whole(embedded), examples, title="films")
    assert outcome.figures["shot5_top1"] == 1.0
    assert outcome.tables[0].rows[0][3] == 4  # half of the films, whole
    assert set(outcome.learning["films"]) == {1, 2, 4, 5, 8}


def test_where_no_probe_can_be_tested_there_are_no_figures() -> None:
    items = [Item(name=f"{n}", senses={}, label="a") for n in range(4)]
    outcome = few_shot(whole(Embedded(items, [np.eye(4)[n : n + 1] for n in range(4)])))
    assert not outcome.figures
    assert not outcome.tables
