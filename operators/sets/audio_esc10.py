"""ESC-10 (Piczak 2015): ten kinds of sound, five seconds each, in five folds.

``labels.csv`` has ``file, fold, label``, the sounds are in ``clips/``. A file is called FOLD-RECORDING-TAKE, and takes
of one recording are one group.
"""

from functools import partial
from pathlib import Path

from operators.encoders.files import clips_of
from operators.sets.item import Item
from operators.sets.reading import any_there, rows_of, words

SENTENCES = {
    "dog bark": ("a dog barking",),
    "rain": ("rain falling",),
    "sea waves": ("waves of the sea", "surf on the beach"),
    "baby cry": ("a baby crying",),
    "clock tick": ("a clock ticking",),
    "person sneeze": ("a person sneezing",),
    "helicopter": ("a helicopter flying",),
    "chainsaw": ("a chainsaw running",),
    "rooster": ("a rooster crowing",),
    "fire crackling": ("a crackling fire",),
}
"""What each class is called in a sentence."""


def items(folder: Path) -> list[Item]:
    """Return the sounds that ``labels.csv`` lists. Raise ValueError if ``folder`` is no such set."""
    rows = rows_of(folder / "labels.csv", ("file", "fold", "label"))
    any_there(folder / "clips", [row["file"] for row in rows])
    return [
        Item(
            name=row["file"],
            senses={"audio": partial(clips_of, folder / "clips" / row["file"], "audio")},
            label=words(row["label"]),
            group=recording_of(row["file"]),
        )
        for row in rows
    ]


def recording_of(file: str) -> str:
    """Return the recording that a sound of ESC was cut from.

    >>> recording_of("1-172649-B.ogg")
    '172649'
    """
    parts = Path(file).stem.split("-")
    return parts[1] if len(parts) > 2 else Path(file).stem
