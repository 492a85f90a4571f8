"""LLVIP (Jia et al., ICCVW 2021): registered pictures of a camera and a thermal camera, by night, with persons boxed.

As published: ``visible/SPLIT/*.jpg``, ``infrared/SPLIT/*.jpg`` of the same names, and ``Annotations/*.xml``. Frames of
one film follow each other in number: the first two of its six digits are a group.
"""

from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from xml.etree import ElementTree
from zlib import crc32

import numpy as np

from operators.encoders.files import PICTURES
from operators.encoders.stills import picture_of, thermal_of
from operators.sets.crops import Box, cut, elsewhere, square
from operators.sets.item import Item
from operators.sets.pairs import paired
from operators.sets.reading import files_in, some, still
from pipeline.messages import Array, Clip

BLOCK = 10_000

PERSON = ("person", "man", "woman", "people")
BACKGROUND = ("street", "road", "car", "light", "tree")
"""What the two classes are called (arXiv 2305.05665, appendix A)."""

SENTENCES = {"person": PERSON, "background": BACKGROUND}


def pairs(folder: Path, split: str = "train") -> list[Item]:
    """Return the whole pictures of ``split`` with their thermal ones, to learn from."""
    return paired(folder, {"vision": f"visible/{split}", "thermal": f"infrared/{split}"}, BLOCK)


def items(folder: Path, split: str = "test") -> list[Item]:
    """Return every person of ``split`` as a square, and beside it a place of the same size where nobody is.

    Raise ValueError if ``folder`` is no such set.
    """
    if not (folder / "Annotations").is_dir():
        raise ValueError(f"{folder}: there is no folder Annotations/, and this set has one")
    found = [item for path in files_in(folder / "infrared" / split, PICTURES) for item in _crops(folder, split, path)]
    return some(found, folder, f"person in Annotations/ of a picture in infrared/{split}/")


def _crops(folder: Path, split: str, path: Path) -> Iterator[Item]:
    boxes, shape = _annotated(folder / "Annotations" / f"{path.stem}.xml")
    rng = np.random.default_rng(crc32(path.stem.encode()))
    for number, box in enumerate(boxes):
        yield _item(folder, split, path, f"{number}", "person", box)
        if (empty := elsewhere(box[2:], boxes, shape, 1.0, rng)) is not None:
            yield _item(folder, split, path, f"{number} background", "background", empty)


def _item(folder: Path, split: str, path: Path, name: str, label: str, box: Box) -> Item:
    senses = {"thermal": partial(_crop, "thermal", path, square(box, 1.0))}
    seen = folder / "visible" / split / path.name
    if seen.is_file():
        senses["vision"] = partial(_crop, "vision", seen, square(box, 1.0))
    return Item(name=f"{path.name} {name}", senses=senses, label=label, group=path.stem[:2])


def _annotated(path: Path) -> tuple[list[Box], tuple[int, int]]:
    """Return the persons' boxes and the rows and columns of their picture; nobody without the file."""
    if not path.is_file():
        return [], (0, 0)
    try:
        root = ElementTree.parse(path).getroot()
        shape = _number(root, "size/height"), _number(root, "size/width")
        corners = [
            [_number(one, f"bndbox/{name}") for name in ("xmin", "ymin", "xmax", "ymax")] for one in root.iter("object")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise ValueError(f"{path}: no annotation in VOC's form: {error}") from error
    return [(left, top, max(right - left, 1), max(bottom - top, 1)) for left, top, right, bottom in corners], shape


def _number(node: ElementTree.Element, place: str) -> int:
    text = node.findtext(place)
    if text is None:
        raise ValueError(f"there is no {place}")
    return round(float(text))


def _crop(modality: str, path: Path, box: Box) -> list[Clip]:
    return still(str(path), modality, cut(_picture(modality, path), box))


@lru_cache(4)
def _picture(modality: str, path: Path) -> Array:
    """Keep the pictures that were read last: all crops of one follow each other."""
    return thermal_of(path) if modality == "thermal" else picture_of(path)
