from pathlib import Path

import numpy as np
import pytest
from films import film
from golden import golden

from operators.space import Space, mix, sense_of

PICTURE, SOUND = str(golden("img_320x240.png")), str(golden("audio_mono16k_7s.wav"))


@pytest.fixture(scope="module")
def space() -> Space:
    return Space("tiny")


def test_every_thing_has_a_unit_vector_of_one_dimension(space: Space) -> None:
    vectors = space.embed(PICTURE, SOUND, "a dog barking")
    assert vectors.shape == (3, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_several_clips_of_one_file_are_one_unit_vector(space: Space) -> None:
    clips = space.encoder("audio").embed(space.prepared("audio", SOUND))
    assert len(clips) == 3
    mean = clips.mean(0)
    assert np.linalg.norm(mean) < 0.9999
    np.testing.assert_allclose(space.embed(SOUND)[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_compat_scales_and_does_not_normalise_means_again(space: Space) -> None:
    compat = Space("tiny", compat=True).embed(SOUND)[0]
    clips = space.encoder("audio").embed(space.prepared("audio", SOUND))
    np.testing.assert_allclose(compat, 20 * clips.mean(0), rtol=1e-4, atol=1e-4)  # 1 / 0.05, Table 9 of the paper


def test_only_what_is_asked_for_is_loaded() -> None:
    space = Space("tiny")
    space.embed("a dog")
    assert set(space._encoders) == {"text"}


def test_weights_move_a_mix_towards_its_heavier_part(space: Space) -> None:
    vectors = space.embed(PICTURE, SOUND)
    even, mostly_seen = mix(vectors), mix(vectors, [0.95, 0.05])
    np.testing.assert_allclose(np.linalg.norm([even, mostly_seen], axis=1), 1, rtol=1e-6)
    assert even @ vectors[0] == pytest.approx(even @ vectors[1], abs=1e-5)
    assert mostly_seen @ vectors[0] > 0.99 > mostly_seen @ vectors[1]


def test_a_meaning_can_be_taken_away() -> None:
    a, b = np.eye(2)
    np.testing.assert_allclose(mix(np.array([a, b]), [1, -1]), np.array([1, -1]) / np.sqrt(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "told"), [([1], "1 weights for 2 vectors"), ([1, -1], "cancel out"), ([0, 0], "cancel out")]
)
def test_a_mix_without_direction_is_refused(weights: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        mix(np.ones((2, 3)), weights)


def test_what_a_thing_is() -> None:
    assert sense_of(PICTURE) == ("vision", PICTURE)
    assert sense_of(Path(SOUND)) == ("audio", SOUND)
    assert sense_of("a dog barking") == ("text", "a dog barking")
    assert sense_of("warning: fire") == ("text", "warning: fire")
    assert sense_of("thermal:frame.png") == ("thermal", "frame.png")


def test_a_file_of_an_unknown_kind_is_no_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("notes.html", "dog"):
        Path(name).write_text("x")
    with pytest.raises(ValueError, match=r"notes\.html: its name does not say what it recorded"):
        sense_of("notes.html")
    assert sense_of("text:notes.html") == ("text", "notes.html")
    assert sense_of("dog") == ("text", "dog")
    assert sense_of("other.html") == ("text", "other.html")
    assert sense_of("Dr. Who" * 999) == ("text", "Dr. Who" * 999)


@pytest.mark.parametrize("thing", ["nowhere.jpg", "audio:nowhere.wav", "imu:nowhere.csv"])
def test_a_file_that_is_not_there_is_no_sentence(space: Space, thing: str) -> None:
    with pytest.raises(OSError, match="nowhere"):
        space.embed(thing)


def test_a_sense_without_encoder_is_named() -> None:
    with pytest.raises(ValueError, match="has no encoder for audio; it has vision, text"):
        Space("openclip:RN50/").embed(SOUND)


def test_compat_sees_a_film_in_fifteen_views(tmp_path: Path) -> None:
    path = str(film(tmp_path / "film.mp4"))
    assert Space("tiny", compat=True).prepared("vision", path).shape == (15, 3, 2, 224, 224)
    assert Space("tiny").prepared("vision", path).shape == (5, 3, 2, 224, 224)


def test_compat_is_for_imagebinds_towers() -> None:
    with pytest.raises(ValueError, match="OpenClipText is none"):
        Space("openclip:RN50/", compat=True).embed("a dog")
