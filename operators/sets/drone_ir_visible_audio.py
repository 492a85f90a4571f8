"""Drone detection (Svanström et al., ICPR 2020): what flies, filmed by a thermal camera and a camera, and its sound.

``video_ir/IR_CLASS_NUMBER.mp4``, ``video_v/V_CLASS_NUMBER.mp4`` and ``audio/CLASS_NUMBER.wav`` (or ``.flac``) hold
one class each; ``labels.csv`` (``file, modality, label``), where there is one, has the last word. The senses were not
recorded together: they are paired by nothing but the class. Each file is a group.
"""

import re
from functools import partial
from pathlib import Path

from operators.encoders.files import FILMS, SOUNDS, clips_of
from operators.sets.item import Item
from operators.sets.reading import film, rows_of, some, words

PLACES = {"thermal": ("video_ir", FILMS), "vision": ("video_v", FILMS), "audio": ("audio", SOUNDS)}

SENTENCES = {
    "airplane": ("an airplane in the sky", "a jet airplane", "a plane flying by"),
    "bird": ("a bird in the sky", "a flying bird", "a seagull"),
    "drone": ("a drone in the sky", "a quadcopter", "a small drone hovering"),
    "helicopter": ("a helicopter in the sky", "a helicopter flying", "a helicopter with its rotor"),
}
"""What is seen."""

HEARD = {
    "drone": ("a drone buzzing", "the buzzing propellers of a quadcopter", "a small electric motor whirring"),
    "helicopter": ("a helicopter flying", "the rotor of a helicopter chopping"),
    "background": ("wind", "birds and rustling leaves", "quiet background noise outdoors"),
}
"""What is heard."""

NAME = re.compile(r"(?:IR_|V_)?([A-Za-z]+(?:_[A-Za-z]+)*)_\d+")


def items(folder: Path) -> list[Item]:
    """Return the films and sounds. Raise ValueError if ``folder`` is no such set."""
    told = _told(folder / "labels.csv")
    found = []
    for modality, (place, suffixes) in PLACES.items():
        for path in sorted(path for path in (folder / place).glob("*") if path.suffix.lower() in suffixes):
            name = f"{place}/{path.name}"
            named = NAME.fullmatch(path.stem)
            if name in told or named:
                read = partial(clips_of if modality == "audio" else film, path, modality)
                label = told.get(name) or words(named[1] if named else "")
                found.append(Item(name=name, senses={modality: read}, label=label, group=name))
    return some(found, folder, "video_ir/IR_CLASS_NUMBER.mp4, video_v/V_CLASS_NUMBER.mp4 or audio/CLASS_NUMBER.wav")


def _told(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {row["file"]: words(row["label"]) for row in rows_of(path, ("file", "label")) if row["label"]}
