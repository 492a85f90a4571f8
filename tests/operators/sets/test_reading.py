"""Tables and films are read as the sets need them, and what is missing is said."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import film as write_film
from films import number_of

from operators.encoders.media import frames_of
from operators.sets.item import Item, split
from operators.sets.reading import any_there, files_in, film, rows_of, some, still


def test_rows_come_by_column_without_white_space(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\ufefffile, label,other\n x.wav , dog ,\n")
    assert rows_of(tmp_path / "a.csv", ("file", "label", "other")) == [{"file": "x.wav", "label": "dog", "other": ""}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no such file"),
        ("", "no row"),
        ("file,label\n", "no row"),
        ("name,kind\na,b\n", "no column file nor label; there is name, kind"),
        (b"file,label\n\xff\xfe,b\n", "no table in text"),
    ],
)
def test_a_table_that_cannot_be_is_told(tmp_path: Path, text: str | bytes | None, told: str) -> None:
    path = tmp_path / "labels.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=told) as error:
        rows_of(path, ("file", "label"))
    assert str(path) in str(error.value)


def test_a_row_that_is_too_short_has_empty_fields(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("file,label\nx.wav\n")
    assert rows_of(tmp_path / "a.csv", ("file", "label")) == [{"file": "x.wav", "label": ""}]


def test_missing_files_are_told_with_their_folder(tmp_path: Path) -> None:
    for refuse in (
        lambda: files_in(tmp_path / "audio", (".wav",)),
        lambda: any_there(tmp_path / "audio", ["a.wav"]),
        lambda: some([], tmp_path / "audio", "sound"),
    ):
        with pytest.raises(ValueError, match="audio"):
            refuse()


def test_one_file_of_many_is_enough(tmp_path: Path) -> None:
    (tmp_path / "b.wav").touch()
    any_there(tmp_path, ["a.wav", "b.wav"])
    assert files_in(tmp_path, (".WAV".lower(),)) == [tmp_path / "b.wav"]


def test_a_film_is_five_clips_of_two_seconds_in_which_things_move(tmp_path: Path) -> None:
    path = write_film(tmp_path / "bird.mp4", frames=100, fps=20)
    clips = film(path, "vision")
    assert [(clip.start / 1e9, clip.end / 1e9) for clip in clips] == [
        (0, 2),
        (0.75, 2.75),
        (1.5, 3.5),
        (2.25, 4.25),
        (3, 5),
    ]
    assert [len(clip.samples) for clip in clips] == [20] * 5
    for clip in clips:
        numbers = [number_of(sample.data) for sample in clip.samples]
        assert numbers == sorted(set(numbers))
        assert all(clip.start <= sample.stamp < clip.end for sample in clip.samples)


def test_a_short_film_is_one_clip(tmp_path: Path) -> None:
    (clip,) = film(write_film(tmp_path / "bird.mp4", frames=10, fps=10), "thermal")
    assert clip.modality == "thermal"
    assert len(clip.samples) == 10


def test_frames_are_the_first_of_their_tenths(tmp_path: Path) -> None:
    path = write_film(tmp_path / "bird.mp4", frames=40, fps=20)
    times = [time for time, _ in frames_of(path, Fraction(1, 4))]
    assert times == [Fraction(n, 4) for n in range(8)]


def test_a_still_is_one_frame() -> None:
    (clip,) = still("a", "depth", np.zeros((2, 3)), at=7)
    assert (clip.start, clip.end, clip.samples[0].stamp, clip.coverage) == (7, 8, 7, 1.0)


def test_no_group_is_torn_by_a_split() -> None:
    items = [Item(name=str(n), senses={}, group=f"flight {n // 10}") for n in range(1000)]
    learned, tested = split(items, 0.5)
    assert not {item.group for item in learned} & {item.group for item in tested}
    assert 300 < len(learned) < 700
    assert len(learned) + len(tested) == 1000
