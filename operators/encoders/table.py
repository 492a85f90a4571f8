"""Tables of numbers from files, by column: CSV, .npy and .npz."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import numpy as np

from operators.encoders.stills import arrays_of
from pipeline.messages import Array

Table = Mapping[str, Array]
"""Columns of one length by name, (T,) float64."""


def table_of(path: Path, unnamed: Sequence[str]) -> Table:
    """Read a table; columns that the file gives no names to are called ``unnamed``, or the first of these.

    In text, a line is split at semicolons, tabs, commas or blanks, the first of these that it has. Names are in the
    line before the first with a number; columns that begin with a word are passed over. What is empty is NaN, and a
    date is seconds since 1970. An .npz has one array a column, or (T, 3) arrays, whose columns end in ``_x _y _z``.
    Raise ValueError for what is no table.
    """
    if path.suffix.lower() not in (".npy", ".npz"):
        return _text(path, unnamed)
    array = arrays_of(path)
    if isinstance(array, dict):
        return _columns(path, array)
    if array.dtype.names:
        return _columns(path, {name: array[name] for name in array.dtype.names})
    rows = array if array.ndim == 2 else np.empty((0, 0))
    return _columns(path, dict(zip(_names(path, rows.shape[1], unnamed), rows.T, strict=True)))


def _columns(path: Path, arrays: Table) -> Table:
    """Return the arrays of numbers; one of (T, 3) becomes three columns."""
    table: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.dtype.kind in "fiu" and array.ndim == 1:
            table[name] = array.astype(np.float64)
        elif array.dtype.kind in "fiu" and array.ndim == 2 and array.shape[1] == 3:
            table |= {f"{name}_{axis}": column.astype(np.float64) for axis, column in zip("xyz", array.T, strict=True)}
    if len(lengths := {len(column) for column in table.values()}) > 1:
        raise ValueError(f"{path}: its columns have different lengths: {', '.join(map(str, sorted(lengths)))}")
    return table


def _text(path: Path, unnamed: Sequence[str]) -> Table:
    try:
        with (gzip.open if path.suffix.lower() == ".gz" else open)(path, "rt", encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: no table, or a damaged one: {error}") from error
    head = list(takewhile(lambda line: line.startswith("#") or not any(map(_is_number, _fields(line))), lines))
    body = [(number, _fields(line)) for number, line in enumerate(lines[len(head) :], len(head) + 1) if line]
    if not body:
        raise ValueError(f"{path}: there is no line of numbers in it")
    titles = [line for line in head if line]
    names = _fields(titles[-1].lstrip("#% ")) if titles else _names(path, len(body[0][1]), unnamed)
    for number, fields in body:
        if len(fields) != len(names):
            raise ValueError(f"{path}: line {number} has {len(fields)} fields instead of {len(names)}")
    columns = dict(zip(names, zip(*(fields for _, fields in body), strict=True), strict=True))
    are_words = {name: not _is_number(next(filter(None, column), "nan")) for name, column in columns.items()}
    return {name: _numbers(path, name, column) for name, column in columns.items() if not are_words[name]}


def _fields(line: str) -> list[str]:
    delimiter = next((mark for mark in ";\t," if mark in line), None)
    return [field.strip(' "') for field in line.split(delimiter)]


def _numbers(path: Path, name: str, fields: Iterable[str]) -> Array:
    try:
        return np.array([_number(field) for field in fields])
    except ValueError as error:
        raise ValueError(f"{path}: column {name!r}: {error}") from error


def _number(field: str) -> float:
    """Return a number, seconds for a date, NaN for nothing.

    >>> _number("9.81"), _number("1970-01-01 00:01:00.5"), _number("")
    (9.81, 60.5, nan)
    """
    try:
        return float(field or "nan")
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(field).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise ValueError(f"{field!r} is neither a number nor a date") from error


def _is_number(field: str) -> bool:
    try:
        _number(field)
    except ValueError:
        return False
    return bool(field)


def _names(path: Path, number: int, unnamed: Sequence[str]) -> Sequence[str]:
    if not 0 < number <= len(unnamed):
        raise ValueError(f"{path}: {number} columns without names; {' '.join(unnamed)} were due")
    return unnamed[:number]
