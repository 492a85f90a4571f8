"""PX4's flight logs, ``.ulg`` (docs.px4.io/main/en/dev_log/ulog_file_format)."""

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pyulog import ULog

from pipeline.logs.raw import telling
from pipeline.logs.series import Series, SeriesLog
from pipeline.messages import Array

IMU = (
    *(f"accelerometer_m_s2[{axis}]" for axis in range(3)),
    *(f"gyro_rad[{axis}]" for axis in range(3)),
)
"""Of ``sensor_combined``, in m/s² and rad/s."""

FRAME = "base_link_frd"
"""PX4's axes: forward, right, down; at rest az is -9.81."""


def open_ulog(path: Path) -> SeriesLog:
    """Open a flight log. Stamps are those since boot, or by the satellites' clock where it was heard.

    ``/sensor_combined`` is read as imu; the numbers of every other topic, in the order of their names, can be read as a
    modality of a rig's own.
    """
    with telling(path), path.open("rb") as file, redirect_stdout(io.StringIO()):  # pyulog prints what it thinks
        log = ULog(file)
        shift = _shift(log)
        return SeriesLog(path, [_series(data, int(log.start_timestamp), shift) for data in log.data_list])


def _series(dataset: Any, first: int, shift: int) -> Series:
    fields: Mapping[str, Array] = dataset.data
    # Not every module stamps what it tells, and some repeat what they told before the log began
    boot_N = np.maximum(fields["timestamp"].astype(np.int64), first)
    is_imu = dataset.name == "sensor_combined" and set(IMU) <= set(fields)
    names = IMU if is_imu else tuple(sorted(name for name in fields if name != "timestamp"))
    return Series(
        name=f"/{dataset.name}" + (f"/{dataset.multi_id}" if dataset.multi_id else ""),
        type=f"px4_msgs/{dataset.name}",
        modality="imu" if is_imu else "",
        stamps=boot_N * 1000 + shift,
        load=partial(_row, [fields[name] for name in names]),
        frame_id=FRAME if is_imu else "",
    )


def _row(columns: list[Array], number: int) -> Array:
    return np.array([column[number] for column in columns], np.float64)


def _shift(log: ULog) -> int:
    """Return nanoseconds from boot to UTC minus those since boot, by the first fix; 0 without one."""
    for dataset in log.data_list:
        if dataset.name in ("vehicle_gps_position", "sensor_gps") and "time_utc_usec" in dataset.data:
            utc_N, boot_N = dataset.data["time_utc_usec"], dataset.data["timestamp"]
            told = np.flatnonzero(utc_N)
            if told.size:
                return (int(utc_N[told[0]]) - int(boot_N[told[0]])) * 1000
    return 0
