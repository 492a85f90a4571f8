"""NAB (Ahmad et al. 2017, doi 10.1016/j.neucom.2017.04.070): one number every five minutes, with windows in which
something was wrong.

``NAME.csv.gz`` with ``timestamp`` and ``value``, and the published ``windows.json``, which names files and times.
"""

from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from operators.sets.recording import Recording, number, packed_rows, table_files

COLUMNS = ("timestamp", "value")
WINDOWS = "windows.json"


def recordings(folder: Path) -> list[Recording]:
    """Return the series that have windows. Raise ValueError if ``folder`` is no such set."""
    windows = _windows(folder / WINDOWS)
    found = [
        _series(path, windows[name])
        for path in table_files(folder, "**/*.csv*")
        if (name := path.name.partition(".")[0]) in windows
    ]
    if not found:
        raise ValueError(f"{folder}: {WINDOWS} names {', '.join(windows)}, and none of them is there")
    return found


def _windows(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Return windows by the name of a file without its folder."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file, and this set has one")
    try:
        windows = msgspec.json.decode(path.read_bytes(), type=dict[str, list[tuple[str, str]]])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    return {name.rpartition("/")[2].partition(".")[0]: of for name, of in windows.items()}


def _series(path: Path, windows: list[tuple[str, str]]) -> Recording:
    rows = list(packed_rows(path, COLUMNS))
    times = np.array([_seconds(path, row["timestamp"]) for row in rows])
    if len(times) < 2:
        raise ValueError(f"{path}: there are not two rows in it")
    is_wrong = np.zeros(len(times), bool)
    for start, end in windows:
        is_wrong |= (times >= _seconds(path, start)) & (times <= _seconds(path, end))
    return Recording(
        name=path.name.partition(".")[0],
        rate_hz=float(1 / np.median(np.diff(times))),
        columns=COLUMNS[1:],
        values=np.array([[number(row["value"])] for row in rows]),
        is_wrong=is_wrong,
    )


def _seconds(path: Path, text: str) -> float:
    try:
        return (datetime.fromisoformat(text) - datetime(1970, 1, 1)).total_seconds()
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {text!r} is no time as 2013-12-02 21:15:00") from error
