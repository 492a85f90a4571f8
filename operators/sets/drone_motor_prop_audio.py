"""The sound of a brushless motor with its propeller and without (grigoriev-vladimir/drone-audio-dataset): 2 s, 48 kHz.

``prop/*.wav`` and ``no_prop/*.wav``; every file is a recording of its own, all of one day.
"""

from functools import partial
from pathlib import Path

from operators.encoders.files import SOUNDS, clips_of
from operators.sets.item import Item
from operators.sets.reading import files_in

SENTENCES = {
    "prop": ("a drone flying", "the buzzing of a propeller", "a propeller in the wind"),
    "no prop": ("an electric motor whirring", "the whine of a small electric motor"),
}


def items(folder: Path) -> list[Item]:
    """Return the sounds of both folders. Raise ValueError if ``folder`` is no such set."""
    return [
        Item(
            name=f"{place}/{path.name}",
            senses={"audio": partial(clips_of, path, "audio")},
            label=place.replace("_", " "),
            group=path.stem,
        )
        for place in ("no_prop", "prop")
        for path in files_in(folder / place, SOUNDS)
    ]
