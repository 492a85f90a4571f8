"""ESC-50 (Piczak, ACM MM 2015): 2000 sounds of five seconds, 50 classes in five folds; as published.

``meta/esc50.csv`` has ``filename, fold, category``, the sounds are in ``audio/``. Takes of one recording are a group.
"""

from functools import partial
from pathlib import Path

from operators.encoders.files import clips_of
from operators.sets.audio_esc10 import recording_of
from operators.sets.item import Item
from operators.sets.reading import any_there, rows_of, words


def items(folder: Path) -> list[Item]:
    """Return the sounds that ``meta/esc50.csv`` lists. Raise ValueError if ``folder`` is no such set."""
    rows = rows_of(folder / "meta" / "esc50.csv", ("filename", "fold", "category"))
    any_there(folder / "audio", [row["filename"] for row in rows])
    return [
        Item(
            name=row["filename"],
            senses={"audio": partial(clips_of, folder / "audio" / row["filename"], "audio")},
            label=words(row["category"]),
            group=recording_of(row["filename"]),
        )
        for row in rows
    ]
