from functools import partial

import cv2
import numpy as np
import pytest
from meanings import DAMAGED, DIM, Meaning, Meanings, thing

from operators.evaluation.embedder import Embedder
from operators.evaluation.pair_retrieval import as_picture, grey, pair_retrieval
from operators.sets.item import Item
from operators.sets.reading import still
from pipeline.messages import Array


def embedder(lean: float = 0.0) -> Embedder:
    space = Meanings()
    space.encoder("thermal").lean = lean
    return Embedder(space)  # type: ignore[arg-type]


PAIRS = [thing(f"{n}", {"vision": n, "thermal": n}) for n in range(12)]


def test_every_picture_finds_what_another_camera_saw() -> None:
    figures = pair_retrieval(embedder(), PAIRS, "vision", "thermal").figures
    assert {name: figures[name] for name in ("r1", "back_r1", "centred_r1", "n")} == {
        "r1": 1, "back_r1": 1, "centred_r1": 1, "n": 12,
    }  # fmt: skip
    assert figures["chance_r1"] == pytest.approx(1 / 12)


def test_without_training_a_tower_for_pictures_sees_the_other_picture_in_grey() -> None:
    space = Meanings()
    run = Embedder(space)  # type: ignore[arg-type]
    swapped = [thing(f"{n}", {"vision": n, "thermal": (n + 1) % 12}) for n in range(12)]
    figures = pair_retrieval(run, swapped, "vision", "thermal").figures
    assert figures["r1"] == 0
    assert figures["grey_r1"] == 0  # floats are stretched to 0, which is the first picture's meaning alone
    assert space.encoder("vision").embedded > 12


def test_the_baseline_is_what_pictures_alone_have_taught_a_network() -> None:
    rng = np.random.default_rng(0)
    scenes = [cv2.resize(rng.integers(0, 255, (6, 8), np.uint8), (160, 120)) for _ in range(8)]
    seen = [{"vision": scene, "thermal": 255 - scene // 4} for scene in scenes]
    items = [
        Item(name=f"{n}", senses={sense: partial(still, sense, sense, data) for sense, data in of.items()})
        for n, of in enumerate(seen)
    ]
    run = embedder()
    figures = pair_retrieval(run, items, "vision", "thermal").figures
    assert figures["baseline_r1"] > 2 * figures["chance_r1"]
    assert figures["r1_over_baseline"] == pytest.approx(figures["r1"] / figures["baseline_r1"])
    blind = pair_retrieval(run, [PAIRS[0], PAIRS[1]], "vision", "thermal", network=Embedder(Blind())).figures  # type: ignore[arg-type]
    assert (blind["baseline_r1"], blind["r1_over_baseline"]) == (0, 2)  # guessing finds half


class Blind(Meanings):
    """All pictures are alike."""

    def encoder(self, modality: str) -> Meaning:
        same = Meaning(modality)
        same.prepare = lambda clip: np.zeros(1)  # type: ignore[method-assign]
        return same


class Table(Meaning):
    """A camera's tower that sees the picture n, or 100 + n, in two corners of the space."""

    def embed(self, batch: Array) -> Array:
        rng = np.random.default_rng(0)
        meaning_ND, corners_2D = rng.normal(size=(50, DIM)), 30 * rng.normal(size=(2, DIM))
        places = batch[:, 0].astype(int)
        vectors = meaning_ND[places % 100] + corners_2D[places // 100]
        unit: Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


def test_what_was_not_trained_is_centred() -> None:
    run = embedder()
    run.space.encoders["vision"] = Table("vision")  # type: ignore[index]
    items = [
        Item(
            name=f"{n}",
            senses={
                "vision": partial(still, "v", "vision", np.full((2, 2), n, np.uint8)),
                "thermal": partial(still, "t", "thermal", np.full((2, 2), 100 + n, np.uint8)),
            },
        )
        for n in range(50)
    ]
    figures = pair_retrieval(run, items, "vision", "thermal", network=run).figures
    assert figures["grey_r1"] > 0.9
    assert figures["baseline_r1"] == figures["grey_r1"]


def test_there_and_back_are_two_things() -> None:
    items = [thing("a", {"vision": 0, "thermal": 0}), thing("b", {"vision": 1, "thermal": 0.5})]
    figures = pair_retrieval(embedder(), items, "vision", "thermal").figures
    assert (figures["r1"], figures["back_r1"]) == (1, 0.5)


def test_things_that_one_sense_lacks_or_cannot_read_are_no_pairs() -> None:
    run = embedder()
    items = [*PAIRS, thing("x", {"vision": 1}), thing("bad", {"vision": 1, "thermal": DAMAGED})]
    assert pair_retrieval(run, items, "vision", "thermal").figures["n"] == 12
    assert any(sentence.startswith("bad") for sentence in run.unread)


def test_one_pair_is_too_few() -> None:
    with pytest.raises(ValueError, match="two pairs of vision and thermal"):
        pair_retrieval(embedder(), PAIRS[:1], "vision", "thermal")
    with pytest.raises(ValueError, match="only 1 can be read in both"):
        pair_retrieval(embedder(), [PAIRS[0], thing("b", {"vision": 1, "thermal": DAMAGED})], "vision", "thermal")


def test_between_two_senses_without_a_camera_there_is_no_baseline() -> None:
    items = [thing(f"{n}", {"audio": n, "imu": n}) for n in range(4)]
    figures = pair_retrieval(embedder(), items, "audio", "imu").figures
    assert figures["r1"] == 1
    assert "baseline_r1" not in figures


def test_a_thermal_picture_in_grey_is_a_picture() -> None:
    item = as_picture(thing("a", {"thermal": 3}), "thermal")
    (clip,) = item.senses["vision"]()
    assert clip.modality == "vision"
    assert clip.samples[0].data.dtype == np.uint8


@pytest.mark.parametrize(
    ("image", "modality", "seen"),
    [
        (np.array([[0, 7]], np.uint8), "thermal", [[0, 7]]),
        (np.array([[20.0, np.nan, 30.0]]), "thermal", [[0, 0, 255]]),
        (np.array([[0, 29_000, 30_000]], np.uint16), "thermal", [[0, 0, 255]]),
        (np.array([[20.0, 20.0]]), "thermal", [[0, 0]]),
        (np.array([[np.nan]]), "thermal", [[0]]),
        (np.array([[0.0, 0.15, 0.3, 3.0, np.nan]]), "depth", [[0, 255, 255, 25, 0]]),
        (np.array([[0, 300, 3000]], np.uint16), "depth", [[0, 255, 25]]),
    ],
)
def test_grey_is_warmth_or_nearness(image: np.ndarray, modality: str, seen: list[list[int]]) -> None:
    shown = grey(image, modality)
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, seen)


def test_a_lean_that_all_vectors_share_is_taken_away_by_centring() -> None:
    items = [thing(f"{n}", {"vision": n % (DIM - 2) + 0.25, "thermal": n % (DIM - 2) + 0.3}) for n in range(12)]
    run = embedder(lean=3.0)
    figures = pair_retrieval(run, items, "vision", "thermal", network=run).figures
    assert figures["centred_r1"] == 1
