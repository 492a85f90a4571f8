"""Folders in the layouts of the sets in which something goes wrong: what is read, and what is said of damage."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from operators.sets import (
    nab,
    robot_execution_failures_uci,
    skab_valve_anomaly,
    uav_alfa_fault,
    uav_propeller_fault_imu,
)
from operators.sets.recording import Recording


def packed(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_a_flight_stays_failed_and_its_truth_is_no_reading(tmp_path: Path) -> None:
    columns = uav_alfa_fault.COLUMNS
    rows = [",".join(["0.5"] * len(columns) + [truth]) for truth in ("0.0", "", "3.0", "", "0.0")]
    packed(tmp_path / "engine" / "one.csv.gz", ",".join([*columns, "field.data"]) + "\n" + "\n".join(rows))
    packed(tmp_path / "no_failure" / "two.csv", ",".join(columns) + "\n" + ",".join(["", *["1"] * (len(columns) - 1)]))
    one, two = uav_alfa_fault.recordings(tmp_path)
    assert one.is_wrong.tolist() == [False, False, True, True, True]
    assert one.name == "engine/one"
    assert "field.data" not in one.columns
    assert one.columns[0] == "upright"
    assert one.values[0].tolist() == [0.0] + [0.5] * (len(columns) - 2)  # 1 - 2 (x² + y²), and all else as it is
    assert not two.is_wrong.any()
    assert np.isnan(two.values[0, 0])


def test_readings_of_an_imu_are_by_time_and_sound_only_without_a_broken_propeller(tmp_path: Path) -> None:
    lines = [
        {"timestamp": t, "gyro_rad": [0, 0, t], "accelerometer_m_s2": [1, 2, 3], "more": 1} for t in (20000, 10000)
    ]
    for place in ("0_broken", "2_broken"):
        packed(tmp_path / place / "a.jsonl.gz", "\n".join(json.dumps(line) for line in lines))
    sound, broken = uav_propeller_fault_imu.recordings(tmp_path)
    assert sound.rate_hz == 100
    assert sound.values.tolist() == [[1, 2, 3, 0, 0, 10000], [1, 2, 3, 0, 0, 20000]]
    assert not sound.is_wrong.any()
    assert broken.is_wrong.all()


def test_labelled_windows_are_by_name_and_time(tmp_path: Path) -> None:
    rows = "".join(f"2014-01-01 00:{minute:02}:00,{minute}\n" for minute in range(0, 60, 5))
    packed(tmp_path / "disk.csv.gz", "timestamp,value\n" + rows)
    packed(tmp_path / "other.csv", "timestamp,value\n" + rows)
    (tmp_path / "windows.json").write_text('{"x/disk.csv": [["2014-01-01 00:10:00.000000", "2014-01-01 00:20:00"]]}')
    (disk,) = nab.recordings(tmp_path)
    assert np.flatnonzero(disk.is_wrong).tolist() == [2, 3, 4]
    assert disk.rate_hz == pytest.approx(1 / 300)


def test_moves_that_two_problems_share_are_read_once(tmp_path: Path) -> None:
    def move(kind: str, force: int) -> str:
        return kind + "\n" + "\n".join("\t" + "\t".join([str(force)] * 6) for _ in range(15))

    (tmp_path / "lp1.data.txt").write_text("\n\n".join([move("normal", 1), move("collision", 9)]) + "\n\n\n")
    (tmp_path / "lp2.data.txt").write_text(move("ok", 1) + "\n\n\n" + move("ok", 3))
    moves = robot_execution_failures_uci.recordings(tmp_path)
    assert [(move.name, bool(move.is_wrong.any())) for move in moves] == [
        ("lp1/0", False),
        ("lp1/1", True),
        ("lp2/1", False),
    ]


def no_files(folder: Path) -> None: ...


def skab(text: str) -> Callable[[Path], None]:
    return lambda folder: void(packed(folder / "valve1" / "0.csv.gz", text))


def void(_: object) -> None: ...


def torn(folder: Path) -> None:
    path = packed(folder / "valve1" / "0.csv.gz", "a;b\n" * 1000)
    path.write_bytes(path.read_bytes()[:30])


def unnamed_window(folder: Path) -> None:
    packed(folder / "disk.csv", "timestamp,value\n")
    (folder / "windows.json").write_text('{"x/fan.csv": []}')


def windows_of(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        packed(folder / "disk.csv", "timestamp,value\nyesterday,1\n")
        (folder / "windows.json").write_text(text)

    return write


HEAD = ";".join([*skab_valve_anomaly.COLUMNS, "anomaly"])
Read = Callable[[Path], list[Recording]]
DAMAGE: list[tuple[Read, Callable[[Path], None], str]] = [
    (uav_alfa_fault.recordings, no_files, r"there is no \*/\*.csv"),
    (
        uav_alfa_fault.recordings,
        lambda f: void(packed(f / "a" / "b.csv", "x,y\n1,2\n")),
        "no column field.orientation.x",
    ),
    (uav_alfa_fault.recordings, lambda f: void(packed(f / "a" / "b.csv", ",".join(uav_alfa_fault.COLUMNS))), "no row"),
    (uav_propeller_fault_imu.recordings, no_files, "_broken"),
    (uav_propeller_fault_imu.recordings, lambda f: void(packed(f / "0_broken" / "a.jsonl", "{}\n")), "a.jsonl, line 1"),
    (uav_propeller_fault_imu.recordings, lambda f: void(packed(f / "0_broken" / "a.jsonl", "")), "not two readings"),
    (skab_valve_anomaly.recordings, no_files, "valve1"),
    (skab_valve_anomaly.recordings, skab("a;b\n1;2\n"), "no column Accelerometer1RMS"),
    (skab_valve_anomaly.recordings, skab(HEAD + "\n" + "1;" * 8 + "0\n"), "1 rows, and the first 400"),
    (skab_valve_anomaly.recordings, torn, "no table in text or gzip"),
    (nab.recordings, no_files, "windows.json: there is no such file"),
    (nab.recordings, unnamed_window, "names fan, and none"),
    (nab.recordings, windows_of('{"disk.csv": []}'), "'yesterday' is no time"),
    (nab.recordings, windows_of('{"disk.csv": [1]}'), "windows.json: Expected"),
    (robot_execution_failures_uci.recordings, no_files, "lp"),
    (
        robot_execution_failures_uci.recordings,
        lambda f: void(packed(f / "lp1.data.txt", "normal\n 1 2 3\n")),
        "lp1/0 after 'normal' is not 15 lines",
    ),
    (robot_execution_failures_uci.recordings, lambda f: void(packed(f / "lp1.data.txt", "normal\n x\n")), "lp1/0"),
]


@pytest.mark.parametrize(("read", "damage", "told"), DAMAGE)
def test_a_folder_that_is_not_as_published_is_told(
    read: Read, damage: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    damage(tmp_path)
    with pytest.raises(ValueError, match=told) as refused:
        read(tmp_path)
    assert str(tmp_path) in str(refused.value)
