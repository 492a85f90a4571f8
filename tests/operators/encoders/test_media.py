from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import CODECS, film, number_of, sound

from operators.encoders import media
from operators.encoders.media import ends_of, length_of, sound_of

LOUD = (9000 * np.sin(np.arange(2 * 24_000).reshape(2, -1) / 20 * [[1], [3]])).astype(np.int16)


@pytest.mark.parametrize("suffix", CODECS)
def test_a_film_is_as_long_as_its_frames(tmp_path: Path, suffix: str) -> None:
    assert length_of(film(tmp_path / f"f{suffix}")) == 10


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize(
    ("start", "end", "first", "last"), [(0, 2, 0, 19), (3, 5, 30, 49), ("6.05", "8.05", 61, 80), (8, 12, 80, 99)]
)
def test_the_ends_of_a_stretch_are_found(
    tmp_path: Path, suffix: str, start: str, end: str, first: int, last: int
) -> None:
    path = film(tmp_path / f"f{suffix}")
    ends = ends_of(path, Fraction(start), Fraction(end))
    assert [number_of(picture) for _, picture in ends] == [first, last]
    assert [round(float(time), 3) for time, _ in ends] == [first / 10, last / 10]


def test_a_stretch_of_one_frame_has_it_twice(tmp_path: Path) -> None:
    (time, first), (_, last) = ends_of(film(tmp_path / "f.mp4"), Fraction("3.95"), Fraction("4.05"))
    assert (float(time), number_of(first), number_of(last)) == (4, 40, 40)


def test_no_more_is_decoded_than_from_the_key_frame_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, upstream, decoded = film(tmp_path / "f.mp4"), media._time, []

    def counted(frame: Any, origin: int, time_base: Fraction) -> Fraction:
        decoded.append(frame.pts)
        return upstream(frame, origin, time_base)

    monkeypatch.setattr(media, "_time", counted)
    ends_of(path, Fraction(9), Fraction(10))
    assert 10 < len(decoded) < 55


def test_a_film_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    for turned, black in ((90, "lower"), (-90, "upper"), (180, "right")):
        (_, picture), _ = ends_of(film(tmp_path / "f.mp4", turned=turned), Fraction(9), Fraction(10))
        height, width = picture.shape[:2]
        side = {"lower": picture[height // 2 :], "upper": picture[: height // 2], "right": picture[:, width // 2 :]}
        assert (height, width) == ((48, 64) if turned == 180 else (64, 48))
        assert side[black].mean() < 20 < picture.mean()


def test_a_film_that_ends_before_it_says_is_refused_where_it_ends(tmp_path: Path) -> None:
    path = film(tmp_path / "f.mp4")
    with pytest.raises(ValueError, match=r"f\.mp4: no frame from 12 to 14 s"):
        ends_of(path, Fraction(12), Fraction(14))


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sound_is_the_first_channel_unchanged(tmp_path: Path, suffix: str) -> None:
    heard, rate = sound_of(sound(tmp_path / f"s{suffix}", LOUD, 24_000))
    assert rate == 24_000
    assert heard.dtype == np.float32
    np.testing.assert_array_equal(heard, LOUD[0] / np.float32(32768))


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".mp4"])
def test_compressed_sound_is_nearly_the_same(tmp_path: Path, suffix: str) -> None:
    heard, rate = sound_of(sound(tmp_path / f"s{suffix}", LOUD, 24_000))
    if rate != 24_000:
        heard = heard[:: rate // 24_000]
    assert abs(len(heard) - 24_000) < 2400
    spectrum = np.abs(np.fft.rfft(heard[:20_000]))
    assert abs(spectrum.argmax() * 24_000 / 20_000 - 24_000 / (2 * np.pi * 20)) < 3


def test_the_sound_of_a_film_is_heard(tmp_path: Path) -> None:
    heard, rate = sound_of(sound(tmp_path / "f.mp4", LOUD[:1], 24_000))
    assert rate == 24_000
    assert np.abs(heard).max() > 0.2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".webm"])
@pytest.mark.parametrize("keep", [10, 300])
def test_the_beginning_of_a_film_alone_is_refused_by_name(tmp_path: Path, suffix: str, keep: int) -> None:
    path = film(tmp_path / f"f{suffix}")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"f\."):
        ends_of(path, Fraction(0), max(length_of(path), Fraction(2)))


def test_a_flac_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    path = sound(tmp_path / "s.flac", LOUD, 24_000)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(ValueError, match=r"s\.flac: no audio that can be decoded, or it is damaged"):
        sound_of(path)


def test_a_film_has_no_sound_and_a_sound_no_film(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"f\.mp4: there is no audio in it"):
        sound_of(film(tmp_path / "f.mp4", frames=5))
    with pytest.raises(ValueError, match=r"s\.wav: there is no video in it"):
        length_of(sound(tmp_path / "s.wav", LOUD, 24_000))


def test_text_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "s.wav").write_text("hello " * 100)
    with pytest.raises(ValueError, match=r"s\.wav: no audio that can be decoded"):
        sound_of(tmp_path / "s.wav")


def test_a_sound_without_samples_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "s.wav"), "w") as container:
        container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        container.start_encoding()
    with pytest.raises(ValueError, match=r"s\.wav: "):
        sound_of(tmp_path / "s.wav")


def test_a_sound_in_an_unknown_code_is_refused(tmp_path: Path) -> None:
    path = sound(tmp_path / "s.wav", LOUD, 24_000)
    path.write_bytes(path.read_bytes().replace(b"fmt \x10\0\0\0\1\0", b"fmt \x10\0\0\0\x77\x66"))
    with pytest.raises(ValueError, match=r"s\.wav: there is no audio in it, or none that can be decoded"):
        sound_of(path)
