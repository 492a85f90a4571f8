"""RoadScene (Xu et al., AAAI 2020): registered pictures of a camera and a thermal camera on a car, 8 bits.

``visible/NAME.jpg`` and ``infrared/NAME.jpg`` are one moment. They are frames of the films of FLIR ADAS, so neighbours
in number, a hundred at a time, are one group.
"""

from pathlib import Path

from operators.sets.item import Item
from operators.sets.pairs import paired

BLOCK = 100


def items(folder: Path) -> list[Item]:
    """Return the pairs. Raise ValueError if ``folder`` is no such set."""
    return paired(folder, {"vision": "visible", "thermal": "infrared"}, BLOCK)
