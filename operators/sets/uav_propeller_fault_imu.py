"""UAV Realistic Fault Dataset (TII, ICRA 2023): a quadrotor indoors with none to four broken propellers; its IMU at
about 195 Hz.

``NUMBER_broken/*.jsonl.gz``, lines of PX4's ``SensorCombined``: ``timestamp`` in µs, ``accelerometer_m_s2``,
``gyro_rad``. A whole flight is sound or not.
"""

import gzip
import zlib
from pathlib import Path

import msgspec
import numpy as np

from operators.sets.recording import Recording, table_files


class Line(msgspec.Struct):
    """One reading."""

    timestamp: int
    accelerometer_m_s2: tuple[float, float, float]
    gyro_rad: tuple[float, float, float]


def recordings(folder: Path) -> list[Recording]:
    """Return the flights. Raise ValueError if ``folder`` is no such set, or a line is no reading."""
    return [_flight(folder, path) for path in table_files(folder, "*_broken/*.jsonl*")]


def _flight(folder: Path, path: Path) -> Recording:
    decoder, lines = msgspec.json.Decoder(Line), []
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for place, line in enumerate(file, 1):
                try:
                    lines.append(decoder.decode(line))
                except msgspec.DecodeError as error:
                    raise ValueError(f"{path}, line {place}: {error}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: no lines in gzip: {error}") from error
    lines.sort(key=lambda line: line.timestamp)
    if len(lines) < 2 or lines[-1].timestamp == lines[0].timestamp:
        raise ValueError(f"{path}: there are not two readings in it")
    return Recording(
        name=str(path.relative_to(folder)).partition(".")[0],
        rate_hz=(len(lines) - 1) * 1e6 / (lines[-1].timestamp - lines[0].timestamp),
        columns=("ax", "ay", "az", "gx", "gy", "gz"),
        values=np.array([line.accelerometer_m_s2 + line.gyro_rad for line in lines]),
        is_wrong=np.full(len(lines), not path.parent.name.startswith("0_")),
    )
