"""Items become vectors once; what cannot be read is said; a run that was stopped goes on where it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from meanings import DAMAGED, DIM, Meanings, thing

from operators.encoders.imu import ImuEncoder
from operators.encoders.tower import Architecture
from operators.evaluation.cache import Cache, key_of
from operators.evaluation.embedder import BATCH, Embedder, print_of

THINGS = [thing(f"t{n}", {"audio": n / 8}) for n in range(3 * BATCH)]


def embedder(cache: Path | None = None, space: Any = None) -> tuple[Embedder, Meanings]:
    space = space or Meanings()
    return Embedder(space, cache), space


def test_a_thing_is_the_unit_mean_of_its_clips() -> None:
    embedded = embedder()[0].embed([thing("a", {"audio": [0, 1]}), thing("b", {"audio": 1})], "audio")
    assert [clips.shape for clips in embedded.clips] == [(2, DIM), (1, DIM)]
    np.testing.assert_allclose(embedded.means[0, :2], [0.5**0.5, 0.5**0.5], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embedded.means, axis=1), 1, rtol=1e-6)


def test_only_things_with_that_sense_are_embedded_and_in_order() -> None:
    embedded = embedder()[0].embed(
        [thing("a", {"audio": 3}), thing("b", {"vision": 1}), thing("c", {"audio": 2})], "audio"
    )
    assert [item.name for item in embedded.items] == ["a", "c"]
    assert embedded.means.argmax(1).tolist() == [3, 2]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on() -> None:
    run, _ = embedder()
    embedded = run.embed(
        [thing("a", {"audio": 1}), thing("bad", {"audio": DAMAGED}), thing("c", {"audio": 2})], "audio"
    )
    assert [item.name for item in embedded.items] == ["a", "c"]
    assert run.unread == ["bad: bad: damaged"]


@pytest.mark.parametrize(
    ("items", "modality", "told"),
    [
        ([thing("a", {"vision": 1})], "audio", "nothing here has the sense audio"),
        ([thing("a", {"audio": DAMAGED})], "audio", "none of 1 things can be read by audio; the last one: a: damaged"),
        ([thing("a", {"smell": 1})], "smell", "no encoder for smell"),
    ],
)
def test_what_cannot_be_embedded_at_all_is_told(items: list[Any], modality: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        embedder()[0].embed(items, modality)


def test_a_thing_without_a_clip_is_named() -> None:
    run, _ = embedder()
    assert [item.name for item in run.embed([thing("a", {"audio": 1}), thing("b", {"audio": []})], "audio").items] == [
        "a"
    ]
    assert run.unread == ["b: there is no clip in it"]


def test_encoders_of_two_spaces_are_refused() -> None:
    run, space = embedder()
    space.encoder("text").dim = 7
    run.embed(THINGS[:1], "audio")
    with pytest.raises(ValueError, match="audio has 16, text has 7"):
        run.sentences(["a cat"])


def test_equal_inputs_are_embedded_once(tmp_path: Path) -> None:
    run, space = embedder()
    run.embed([*THINGS, *THINGS], "audio")
    assert space.encoder("audio").embedded == len(THINGS)
    run.sentences(["a cat", "a dog", "a cat"])
    assert space.encoder("text").embedded == 2


def test_sentences_keep_their_order() -> None:
    vectors = embedder()[0].sentences(["a dog", "a cat", "a dog", "noise"])
    assert vectors.argmax(1).tolist() == [1, 0, 1, DIM - 2]


def test_progress_is_told_for_everything() -> None:
    heard: list[tuple[str, int, int]] = []
    Embedder(Meanings(), None, lambda *told: heard.append(told)).embed(THINGS[:3], "audio", "sounds")  # type: ignore[arg-type]
    assert heard == [("sounds", 1, 3), ("sounds", 2, 3), ("sounds", 3, 3)]


def test_a_second_run_embeds_nothing_but_what_tells_the_model(tmp_path: Path) -> None:
    before = embedder(tmp_path)[0].embed(THINGS, "audio")
    second, space = embedder(tmp_path)
    after = second.embed(THINGS, "audio")
    assert space.encoder("audio").embedded == 1
    np.testing.assert_array_equal(before.means, after.means)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    first, _ = embedder(tmp_path)
    stopped = [*THINGS[: BATCH + 3], thing("stop", {"audio": 0})]

    def stop() -> list[Any]:
        raise KeyboardInterrupt

    stopped[-1].senses["audio"] = stop  # type: ignore[index]
    with pytest.raises(KeyboardInterrupt):
        first.embed(stopped, "audio")
    second, space = embedder(tmp_path)
    second.embed(THINGS, "audio")
    assert space.encoder("audio").embedded == 1 + len(THINGS) - BATCH


def test_another_model_finds_no_vectors_of_this_one(tmp_path: Path) -> None:
    embedder(tmp_path)[0].embed(THINGS, "audio")
    other = Meanings()
    other.encoder("audio").lean = 0.5
    embedded = embedder(tmp_path, other)[0].embed(THINGS, "audio")
    assert embedded.means[0, DIM - 1] > 0.4
    assert other.encoder("audio").embedded == 1 + len(THINGS)


def test_an_encoder_is_known_by_its_parameters_and_its_weights() -> None:
    def encoder(seed: int = 0) -> ImuEncoder:
        made = ImuEncoder(Architecture(dim=32, width=32, depth=1, heads=2, kernel=(1, 16)), seed=seed)
        made.embed(np.zeros((1, 6, 2000), np.float32))
        return made

    known, other = print_of(encoder()), encoder()
    assert print_of(other) == known
    assert print_of(encoder(seed=1)) != known
    next(tensor for tensor in other._run.module.parameters() if tensor.is_floating_point())[:] += 1
    assert print_of(other) != known


def test_a_record_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    path, keys = tmp_path / "a.vectors", [key_of(np.full(3, n)) for n in range(3)]
    cache = Cache(path, 4)
    cache.put(keys, np.arange(12, dtype=np.float32).reshape(3, 4))
    path.write_bytes(path.read_bytes()[:-5])
    again = Cache(path, 4)
    assert keys[1] in again
    assert keys[2] not in again
    again.put(keys[2:], np.full((1, 4), 7, np.float32))
    whole = Cache(path, 4)
    np.testing.assert_array_equal(whole[keys[2]], [7, 7, 7, 7])
    np.testing.assert_array_equal(whole[keys[0]], [0, 1, 2, 3])


def test_a_key_is_the_input_with_its_shape_and_numbers() -> None:
    one = np.zeros((2, 3), np.float32)
    assert key_of(one) == key_of(one.copy())
    assert len({key_of(one), key_of(one.T), key_of(one.view(np.int32)), key_of(one + 1)}) == 4
