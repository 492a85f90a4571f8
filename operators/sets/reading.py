"""What the sets are made of: tables, folders of files, frames that are clips."""

import csv
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

from operators.encoders.files import CLIP_S, FILM_CLIPS, cuts
from operators.encoders.media import Frame, frames_of, length_of
from operators.sets.item import Item
from pipeline.messages import NS, Array, Clip, Sample

FILM_EVERY = Fraction(1, 10)
"""Seconds between the frames of a clip of film: so many show how a thing moves, and are small enough to hold."""


def files_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the files in ``folder`` that end so, by name. Raise ValueError if there are none."""
    found = sorted(path for path in folder.glob("*") if path.name.lower().endswith(tuple(suffixes)))
    if not found:
        raise ValueError(
            f"{folder}: there is no file that ends in {' or '.join(suffixes)}, and this set has some there"
        )
    return found


def rows_of(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV by column, white space stripped. Raise ValueError if it is not there or lacks one."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, and this set has one") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: no table in text: {error}") from error
    if not rows:
        raise ValueError(f"{path}: there is no row in it")
    if missing := [column for column in columns if column not in rows[0]]:
        raise ValueError(f"{path}: no column {' nor '.join(missing)}; there is {', '.join(map(str, rows[0]))}")
    return [{name: (row[name] or "").strip() for name in columns} for row in rows]


def some(items: Iterable[Item], folder: Path, due: str) -> list[Item]:
    """Return the items. Raise ValueError naming what was ``due`` in ``folder`` if there are none."""
    found = list(items)
    if not found:
        raise ValueError(f"{folder}: no {due}")
    return found


def any_there(folder: Path, names: Sequence[str]) -> None:
    """Raise ValueError if none of the files is in ``folder``; where only some are missing, reading them will tell."""
    if not any((folder / name).is_file() for name in names):
        raise ValueError(f"{folder}: none of the {len(names)} files that are listed is there, such as {names[0]}")


def words(name: str) -> str:
    """Return a class name as one writes it.

    >>> words("SANDY_LOAM")
    'sandy loam'
    """
    return name.replace("_", " ").replace("-", " ").strip().lower()


def still(topic: str, modality: str, data: Array, at: int = 0) -> list[Clip]:
    """Return one clip of one frame."""
    return [clip_of(topic, modality, at, at + 1, [(at, data)])]


def film(path: Path, modality: str, number: int = FILM_CLIPS, length: Fraction = Fraction(CLIP_S)) -> list[Clip]:
    """Return ``number`` clips of ``length`` seconds, evenly over a film, each of ten frames a second.

    What moves is then seen to move. A film shorter than one clip is one. Raise OSError or ValueError for a file that
    cannot be read.
    """
    spans = list(dict.fromkeys(cuts(length_of(path), number, length)))
    frames: list[list[Frame]] = [[] for _ in spans]
    for time, picture in frames_of(path, FILM_EVERY):
        for (start, end), inside in zip(spans, frames, strict=True):
            if start <= time < end:
                inside.append((time, picture))
    return [
        clip_of(str(path), modality, _ns(start), _ns(end), [(_ns(time), picture) for time, picture in inside])
        for (start, end), inside in zip(spans, frames, strict=True)
        if inside
    ]


def clip_of(topic: str, modality: str, start: int, end: int, frames: Sequence[tuple[int, Array]]) -> Clip:
    """Return the clip of ``[start, end)`` that holds frames with these stamps."""
    samples = tuple(
        Sample(topic=topic, stamp=stamp, frame_id="", seq=seq, data=data) for seq, (stamp, data) in enumerate(frames)
    )
    return Clip(topic=topic, modality=modality, start=start, end=end, samples=samples, coverage=1.0)


def _ns(seconds: Fraction) -> int:
    return round(seconds * NS)
