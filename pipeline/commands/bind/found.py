"""What a source has for a binding, and what it was asked for."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct

from operators.sets.item import Item

TEXT = "text"
"""The anchor that is sentences."""

BETWEEN = "windows in the gap between two blocks"
"""Why they are neither learned from nor tested on."""

Tell = Callable[[str, int, int], None]
"""Hears what is being read, how much of it is done, and how much there is."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Pairs of ``anchor`` and ``modality``. What took long to cut is kept in a folder ``kept``."""

    anchor: str
    modality: str
    kept: Path
    tell: Tell = lambda what, done, of: None

    @property
    def senses(self) -> tuple[str, ...]:
        """Those that have to be recorded."""
        return (self.modality,) if self.anchor == TEXT else (self.anchor, self.modality)


class Found(Struct, frozen=True, kw_only=True):
    """The pairs of one source, and by cause how many things in it are none."""

    source: str
    items: list[Item]
    refused: Counter[str]


def paired(source: str, items: Iterable[Item], wanted: Wanted, refused: Counter[str] | None = None) -> Found:
    """Return those of ``items`` that have both sides, and count the others beside what was ``refused`` before."""
    pairs, causes = [], Counter(refused or {})
    for item in items:
        if lacking := [sense for sense in wanted.senses if sense not in item.senses]:
            causes[f"without {' and '.join(lacking)}"] += 1
        elif wanted.anchor == TEXT and not (item.captions or item.label):
            causes["nothing says what it is"] += 1
        else:
            pairs.append(item)
    return Found(source=source, items=pairs, refused=causes)


def block_of(at_s: float, block_s: float, gap_s: float) -> int | None:
    """Return the number of the block that this time is in; None in the gap at its end, which no block has.

    >>> [block_of(at_s, 60, 10) for at_s in (0, 49, 50, 60)]
    [0, 0, None, 1]
    """
    return None if at_s % block_s >= block_s - gap_s else int(at_s // block_s)
