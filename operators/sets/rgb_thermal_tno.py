"""TNO Image Fusion (Toet 2014, figshare 1008029): registered pictures, by day and night, of a camera and a thermal one.

``vi/NAME.png`` and ``ir/NAME.png`` are one scene.
"""

from pathlib import Path

from operators.sets.item import Item
from operators.sets.pairs import paired


def items(folder: Path) -> list[Item]:
    """Return the pairs. Raise ValueError if ``folder`` is no such set."""
    return paired(folder, {"vision": "vi", "thermal": "ir"})
