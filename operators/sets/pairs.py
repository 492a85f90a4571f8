"""Folders whose files belong together by name: what one sense recorded, and what another one did of it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from operators.encoders.files import PICTURES, SOUNDS, TABLES, clips_of
from operators.sets.item import Item
from operators.sets.reading import files_in


def paired(folder: Path, places: Mapping[str, str], block: int = 1) -> list[Item]:
    """Return an item per name that every one of ``places``, folders by modality, has a recording of.

    Names that end in a number are frames of a film: ``block`` of these numbers are a group. Raise ValueError if a
    folder is missing, or nothing is paired.
    """
    recorded = {modality: named(folder / place, modality) for modality, place in places.items()}
    names = sorted(set.intersection(*(set(of_place) for of_place in recorded.values())))
    if not names:
        raise ValueError(f"{folder}: no picture has the same name in {' and '.join(places.values())}")
    return [
        Item(
            name=name,
            senses={modality: partial(clips_of, paths[name], modality) for modality, paths in recorded.items()},
            group=_group(name, block),
        )
        for name in names
    ]


def named(folder: Path, modality: str) -> dict[str, Path]:
    """Return the files of one sense in ``folder`` by name, without what they end in. Raise ValueError for none."""
    suffixes = {"audio": SOUNDS, "imu": TABLES}.get(modality, PICTURES)
    return {path.stem.removesuffix(".csv"): path for path in files_in(folder, suffixes)}


def _group(name: str, block: int) -> str:
    """Return what ``name`` shares with its neighbours in a film.

    >>> _group("FLIR_00455", 100), _group("FLIR_00455", 1), _group("man", 100)
    ('FLIR_ 4', 'FLIR_ 455', 'man')
    """
    text = name.rstrip("0123456789")
    number = name[len(text) :]
    return f"{text} {int(number) // block}" if number else name
