"""Tables of numbers, ``.csv``, and what their columns are."""

import csv
import tomllib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from pipeline.errors import InputError, LogError
from pipeline.logs.raw import MessageError
from pipeline.logs.series import Series, SeriesLog
from pipeline.messages import FOREVER, Array

STANDARD_GRAVITY = 9.80665  # m/s², by definition
PER_SECOND = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
AXES = ("ax", "ay", "az", "gx", "gy", "gz")
STAMPS = ("stamp", "t", "time", "timestamp")
"""How the column of stamps is called where nobody says it."""


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which columns of a table make one topic: an IMU's six or three axes, or the ``values`` of a rig's own modality.

    Stamps are numbers in ``stamp_unit``, or dates of ISO 8601. Readings become m/s² and rad/s.
    """

    topic: str = ""  # by default /imu, and / with the file's name where there are values
    stamp: str
    stamp_unit: Literal["s", "ms", "us", "ns"] = "s"
    ax: str = ""
    ay: str = ""
    az: str = ""
    gx: str = ""
    gy: str = ""
    gz: str = ""
    unit: Literal["m/s2", "g"] = "m/s2"
    rotation_unit: Literal["rad/s", "deg/s"] = "rad/s"
    values: list[str] = []

    @property
    def names(self) -> list[str]:
        """Those that are read, in their order."""
        return self.values or [name for name in (getattr(self, axis) for axis in AXES) if name]


def read_columns(text: str) -> list[Columns]:
    """Return what ``ax=col1;ay=…;stamp=t;unit=g`` says, or a TOML file with one ``[[topics]]`` for each.

    Raise InputError for what is no map.

    >>> read_columns("stamp=t; stamp_unit=ms; values=p1,p2")[0].values
    ['p1', 'p2']
    """
    try:
        if text.endswith(".toml"):
            with open(text, "rb") as file:
                return msgspec.convert(tomllib.load(file), dict[str, list[Columns]]).get("topics", [])
        pairs = [part.partition("=") for part in text.replace(";", "\n").splitlines() if part.strip()]
        told = {key.strip(): value.strip() for key, _, value in pairs}
        listed = {"values": told.pop("values").split(",")} if "values" in told else {}
        return [msgspec.convert(told | listed, Columns)]
    except OSError as error:
        raise InputError(f"{text}: the map of columns cannot be read: {error.strerror}") from error
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{text}: the map of columns is wrong: {error}") from error


def open_table(path: Path, columns: Sequence[Columns]) -> SeriesLog:
    """Open a table with a line of headings. Raise LogError where it does not hold the ``columns``.

    Without any, they are those called by their axes: ``t`` or ``stamp``, ``ax ay az gx gy gz``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = max(",;\t", key=file.readline(65536).count)
        header = [name.strip().lstrip("# ") for name in next(_rows(path, separator), (0, []))[1]]
        if next(islice(_rows(path, separator), 1, None), None) is None:
            raise LogError(f"{path}: the table has no row beneath its headings")
        return SeriesLog(path, [_series(path, separator, header, one) for one in columns or [_guessed(path, header)]])
    except (UnicodeDecodeError, csv.Error) as error:
        raise LogError(f"{path}: the table is no text: {error}") from error


def _rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that hold anything, with the numbers of their lines."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, delimiter=separator)
        for row in reader:
            if row:
                yield reader.line_num, row


def _guessed(path: Path, header: Sequence[str]) -> Columns:
    known = {name.lower(): name for name in header}
    stamp = next((known[name] for name in STAMPS if name in known), "")
    axes = {axis: known[axis] for axis in AXES if axis in known}
    if not stamp or len(axes) not in (3, 6):
        raise LogError(
            f"{path}: its columns {', '.join(header)} need a map that tells which is which, "
            "such as --map 'stamp=time;ax=acc_x;ay=acc_y;az=acc_z;unit=g'"
        )
    return msgspec.convert({"stamp": stamp, **axes}, Columns)


def _series(path: Path, separator: str, header: Sequence[str], columns: Columns) -> Series:
    if missing := [name for name in (columns.stamp, *columns.names) if name not in header]:
        raise LogError(f"{path}: it has no column {', '.join(missing)}; its columns are {', '.join(header)}")
    if not columns.values and len(columns.names) not in (3, 6):
        raise LogError(f"{path}: the map of columns names {len(columns.names)} of ax ay az gx gy gz, not 3 or 6")
    stamps, values, broken = array("q"), array("d"), {}
    place, places = header.index(columns.stamp), [header.index(name) for name in columns.names]
    for line, row in islice(_rows(path, separator), 1, None):
        stamps.append(_stamp(path, columns, line, row[place] if place < len(row) else ""))
        try:
            values.extend([float(row[place]) for place in places])
        except (ValueError, IndexError):
            broken[len(stamps) - 1] = f"line {line} is {row}"
            values.extend([0.0] * len(places))
    values_NC = np.frombuffer(values).reshape(-1, len(places)) * _scales(columns)
    return Series(
        name=columns.topic or (f"/{path.stem}" if columns.values else "/imu"),
        type=f"table/{', '.join(columns.names)}",
        modality="" if columns.values else "imu",
        stamps=np.frombuffer(stamps, np.int64),
        load=partial(_reading, values_NC, broken),
    )


def _scales(columns: Columns) -> Array:
    """Return by what the columns are multiplied."""
    if columns.values:
        return np.ones(len(columns.values))
    gravity = STANDARD_GRAVITY if columns.unit == "g" else 1.0
    turn = np.pi / 180 if columns.rotation_unit == "deg/s" else 1.0
    return np.array([gravity] * 3 + [turn] * (len(columns.names) - 3))


def _stamp(path: Path, columns: Columns, line: int, text: str) -> int:
    try:
        stamp = _nanoseconds(text.strip(), PER_SECOND[columns.stamp_unit])
        if not 0 <= stamp < FOREVER:
            raise OverflowError
    except (ValueError, OverflowError):
        raise LogError(
            f"{path}: line {line} has {text!r} in the column of stamps, {columns.stamp!r}: that is no time"
        ) from None
    return stamp


def _nanoseconds(text: str, unit: int) -> int:
    """Return the time that ``text`` says, exact where it is a decimal number.

    >>> _nanoseconds("1305031225.727159", 10**9), _nanoseconds("2024-01-31T12:00:00Z", 10**9)
    (1305031225727159000, 1706702400000000000)
    """
    whole, _, rest = text.partition(".")
    if whole.isdecimal() and (rest.isdecimal() or not rest):
        digits = len(str(unit)) - 1
        return int(whole) * unit + int((rest[:digits] or "0").ljust(digits, "0")) if digits else int(whole)
    try:
        return round(float(text) * unit)
    except ValueError:
        when = datetime.fromisoformat(text)
        return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1e6) * 1000


def _reading(values_NC: Array, broken: Mapping[int, str], number: int) -> Array:
    if number in broken:
        raise MessageError("cells", broken[number])
    reading: Array = values_NC[number]
    return reading
