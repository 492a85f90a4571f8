"""Folders of tables and pictures, in three layouts."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.source import UNDATED
from pipeline.messages import NS, Calibration, Received


def read(path: Path) -> tuple[dict[str, list[Received]], Log]:
    found: dict[str, list[Received]] = {}
    with Log(path) as log:
        for one in log.samples(log.channels()):
            found.setdefault(one.sample.topic, []).append(one)
    return found, log


def tum(folder: Path) -> Path:
    (folder / "rgb").mkdir()
    (folder / "depth").mkdir()
    for number in range(3):
        Image.new("RGB", (8, 6), (number, 0, 0)).save(folder / f"rgb/{number}.png")
    Image.fromarray(np.full((6, 8), 5000, np.uint16)).save(folder / "depth/0.png")
    (folder / "rgb.txt").write_text(
        "# color\n1305031229.528748 rgb/0.png\n1305031229.5 rgb/1.png\n1305031229.1 rgb/2.png\n"
    )
    (folder / "depth.txt").write_text("1305031229.528784 depth/0.png\n1305031229.6 depth/none.png\n1305031229.7\n")
    (folder / "accelerometer.txt").write_text("1305031225.727159 0.5 7.75 -5.5\n1305031225.730643 0.5 x 1\n")
    (folder / "groundtruth.txt").write_text("1305031225.9334 1 2 3 0 0 0 1\n")
    return folder


def test_a_tum_folder_gives_pictures_depth_in_millimetres_and_acceleration(tmp_path: Path) -> None:
    found, log = read(tum(tmp_path))
    rgb, (depth,), (imu,) = found["/rgb"], found["/depth"], found["/accelerometer"]
    assert [one.sample.stamp for one in rgb] == [1305031229100000000, 1305031229500000000, 1305031229528748000]
    assert [int(one.sample.data[0, 0, 0]) for one in rgb] == [2, 1, 0]  # by their stamps, not by their rows
    assert [one.sample.seq for one in rgb] == [0, 1, 2]
    assert (str(depth.sample.data.dtype), depth.sample.data.tolist()[0][0]) == ("uint16", 1000)
    assert imu.sample.data.tolist() == [0.5, 7.75, -5.5]
    assert dict(log.rejected) == {
        ("/depth", "missing"): 1, ("/depth", "cells"): 1, ("/accelerometer", "cells"): 1
    }  # fmt: skip
    assert "none.png: there is no such file" in log.first_rejected["/depth", "missing"]
    assert log.topics["/groundtruth"].skipped == "numbers for a modality of your own"


def test_any_table_of_numbers_is_a_modality_of_ones_own(tmp_path: Path) -> None:
    with Log(tum(tmp_path)) as log:
        pose = Channel("/groundtruth", "pose", 1.0, calibration=Calibration(shape=(7,)))
        (one,) = log.samples([pose])
        assert one.sample.data.tolist() == [1, 2, 3, 0, 0, 0, 1]
        short = Channel("/groundtruth", "pose", 1.0, calibration=Calibration(shape=(3,)))
        assert list(log.samples([short])) == []
        assert log.rejected["/groundtruth", "shape"] == 1
        with pytest.raises(LogError, match="holds tum/groundtruth, which cannot be read as imu"):
            log.samples([Channel("/groundtruth", "imu", 1.0)])


def test_a_euroc_folder_gives_cameras_and_an_imu_in_our_order(tmp_path: Path) -> None:
    for name in ("cam0/data", "imu0", "leica0"):
        (tmp_path / "mav0" / name).mkdir(parents=True)
    Image.new("L", (8, 6), 77).save(tmp_path / "mav0/cam0/data/1403636579763555584.png")
    head = "#timestamp [ns],filename\n"
    (tmp_path / "mav0/cam0/data.csv").write_text(head + "1403636579763555584,1403636579763555584.png\r\n")
    (tmp_path / "mav0/imu0/data.csv").write_text("#t,wx,wy,wz,ax,ay,az\n1403636579758555392,1,2,3,4,5,6\n")
    (tmp_path / "mav0/leica0/data.csv").write_text("#t,x,y,z\n1403636578963555584,4.6,-1.8,0.6\n")
    for folder in (tmp_path, tmp_path / "mav0"):
        found, log = read(folder)
        (picture,), (reading,) = found["/cam0"], found["/imu0"]
        assert (picture.sample.stamp, picture.sample.data.shape) == (1403636579763555584, (6, 8))
        assert int(picture.sample.data[0, 0]) == 77
        assert reading.sample.data.tolist() == [4, 5, 6, 1, 2, 3]
        assert log.topics["/leica0"].count == 1


def test_pairs_of_arrays_make_an_imu_where_both_sensors_are(tmp_path: Path) -> None:
    times = {"IMU/accelerometer": np.array([10.0, 10.1, 10.2]), "IMU/gyro": np.array([10.05, 10.15])}
    for name, seconds in times.items():
        (tmp_path / name).mkdir(parents=True)
        np.save(tmp_path / name / "t.npy", seconds)
        np.save(tmp_path / name / "value.npy", np.outer(seconds, [1.0, 2.0, 3.0]))
    found, log = read(tmp_path)
    assert [one.sample.stamp - UNDATED for one in found["/imu"]] == [10 * NS, 10_100_000_000, 10_200_000_000]
    assert_allclose(found["/imu"][1].sample.data, [10.1, 20.2, 30.3, 10.1, 20.2, 30.3])
    assert_allclose(found["/imu"][0].sample.data[3:], [10.05, 20.1, 30.15])  # before the first turn, that one
    assert not log.is_dated


def test_what_is_wrong_in_a_folder_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "rgb.txt").write_text("soon rgb/0.png\n")
    with pytest.raises(LogError, match=r"rgb\.txt: 'soon' in the column of stamps is no time"):
        Log(tmp_path)
    (tmp_path / "rgb.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(LogError, match=r"rgb\.txt: the table is no text"):
        Log(tmp_path)
    (tmp_path / "rgb.txt").unlink()
    np.save(tmp_path / "t.npy", np.zeros(3))
    np.save(tmp_path / "value.npy", np.zeros(2))
    with pytest.raises(LogError, match=r"its arrays t \(3,\) and value \(2,\) do not fit together"):
        Log(tmp_path)
    (tmp_path / "value.npy").write_bytes(b"nothing")
    with pytest.raises(LogError, match="its arrays t and value cannot be read"):
        Log(tmp_path)
