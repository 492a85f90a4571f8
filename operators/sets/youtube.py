"""Cuts of films that somebody fetched from YouTube: which file is which."""

import re
from collections import defaultdict
from pathlib import Path

from operators.encoders.files import FILMS, SOUNDS

NAME = re.compile(r"Y?(?P<id>[A-Za-z0-9_-]{11})(?:_(?P<start>\d+(?:\.\d+)?)(?:_.*)?)?")
"""The eleven signs of a film, perhaps after a Y; perhaps followed by where the cut starts, in s or ms."""

Cuts = dict[str, list[tuple[str, Path]]]
"""Where a cut starts, as it is written or empty, and its file; by film."""


def cuts_in(folder: Path) -> Cuts:
    """Return every sound and film below ``folder``, sounds first: they need less to be read."""
    found: Cuts = defaultdict(list)
    for suffixes in (SOUNDS, FILMS):
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes):
            if match := NAME.fullmatch(path.stem):
                found[match["id"]].append((match["start"] or "", path))
    return found


def cut_of(cuts: Cuts, film: str, start_s: float, suffixes: tuple[str, ...] = (*SOUNDS, *FILMS)) -> Path | None:
    """Return the cut of ``film`` at this second, or one that does not say where it starts; None if there is none.

    >>> cut_of({"-0RWZT-miFs": [("420", Path("a.wav"))]}, "-0RWZT-miFs", 420.0)
    PosixPath('a.wav')
    """
    for start, path in cuts.get(film, []):
        if path.suffix.lower() in suffixes and (not start or float(start) in (start_s, start_s * 1000)):
            return path
    return None
