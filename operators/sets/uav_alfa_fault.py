"""ALFA (Keipour et al. 2021, doi 10.1177/0278364920966642): a fixed-wing aircraft whose engine or control surfaces
fail in flight; 20 Hz.

``KIND/FLIGHT.csv.gz``. ``field.data`` is 0 until the failure, and is not in flights without one: it is the truth and
never a reading. Some rows lack it; nothing is repaired in flight, so that what failed stays so.
"""

import re
from pathlib import Path

import numpy as np

from operators.sets.recording import Recording, number, packed_rows, table_files
from pipeline.messages import Array

RATE_HZ = 20.0

TURNS = ("field.orientation.x", "field.orientation.y")
MOTION = tuple(f"field.{kind}.{axis}" for kind in ("angular_velocity", "linear_acceleration") for axis in "xyz")
ERRORS = ("field.alt_error", "field.aspd_error", "delta_pitch", "delta_roll", "delta_z")
COLUMNS = TURNS + MOTION + ERRORS

READINGS = ("upright", *MOTION, *ERRORS)
"""What the aircraft feels, and how far it is from what its autopilot wants. Headings and places on the map tell the
route. Of the orientation, a quaternion without its w, all but ``upright`` turns with the heading and changes its sign
in flight."""

TRUTH = "field.data"
TAKEOFF = re.compile(r"\d{4}(-\d\d){5}")


def recordings(folder: Path) -> list[Recording]:
    """Return the flights. Raise ValueError if ``folder`` is no such set."""
    return [_flight(folder, path) for path in table_files(folder, "*/*.csv*")]


def takeoff(name: str) -> str:
    """Return what all parts of one flight have in common: when it took off, or the name itself.

    >>> takeoff("rudder/carbonZ_2018-09-11-15-06-34_3_rudder_left_failure")
    '2018-09-11-15-06-34'
    """
    found = TAKEOFF.search(name)
    return found.group() if found else name


def _flight(folder: Path, path: Path) -> Recording:
    rows = list(packed_rows(path, COLUMNS))
    if not rows:
        raise ValueError(f"{path}: there is no row in it")
    values = np.array([[number(row[column]) for column in COLUMNS] for row in rows])
    turns, others = np.split(values, [len(TURNS)], 1)
    return Recording(
        name=str(path.relative_to(folder)).partition(".")[0],
        rate_hz=RATE_HZ,
        columns=READINGS,
        values=np.column_stack([upright(turns), others]),
        is_wrong=np.maximum.accumulate([number(row.get(TRUTH)) > 0 for row in rows]),
    )


def upright(turns_T2: Array) -> Array:
    """Return (T,): the cosine of the angle between the aircraft's up and the vertical, by x and y of a quaternion.

    >>> upright(np.array([[0, 0], [np.sqrt(0.25), np.sqrt(0.25)], [1, 0]])).tolist()
    [1.0, 0.0, -1.0]
    """
    cosines: Array = 1 - 2 * (turns_T2**2).sum(1)
    return cosines
