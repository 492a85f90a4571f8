"""ALFA (Keipour et al. 2021, doi 10.1177/0278364920966642): a fixed-wing aircraft whose engine or control surfaces
fail in flight; 20 Hz.

``KIND/FLIGHT.csv.gz``. ``field.data`` is 0 until the failure, and is not in flights without one: it is the truth and
never a reading. Some rows lack it; nothing is repaired in flight, so that what failed stays so.
"""

from pathlib import Path

import numpy as np

from operators.sets.recording import Recording, number, packed_rows, table_files

RATE_HZ = 20.0

MOTION = tuple(
    f"field.{kind}.{axis}" for kind in ("orientation", "angular_velocity", "linear_acceleration") for axis in "xyz"
)
ERRORS = ("field.alt_error", "field.aspd_error", "delta_pitch", "delta_roll", "delta_z")
COLUMNS = MOTION + ERRORS
"""What the aircraft feels, and how far it is from what its autopilot wants. Headings and places on the map tell the
route."""

TRUTH = "field.data"


def recordings(folder: Path) -> list[Recording]:
    """Return the flights. Raise ValueError if ``folder`` is no such set."""
    return [_flight(folder, path) for path in table_files(folder, "*/*.csv*")]


def _flight(folder: Path, path: Path) -> Recording:
    rows = list(packed_rows(path, COLUMNS))
    if not rows:
        raise ValueError(f"{path}: there is no row in it")
    return Recording(
        name=str(path.relative_to(folder)).partition(".")[0],
        rate_hz=RATE_HZ,
        columns=COLUMNS,
        values=np.array([[number(row[column]) for column in COLUMNS] for row in rows]),
        is_wrong=np.maximum.accumulate([number(row.get(TRUTH)) > 0 for row in rows]),
    )
