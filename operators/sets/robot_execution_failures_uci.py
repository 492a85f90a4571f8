"""Robot Execution Failures (Lopes and Camarinha-Matos 1998, UCI): force and torque in 15 readings over 315 ms, of
moves that went well or did not.

``lpN.data.txt``: a class, and 15 lines of six whole numbers, ``Fx Fy Fz Tx Ty Tz``; ``normal`` and ``ok`` went well.
"""

import re
from pathlib import Path

import numpy as np

from operators.sets.recording import Recording, table_files

WELL = ("normal", "ok")
READINGS = 15
RATE_HZ = READINGS / 0.315


def recordings(folder: Path) -> list[Recording]:
    """Return the moves, named by problem and number. Raise ValueError if ``folder`` is no such set.

    A move that a problem before has as well, as all of lp3 are in lp2 under other classes, is left out.
    """
    first: dict[bytes, Recording] = {}
    for path in table_files(folder, "lp*.data*"):
        for move in _moves(path):
            first.setdefault(move.values.tobytes(), move)
    return list(first.values())


def _moves(path: Path) -> list[Recording]:
    problem = path.name.partition(".")[0]
    try:
        blocks = re.split(r"\n\s*\n", path.read_text().strip())
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: no text: {error}") from error
    return [_move(path, f"{problem}/{place}", block) for place, block in enumerate(blocks) if block.strip()]


def _move(path: Path, name: str, block: str) -> Recording:
    head, *lines = block.strip().splitlines()
    try:
        values = np.array([[float(word) for word in line.split()] for line in lines])
    except ValueError as error:
        raise ValueError(f"{path}: {name}: {error}") from error
    if values.shape != (READINGS, 6):
        raise ValueError(f"{path}: {name} after {head!r} is not {READINGS} lines of six numbers")
    return Recording(
        name=name,
        rate_hz=RATE_HZ,
        columns=("Fx", "Fy", "Fz", "Tx", "Ty", "Tz"),
        values=values,
        is_wrong=np.full(READINGS, head.strip() not in WELL),
    )
