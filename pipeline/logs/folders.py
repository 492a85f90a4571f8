"""Folders in which each sensor has a table and its pictures are files: TUM's, EuRoC's, comma2k19's.

TUM     ``rgb.txt``, ``depth.txt`` list stamps in seconds and files, ``accelerometer.txt`` ax ay az
        (cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats)
EuRoC   ``mav0/cam*/data.csv`` list stamps in nanoseconds and files, ``mav0/imu*/data.csv`` gx gy gz ax ay az
        (projects.asl.ethz.ch/datasets/euroc-mav)
numpy   pairs of arrays ``t`` in seconds and ``value`` in one folder each, with or without ``.npy``, as in comma2k19's
        ``processed_log`` (github.com/commaai/comma2k19); IMU/accelerometer and IMU/gyro make ``/imu``
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.errors import LogError
from pipeline.logs.raw import MessageError
from pipeline.logs.series import Series, SeriesLog
from pipeline.messages import NS, Array

TUM_PER_MM = 5.0
"""Depth pictures count 5000 to the metre."""

NAMES = {"rgb.txt": "vision", "depth.txt": "depth", "accelerometer.txt": "imu"}
"""TUM's tables that are read."""


def open_tum(folder: Path) -> SeriesLog:
    """Open a sequence of the TUM RGB-D benchmark."""
    return SeriesLog(folder, [_tum(path, NAMES.get(path.name, "")) for path in sorted(folder.glob("*.txt"))])


def open_euroc(folder: Path) -> SeriesLog:
    """Open a EuRoC MAV sequence: ``mav0`` or the folder that it is in."""
    home = folder / "mav0" if (folder / "mav0").is_dir() else folder
    return SeriesLog(folder, [_euroc(path) for path in sorted(home.glob("*/data.csv"))])


def open_arrays(folder: Path) -> SeriesLog:
    """Open a folder of pairs of numpy arrays."""
    found = {path.parent.relative_to(folder).as_posix(): path for path in pairs(folder)}
    series = [_arrays(name, path) for name, path in found.items()]
    by_name = {one.name: one for one in series}
    if {"/IMU/accelerometer", "/IMU/gyro"} <= set(by_name):
        series.append(_inertial(by_name["/IMU/accelerometer"], by_name["/IMU/gyro"]))
    return SeriesLog(folder, series)


def pairs(folder: Path) -> Iterator[Path]:
    """Yield the ``t`` of each pair in ``folder`` and below."""
    for path in sorted([*folder.rglob("t"), *folder.rglob("t.npy")]):
        if path.is_file() and path.with_stem("value").is_file():
            yield path


def _tum(path: Path, modality: str) -> Series:
    rows = _rows(path, " ")
    stamps_N = np.array([_nanoseconds(path, row[0], 9) for row in rows], np.int64)
    load: Callable[[int], Array] = partial(_numbers, path, rows, slice(1, None))
    if modality in ("vision", "depth"):
        load = partial(_picture, path.parent, rows, modality)
    return Series(f"/{path.stem}", f"tum/{path.stem}", modality, stamps_N, load)


def _euroc(path: Path) -> Series:
    name = path.parent.name
    modality = next((kind for start, kind in (("cam", "vision"), ("imu", "imu")) if name.startswith(start)), "")
    rows = _rows(path, ",")
    stamps_N = np.array([_nanoseconds(path, row[0], 0) for row in rows], np.int64)
    order = [4, 5, 6, 1, 2, 3] if modality == "imu" else slice(1, None)
    load: Callable[[int], Array] = partial(_numbers, path, rows, order)
    if modality == "vision":
        load = partial(_picture, path.parent / "data", rows, modality)
    return Series(f"/{name}", f"euroc/{name}", modality, stamps_N, load, frame_id=name)


def _arrays(name: str, path: Path) -> Series:
    try:
        seconds_N, values_NC = np.load(path), np.load(path.with_stem("value"))
        stamps_N = np.rint(seconds_N * NS).astype(np.int64)
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise LogError(f"{path.parent}: its arrays t and value cannot be read: {error}") from error
    if stamps_N.ndim != 1 or len(values_NC) != len(stamps_N):
        raise LogError(f"{path.parent}: its arrays t {stamps_N.shape} and value {values_NC.shape} do not fit together")
    shape = "".join(f"[{size}]" for size in values_NC.shape[1:])
    return Series(f"/{name}", f"numpy/{values_NC.dtype}{shape}", "", stamps_N, values_NC.__getitem__)


def _inertial(acceleration: Series, rotation: Series) -> Series:
    """Join two series at the stamps of the first; rotation is taken between its two neighbours in time."""
    gyro_NC = np.array([rotation.load(number) for number in range(rotation.stamps.size)])
    turned_NC = np.stack([np.interp(acceleration.stamps, rotation.stamps, column) for column in gyro_NC.T], axis=-1)

    def load(number: int) -> Array:
        return np.concatenate([acceleration.load(number), turned_NC[number]])

    return Series("/imu", f"{acceleration.type} and gyro", "imu", acceleration.stamps, load)


def _rows(path: Path, separator: str) -> list[list[str]]:
    """Return the cells of a table without its comments. Raise LogError where it is no text."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = (line for line in file if line.strip() and not line.startswith("#"))
            return [[cell for cell in row if cell] for row in csv.reader(lines, delimiter=separator)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise LogError(f"{path}: the table is no text: {error}") from error


def _nanoseconds(path: Path, text: str, digits: int) -> int:
    """Return a decimal number times 10 to the ``digits``, exactly; a float holds no stamp to the nanosecond."""
    whole, _, rest = text.partition(".")
    try:
        return int(whole + rest[:digits].ljust(digits, "0"))
    except ValueError:
        raise LogError(f"{path}: {text!r} in the column of stamps is no time") from None


def _numbers(path: Path, rows: Sequence[Sequence[str]], columns: slice | list[int], number: int) -> Array:
    try:
        return np.array(rows[number], object)[columns].astype(np.float64)
    except (ValueError, IndexError):
        raise MessageError("cells", f"{path.name} has the row {','.join(rows[number])!r}") from None


def _picture(folder: Path, rows: Sequence[Sequence[str]], modality: str, number: int) -> Array:
    """Return (H, W, 3) or (H, W) uint8; of depth (H, W) uint16 millimetres."""
    try:
        with Image.open(folder / rows[number][1]) as picture:
            if modality == "depth":
                return np.rint(np.asarray(picture) / TUM_PER_MM).astype(np.uint16)
            return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))
    except IndexError:
        raise MessageError("cells", f"the row {rows[number]} names no file") from None
    except FileNotFoundError:
        raise MessageError("missing", f"{folder / rows[number][1]}: there is no such file") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise MessageError("picture", f"{rows[number][1]}: {error}") from error
