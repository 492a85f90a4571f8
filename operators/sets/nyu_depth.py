"""NYU Depth v2 (Silberman et al., ECCV 2012) as SUN RGB-D republished it: ``kv1/NYUdata/NYU0001`` and so on.

A folder of SUN RGB-D is one, and so is one that holds the scenes of ``NYUdata`` alone. The nine commonest kinds of
room are classes, and all others are "other" (Gupta et al., IJCV 2015).
"""

from pathlib import Path

from msgspec.structs import replace

from operators.sets import sun_rgbd
from operators.sets.item import Item
from operators.sets.reading import some

CLASSES = (
    *("bathroom", "bedroom", "bookstore", "classroom", "dining room", "home office", "kitchen", "living room"),
    "office",
)

OTHERS = (
    *("basement", "cafe", "computer lab", "conference room", "dinette", "exercise room", "foyer", "furniture store"),
    *("home storage", "indoor balcony", "laundry room", "office kitchen", "playroom", "printer room"),
    *("reception room", "student lounge", "study", "study room"),
)
"""What "other" is called."""


def items(folder: Path, split: str = "test") -> list[Item]:
    """Return the rooms of ``split``, test or train, with picture and depth; raise ValueError for no such set."""
    rooms = [item for item in sun_rgbd.items(folder, split) if "NYU" in item.name.replace("\\", "/")]
    found = [replace(item, label=item.label if item.label in CLASSES else "other") for item in rooms]
    return some(found, folder, "scene below kv1/NYUdata")
