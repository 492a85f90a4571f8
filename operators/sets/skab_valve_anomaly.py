"""SKAB (Katser and Kozitsin 2020, doi 10.34740/kaggle/dsv/1693952): a water circuit whose valves and pump are tampered
with; 8 numbers at 1 Hz.

``valve1``, ``valve2`` and ``other`` hold a run each file, ``;`` between columns, with ``anomaly`` 0 or 1.
``anomaly-free`` is passed over: it is of another day and has no truth.
"""

from pathlib import Path

import numpy as np

from operators.sets.recording import Recording, number, packed_rows

COLUMNS = (
    "Accelerometer1RMS",
    "Accelerometer2RMS",
    "Current",
    "Pressure",
    "Temperature",
    "Thermocouple",
    "Voltage",
    "Volume Flow RateRMS",
)
TRUTH = "anomaly"
CALM = 400
"""Readings at the start of a run that may be learned from, as the set's own benchmark has it."""


def recordings(folder: Path) -> list[Recording]:
    """Return the runs. Raise ValueError if ``folder`` is no such set."""
    paths = sorted(path for place in ("other", "valve1", "valve2") for path in folder.glob(f"{place}/*.csv*"))
    if not paths:
        raise ValueError(f"{folder}: there is no other/*.csv, valve1/*.csv nor valve2/*.csv, and this set has some")
    return [_run(folder, path) for path in paths]


def _run(folder: Path, path: Path) -> Recording:
    rows = list(packed_rows(path, (*COLUMNS, TRUTH), ";"))
    if len(rows) <= CALM:
        raise ValueError(f"{path}: {len(rows)} rows, and the first {CALM} of a run are learned from")
    return Recording(
        name=str(path.relative_to(folder)).partition(".")[0],
        rate_hz=1.0,
        columns=COLUMNS,
        values=np.array([[number(row[column]) for column in COLUMNS] for row in rows]),
        is_wrong=np.array([number(row[TRUTH]) > 0 for row in rows]),
    )
