"""A stream of numbers in which it is known when something was wrong. T = readings, C = numbers in a reading."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from pipeline.messages import Array


class Recording(Struct, frozen=True, kw_only=True, eq=False):
    """``values`` (T, C) float64, NaN where nothing is known; ``is_wrong`` (T,) bool; ``rate_hz`` readings a second."""

    name: str
    rate_hz: float
    columns: tuple[str, ...]
    values: Array
    is_wrong: Array


def spans(is_T: Array) -> list[tuple[int, int]]:
    """Return the half-open intervals in which ``is_T`` holds.

    >>> spans(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_T.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def packed_rows(path: Path, columns: Sequence[str], delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV, or of one in gzip. Raise ValueError if it lacks a column, OSError if it is not there."""
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            table = csv.DictReader(file, delimiter=delimiter)
            if missing := [column for column in columns if column not in (table.fieldnames or ())]:
                there = ", ".join(table.fieldnames or ()) or "nothing"
                raise ValueError(f"{path}: no column {' nor '.join(missing)}; there is {there}")
            yield from table
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: no table in text or gzip: {error}") from error


def number(text: str | None) -> float:
    """Return the number, NaN for what is none.

    >>> number("1.5"), number("")
    (1.5, nan)
    """
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def table_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files that look so, by name. Raise ValueError if there is none."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise ValueError(f"{folder}: there is no {pattern}, and this set has some there")
    return found
