"""Pairs from folders: files of two senses with one name, files with captions, and sets in their published layout."""

from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from operators.encoders.files import clips_of
from operators.sets.item import Item
from operators.sets.pairs import named
from operators.sets.pairs import paired as paired_files
from operators.sets.reading import rows_of
from pipeline.commands.bind.found import TEXT, Found, Wanted, paired
from pipeline.commands.sets import items_of
from pipeline.config import STREAMS, Sense

COLUMNS = ("file", "caption", "label")


class Pairs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder with a folder for each sense, in which files of one name belong together.

    They are called as the senses, or as ``folders`` says. Of names that end in a number, such as frames of a film,
    ``block`` numbers are a group, which is not torn between learning and testing.
    """

    kind: Literal["pairs"] = "pairs"
    path: str
    folders: dict[Sense, str] = {}
    block: Annotated[int, Meta(ge=1)] = 1

    def find(self, wanted: Wanted) -> list[Found]:
        """Return the pairs. Raise ValueError if a folder is missing, or nothing has one name."""
        if wanted.anchor == TEXT:
            raise ValueError("files of two senses say nothing in words; the anchor of such pairs is not text")
        _only_files(wanted)
        folder = Path(self.path)
        places = {sense: self.folders.get(sense, sense) for sense in wanted.senses}
        if missing := [place for place in places.values() if not (folder / place).is_dir()]:
            raise ValueError(f"{folder / missing[0]}: there is no such folder")
        items = paired_files(folder, places, self.block)
        names = {sense: set(named(folder / place, sense)) for sense, place in places.items()}
        found = {item.name for item in items}
        alone = {f"{places[sense]} without its other half": len(of - found) for sense, of in names.items()}
        return [paired(f"pairs {folder}", items, wanted, +Counter(alone))]


class Captioned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of files and a table with the columns ``file`` and ``caption`` or ``label``, or both."""

    kind: Literal["captioned"] = "captioned"
    path: str
    table: str = "captions.csv"

    def find(self, wanted: Wanted) -> list[Found]:
        """Return the files that are there and have words. Raise ValueError if the table is not there, or is none."""
        if wanted.anchor != TEXT:
            raise ValueError(f'files with captions have no {wanted.anchor}; they are bound by anchor = "text"')
        _only_files(wanted)
        folder, refused = Path(self.path), Counter[str]()
        items: dict[str, Item] = {}
        for row in _rows(folder / self.table):
            path = folder / row["file"]
            if not path.is_file():
                refused["rows whose file is not there"] += 1
                continue
            before = items.get(row["file"])
            captions = (*(before.captions if before else ()), *filter(None, [row["caption"]]))
            senses = {wanted.modality: partial(clips_of, path, wanted.modality)}
            items[row["file"]] = Item(name=str(path), senses=senses, label=row["label"], captions=captions)
        return [paired(f"captioned {folder}", items.values(), wanted, refused)]


class Published(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A set that `rigbind eval` lists, in its published layout."""

    kind: Literal["set"] = "set"
    name: str
    path: str

    def find(self, wanted: Wanted) -> list[Found]:
        """Return its pairs. Raise ValueError for a set that is not known, InputError for a folder that is not it."""
        return [paired(f"set {self.name} {self.path}", items_of(self.name, Path(self.path)), wanted)]


def _only_files(wanted: Wanted) -> None:
    if own := [sense for sense in wanted.senses if sense not in STREAMS]:
        raise ValueError(f"what files hold of {own[0]} nobody knows; pairs of a modality of your own are in recordings")


def _rows(table: Path) -> list[dict[str, str]]:
    """Return the rows with file, caption and label, of which one is empty where the table has no such column."""
    for columns in (COLUMNS, COLUMNS[:2]):
        with suppress(ValueError):
            return [dict.fromkeys(COLUMNS, "") | row for row in rows_of(table, columns)]
    return [row | {"caption": ""} for row in rows_of(table, ("file", "label"))]
