"""AudioSet (Gemmeke et al., ICASSP 2017): ten seconds of YouTube with any of 527 labels; lists as published.

``class_labels_indices.csv`` (``index, mid, display_name``) and one or more ``*_segments.csv`` (``YTID, start_seconds,
end_seconds, positive_labels``; lines that begin with # are remarks). Sounds and films, which everybody fetches, lie
anywhere below, called ``[Y]YTID[_START…]``. What is not there is no item.
"""

import csv
from functools import partial
from pathlib import Path

from operators.encoders.files import FILMS, clips_of
from operators.sets.item import Item
from operators.sets.reading import rows_of, some
from operators.sets.youtube import cut_of, cuts_in

SPLITS = ("eval", "balanced_train", "unbalanced_train")


def classes(folder: Path) -> dict[str, str]:
    """Return what each class is called, by its mid, in the order of the indices."""
    rows = rows_of(folder / "class_labels_indices.csv", ("index", "mid", "display_name"))
    return {row["mid"]: row["display_name"] for row in rows}


def items(folder: Path, split: str = "") -> list[Item]:
    """Return the segments of ``split``, or of the first that is there, that have a file.

    Captions are the display names of all their classes, and the label is the first of these. Raise ValueError if
    ``folder`` is no such set.
    """
    names, cuts = classes(folder), cuts_in(folder)
    lists = [folder / f"{name}_segments.csv" for name in ((split,) if split else SPLITS)]
    listed = next((path for path in lists if path.is_file()), lists[0])
    found = []
    for film, start, _, mids in _segments(listed):
        sound = cut_of(cuts, film, float(start))
        if sound is None:
            continue
        senses = {"audio": partial(clips_of, sound, "audio")}
        if (seen := cut_of(cuts, film, float(start), FILMS)) is not None:
            senses["vision"] = partial(clips_of, seen, "vision")
        told = tuple(names[mid] for mid in mids.split(",") if mid in names)
        found.append(
            Item(name=f"{film}_{start}", senses=senses, label=told[0] if told else "", captions=told, group=film)
        )
    return some(found, folder, f"sound or film of a segment of {listed.name}, called YTID or YTID_START")


def _segments(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = (line for line in file if line.strip() and not line.startswith("#"))
            rows = list(csv.reader(lines, skipinitialspace=True))
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, and this set has one") from error
    for number, row in enumerate(rows, 1):
        if len(row) != 4 or not row[1].replace(".", "", 1).isdecimal():
            raise ValueError(
                f"{path}: segment {number} is not YTID, start_seconds, end_seconds, positive_labels: {row}"
            )
    return rows
