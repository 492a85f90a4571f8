from functools import partial

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


def test_the_baseline_is_the_cameras_tower_on_the_other_picture_in_grey() -> None:
    space = Meanings()
    run = Embedder(space)  # type: ignore[arg-type]
    swapped = [thing(f"{n}", {"vision": n, "thermal": (n + 1) % 12}) for n in range(12)]
    figures = pair_retrieval(run, swapped, "vision", "thermal").figures
    assert figures["r1"] == 0
    assert figures["baseline_r1"] == 0  # floats are stretched to 0, which is the first picture's meaning alone
    assert space.encoder("vision").embedded > 12


class Table(Meaning):
    """A camera's tower that sees the picture n, or 100 + n, in two corners of the space."""

    def embed(self, batch: Array) -> Array:
        rng = np.random.default_rng(0)
        meaning_ND, corners_2D = rng.normal(size=(50, DIM)), 30 * rng.normal(size=(2, DIM))
        places = batch[:, 0].astype(int)
        vectors = meaning_ND[places % 100] + corners_2D[places // 100]
        unit: Array = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


def test_the_baseline_is_centred() -> None:
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
    assert pair_retrieval(run, items, "vision", "thermal").figures["baseline_r1"] > 0.9


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
    figures = pair_retrieval(embedder(lean=3.0), items, "vision", "thermal").figures
    assert figures["centred_r1"] == 1
