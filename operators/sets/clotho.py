"""Clotho (Drossos et al., ICASSP 2020): sounds of 15 to 30 s with five captions each; as published.

``clotho_captions_SPLIT.csv`` has ``file_name, caption_1 … caption_5``, the sounds of a split are in ``SPLIT/``.
"""

from functools import partial
from pathlib import Path

from operators.encoders.files import clips_of
from operators.sets.item import Item
from operators.sets.reading import any_there, rows_of

SPLITS = ("evaluation", "validation", "development")
CAPTIONS = tuple(f"caption_{number}" for number in range(1, 6))


def items(folder: Path, split: str = "") -> list[Item]:
    """Return the sounds of ``split``, or of the first that is there: evaluation, validation, development.

    Raise ValueError if ``folder`` is no such set.
    """
    there = [name for name in SPLITS if (folder / f"clotho_captions_{name}.csv").is_file()]
    split = split or next(iter(there), SPLITS[0])
    rows = rows_of(folder / f"clotho_captions_{split}.csv", ("file_name", *CAPTIONS))
    any_there(folder / split, [row["file_name"] for row in rows])
    return [
        Item(
            name=f"{split}/{row['file_name']}",
            senses={"audio": partial(clips_of, folder / split / row["file_name"], "audio")},
            captions=tuple(row[column] for column in CAPTIONS if row[column]),
            group=row["file_name"],
        )
        for row in rows
    ]
