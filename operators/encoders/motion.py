"""Inertial measurements from tables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from operators.encoders.table import table_of
from pipeline.messages import NS, Array, Calibration

SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
ACCELERATION_UNITS = dict.fromkeys(["", "m_s2", "m_s_2", "ms2", "mps2"], "m/s2") | {"g": "g"}
ROTATION_UNITS = dict.fromkeys(["", "rad", "rad_s", "rads"], "rad/s") | dict.fromkeys(
    ["deg", "deg_s", "degs", "dps"], "deg/s"
)

ORDER = ("time_s", "ax", "ay", "az", "gx", "gy", "gz")
"""Of columns that have no names; the last three may be missing."""

NAME = re.compile(
    r"(.*_)?((?P<time>time|timestamp|stamp|seconds|t)"
    r"|((?P<acceleration>a|acc|accl|accel|acceleration|accelerometer|linear_acceleration)"
    r"|(?P<rotation>g|w|gyr|gyro|gyroscope|omega|rotation|angular_velocity))_?(?P<axis>[xyz]))(_(?P<unit>.+))?"
)
"""Of names in small letters in which all else is an underscore."""


class Motion(Struct, frozen=True):
    """Readings by time: ``stamps`` (T,) int64, nanoseconds rising from 0, ``readings`` (T, 6) or (T, 3) float64."""

    stamps: Array
    readings: Array
    calibration: Calibration  # their units


class Column(Struct, frozen=True):
    """What a column holds: ``place`` is 0 to 5 in ax ay az gx gy gz, and -1 for the time."""

    place: int
    unit: str


def motion_of(path: Path) -> Motion:
    """Read a table: a column of time, three of acceleration and perhaps three of rotation; others are passed over.

    Columns are known by their names, as ``time_s``, ``ax``, ``linear_acceleration.x`` or ``gyro_x (deg/s)``, and so are
    units: s, ms, us, ns; m/s2, g; rad/s, deg/s; without one they are the first of these. Lines need not be in the
    order of time; a reading that is not there is NaN, and a line without any is passed over. Raise ValueError for a
    table without time or acceleration, without a finite reading, or with a unit that is not known.
    """
    table = table_of(path, ORDER)
    names: dict[int, str] = {}
    for name in table:
        if column := column_of(name):
            names.setdefault(column.place, name)
    if not names.keys() >= {-1, 0, 1, 2}:
        raise ValueError(f"{path}: no columns time_s, ax, ay and az; there is {', '.join(table) or 'nothing'}")
    axes = range(6) if names.keys() >= {3, 4, 5} else range(3)
    times = table[names[-1]] * _unit(path, names[-1], SECONDS)
    readings = np.stack([table[names[axis]] for axis in axes], axis=1)
    heard = np.isfinite(times) & np.isfinite(readings).any(1)
    if not heard.any():
        raise ValueError(f"{path}: there is no reading in it")
    times, readings = times[heard], readings[heard]
    order = np.argsort(times, kind="stable")
    seconds = times[order] - times.min()
    if len(seconds) > 1 and (step := np.median(np.diff(seconds))) > 1:
        raise ValueError(f"{path}: {names[-1]} rises by {step:g} s; a unit may be missing, as in time_ms or time_us")
    calibration = Calibration(
        acceleration_unit=_unit(path, names[0], ACCELERATION_UNITS),
        rotation_unit=_unit(path, names[3], ROTATION_UNITS) if 3 in axes else "rad/s",
    )
    return Motion((seconds * NS).round().astype(np.int64), readings[order], calibration)


def column_of(name: str) -> Column | None:
    """Say what the column called ``name`` holds.

    >>> column_of("field.linear_acceleration.y"), column_of("Gyro_Z [deg/s]"), column_of("mag_x")
    (Column(place=1, unit=''), Column(place=5, unit='deg_s'), None)
    """
    match = NAME.fullmatch(re.sub("[^a-z0-9]+", "_", name.lower()).strip("_"))
    if not match:
        return None
    place = -1 if match["time"] else "xyz".index(match["axis"]) + (3 if match["rotation"] else 0)
    return Column(place, match["unit"] or "")


def _unit(path: Path, name: str, units: Mapping[str, Any]) -> Any:
    column = column_of(name)
    assert column is not None
    if column.unit not in units:
        raise ValueError(f"{path}: {name!r} has no unit that is known here; there is {', '.join(filter(None, units))}")
    return units[column.unit]
