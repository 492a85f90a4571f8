from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.binding.pairs import gathered
from operators.evaluation.embedder import Embedder
from operators.sets.item import Item
from operators.sets.reading import clip_of
from operators.space import Space
from pipeline.messages import Array, Clip

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 255, (8, 64, 80, 3), np.uint8)


def read(modality: str, frame: Array) -> list[Clip]:
    return [clip_of("/one", modality, 0, 1, [(0, frame)])]


def broken() -> Sequence[Clip]:
    raise ValueError("frame.png is cut short")


def item(number: int, **senses: Callable[[], Sequence[Clip]]) -> Item:
    picture = PICTURES[number]
    own = {"vision": partial(read, "vision", picture), "thermal": partial(read, "thermal", picture[..., 0])}
    return Item(name=f"thing {number}", senses=own | senses, label="dog" if number % 2 else "", captions=())


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    return Embedder(Space("tiny"), tmp_path_factory.mktemp("anchors"))


def test_a_pair_is_what_the_encoder_prepares_and_what_the_anchor_says(embedder: Embedder) -> None:
    encoder = embedder.space.encoder("thermal")
    found = gathered(map(item, range(6)), "thermal", encoder, embedder)
    assert found.names == [f"thing {n}" for n in range(6)]
    np.testing.assert_array_equal(found.inputs[2], encoder.prepare(item(2).senses["thermal"]()[0]))
    vision = embedder.space.encoder("vision")
    expected = vision.embed(vision.prepare(item(2).senses["vision"]()[0])[np.newaxis])[0]
    np.testing.assert_allclose(found.anchors[2], expected, atol=1e-5)
    assert not found.refused


def test_every_clip_of_a_thing_is_a_pair(embedder: Embedder) -> None:
    twice = item(0, thermal=lambda: 2 * read("thermal", PICTURES[0, ..., 0]))
    found = gathered([twice, *map(item, range(1, 5))], "thermal", embedder.space.encoder("thermal"), embedder)
    assert found.names.count("thing 0") == 2
    assert np.array_equal(found.anchors[0], found.anchors[1])


def test_captions_or_a_label_are_the_anchor_in_words(embedder: Embedder) -> None:
    items = [item(number) for number in range(8)]
    found = gathered(items, "thermal", embedder.space.encoder("thermal"), embedder, "text")
    assert found.names == [f"thing {n}" for n in (1, 3, 5, 7)]
    np.testing.assert_allclose(found.anchors[0], embedder.sentences(["dog"])[0], atol=1e-6)


def test_what_cannot_be_read_is_named_and_nothing_else_is_lost(embedder: Embedder) -> None:
    items = [item(0, thermal=broken), item(1, vision=broken), *map(item, range(2, 7))]
    found = gathered(items, "thermal", embedder.space.encoder("thermal"), embedder)
    assert found.names == [f"thing {n}" for n in range(2, 7)]
    assert sorted(found.refused) == ["thing 0: frame.png is cut short", "thing 1: frame.png is cut short"]


def test_anchors_are_not_embedded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = list(map(item, range(6)))
    first = Embedder(Space("tiny"), tmp_path)
    one = gathered(items, "thermal", first.space.encoder("thermal"), first)
    second = Embedder(Space("tiny"), tmp_path)
    kind: Any = type(second.space.encoder("vision"))
    asked: list[int] = []
    embed = kind.embed

    def counted(self: Any, batch: Array) -> Array:
        asked.append(len(batch))
        vectors: Array = embed(self, batch)
        return vectors

    monkeypatch.setattr(kind, "embed", counted)
    other = gathered(items, "thermal", second.space.encoder("thermal"), second)
    assert np.array_equal(one.anchors, other.anchors)
    assert one.digest == other.digest
    assert sum(asked) <= 1  # one, to know the encoder by


@pytest.mark.parametrize(
    ("items", "anchor", "told"),
    [
        ([item(0, vision=broken)] * 3, "vision", "can be read"),
        ([item(0), item(1)], "vision", "2 pairs of vision and thermal are too few"),
        ([Item(name="a", senses={"thermal": broken})], "vision", "no thermal has a vision beside it"),
        ([item(0)], "text", "no thermal has a caption or label"),
    ],
)
def test_what_no_binding_can_come_of_is_an_error(embedder: Embedder, items: list[Item], anchor: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        gathered(items, "thermal", embedder.space.encoder("thermal"), embedder, anchor)
