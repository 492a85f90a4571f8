"""Two folders whose files belong together by name: what one camera saw, and what another one saw of it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from operators.encoders.files import PICTURES, clips_of
from operators.sets.item import Item
from operators.sets.reading import files_in


def paired(folder: Path, places: Mapping[str, str], block: int = 1) -> list[Item]:
    """Return an item per name that every one of ``places``, folders by modality, has a picture of.

    Names that end in a number are frames of a film: ``block`` of these numbers are a group. Raise ValueError if a
    folder is missing, or nothing is paired.
    """
    pictures = {
        modality: {path.stem: path for path in files_in(folder / place, PICTURES)} for modality, place in places.items()
    }
    names = sorted(set.intersection(*(set(of_place) for of_place in pictures.values())))
    if not names:
        raise ValueError(f"{folder}: no picture has the same name in {' and '.join(places.values())}")
    return [
        Item(
            name=name,
            senses={modality: partial(clips_of, paths[name], modality) for modality, paths in pictures.items()},
            group=_group(name, block),
        )
        for name in names
    ]


def _group(name: str, block: int) -> str:
    """Return what ``name`` shares with its neighbours in a film.

    >>> _group("FLIR_00455", 100), _group("FLIR_00455", 1), _group("man", 100)
    ('FLIR_ 4', 'FLIR_ 455', 'man')
    """
    text = name.rstrip("0123456789")
    number = name[len(text) :]
    return f"{text} {int(number) // block}" if number else name
