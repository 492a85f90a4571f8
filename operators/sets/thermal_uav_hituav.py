"""HIT-UAV (Suo et al., Scientific Data 2023): persons and vehicles from a drone, thermal, 640 × 512, 8 bits.

``images/`` and ``annotations_coco.json``, whose list of boxes is called ``annotation``. A box is shown with twice its
size around it, since a person is 14 × 19 pixels. Beside every person and car a box of the same size is taken where
nothing is: the class "background". Pictures are called DAYNIGHT_ALTITUDE_ANGLE_WEATHER_NUMBER, and those that share
all but the number are a group: they may be of one flight.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Meta, Struct, field

from operators.encoders.stills import thermal_of
from operators.sets.crops import Box, cut, elsewhere, square
from operators.sets.item import Item
from operators.sets.reading import any_there, some, still
from pipeline.messages import Array, Clip

CONTEXT = 2.0

SENTENCES = {
    "person": ("a person", "a pedestrian", "people walking"),
    "car": ("a car", "a vehicle", "a parked car"),
    "background": ("empty ground", "nothing", "grass and trees", "a road"),
}

COUNTED = ("person", "car")
"""Classes that background is taken for, and that are told apart."""


class _Picture(Struct):
    id: int
    width: int
    height: int
    filename: str = ""
    file_name: str = ""  # as COCO has it


class _Category(Struct):
    id: int
    name: str


class _Annotation(Struct):
    image_id: int
    category_id: int
    bbox: Annotated[list[float], Meta(min_length=4, max_length=4)]


class _Annotations(Struct):
    images: list[_Picture]
    categories: list[_Category]
    annotation: list[_Annotation] = []
    annotations: list[_Annotation] = field(default_factory=list)  # as COCO has it


def items(folder: Path) -> list[Item]:
    """Return the crops, background included. Raise ValueError if ``folder`` is no such set."""
    path = folder / "annotations_coco.json"
    try:
        told = msgspec.json.decode(path.read_bytes(), type=_Annotations)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, and this set has one") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: no annotations in COCO's form: {error}") from error
    names = {category.id: category.name.lower() for category in told.categories}
    boxes: dict[int, list[tuple[str, Box]]] = defaultdict(list)
    for one in told.annotation or told.annotations:
        left, top, width, height = one.bbox
        boxes[one.image_id].append((names.get(one.category_id, "other"), (left, top, width, height)))
    found = [item for picture in told.images for item in _crops(folder / "images", picture, boxes[picture.id])]
    any_there(folder / "images", [_name(picture) for picture in told.images])
    return some(found, folder, "box in annotations_coco.json")


def _crops(folder: Path, picture: _Picture, boxes: list[tuple[str, Box]]) -> Iterator[Item]:
    path = folder / _name(picture)
    rng = np.random.default_rng(crc32(path.name.encode()))
    taken = [box for _, box in boxes]
    for number, (label, box) in enumerate(boxes):
        if label != "dontcare":
            yield _item(path, f"{number}", label, box)
        if label in COUNTED:
            empty = elsewhere(box[2:], taken, (picture.height, picture.width), CONTEXT, rng)
            if empty:
                yield _item(path, f"{number} background", "background", empty)


def _item(path: Path, name: str, label: str, box: Box) -> Item:
    return Item(
        name=f"{path.name} {name}",
        senses={"thermal": partial(_crop, path, square(box, CONTEXT))},
        label=label,
        group=path.stem.rpartition("_")[0] or path.stem,
    )


def _crop(path: Path, box: Box) -> list[Clip]:
    return still(str(path), "thermal", cut(_thermal(path), box))


@lru_cache(4)
def _thermal(path: Path) -> Array:
    """Keep the pictures that were read last: all crops of one follow each other."""
    return thermal_of(path)


def _name(picture: _Picture) -> str:
    return picture.filename or picture.file_name
