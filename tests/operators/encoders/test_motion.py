from pathlib import Path

import numpy as np
import pytest

from operators.encoders.motion import motion_of

NAMES = "time_s,ax,ay,az,gx,gy,gz"
ROWS = "\n0.00,1,2,3,4,5,6\n0.01,7,8,9,10,11,12\n"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        "t,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z",
        "%time,field.linear_acceleration.x,field.linear_acceleration.y,field.linear_acceleration.z,"
        "field.angular_velocity.x,field.angular_velocity.y,field.angular_velocity.z",
        "Timestamp [s],accl_x (m/s^2),accl_y (m/s^2),accl_z (m/s^2),w_x,w_y,w_z",
        "seconds,AccX,AccY,AccZ,GyrX (rad/s),GyrY (rad/s),GyrZ (rad/s)",
    ],
)
def test_columns_are_known_by_the_names_that_people_give_them(tmp_path: Path, names: str) -> None:
    motion = motion_of(written(tmp_path / "m.csv", names + ROWS))
    assert motion.stamps.tolist() == [0, 10_000_000]
    assert motion.readings.tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]
    assert (motion.calibration.acceleration_unit, motion.calibration.rotation_unit) == ("m/s2", "rad/s")


def test_columns_may_come_in_any_order_among_others(tmp_path: Path) -> None:
    text = "gz,mag_x,gy,gx,label,az,ay,ax,time_ms\n6,0,5,4,dog,3,2,1,500\n12,0,11,10,cat,9,8,7,510\n"
    motion = motion_of(written(tmp_path / "m.csv", text))
    assert motion.stamps.tolist() == [0, 10_000_000]
    assert motion.readings.tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]


def test_of_two_columns_of_a_kind_the_first_counts(tmp_path: Path) -> None:
    text = "component_timestamp_ms,canonical_timestamp_ms,accl_x,accl_y,accl_z,ax\n5,100,1,2,3,9\n10,900,4,5,6,9\n"
    motion = motion_of(written(tmp_path / "m.csv", text))
    assert motion.stamps.tolist() == [0, 5_000_000]
    assert motion.readings[:, 0].tolist() == [1, 4]


def test_a_table_without_names_comes_in_the_order_that_is_documented(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([[5.0, 1, 2, 3, 4, 5, 6], [5.5, 7, 8, 9, 10, 11, 12]]))
    motion = motion_of(tmp_path / "m.npy")
    assert motion.stamps.tolist() == [0, 500_000_000]
    assert motion.readings.tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]


def test_vectors_in_an_npz_are_columns(tmp_path: Path) -> None:
    readings = np.arange(12.0).reshape(2, 6)
    stamps = np.array([10**18, 10**18 + 5_000_000])
    np.savez(tmp_path / "m.npz", stamp_ns=stamps, acceleration=readings[:, :3], rotation=readings[:, 3:])
    motion = motion_of(tmp_path / "m.npz")
    np.testing.assert_array_equal(motion.readings, readings)
    assert abs(motion.stamps[1] - 5_000_000) < 200  # a float64 of 10¹⁸ is that coarse


def test_units_are_read_from_the_names(tmp_path: Path) -> None:
    names = "time_us,ax_g,ay_g,az_g,gx (deg/s),gy (deg/s),gz (deg/s)"
    motion = motion_of(written(tmp_path / "m.csv", names + "\n0,0,0,1,90,0,0\n2500,0,0,1,90,0,0\n"))
    assert motion.stamps.tolist() == [0, 2_500_000]
    assert (motion.calibration.acceleration_unit, motion.calibration.rotation_unit) == ("g", "deg/s")


def test_acceleration_alone_is_three_columns(tmp_path: Path) -> None:
    motion = motion_of(written(tmp_path / "m.csv", "# timestamp ax ay az\n1.5 1 2 3\n1.75 4 5 6\n"))
    assert motion.stamps.tolist() == [0, 250_000_000]
    assert motion.readings.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_lines_are_put_in_the_order_of_time_and_empty_ones_are_passed_over(tmp_path: Path) -> None:
    text = "time_s,ax,ay,az\n0.3,3,0,0\n0.1,1,0,0\n,9,9,9\n0.2,,,\n0.25,2,,\n"
    motion = motion_of(written(tmp_path / "m.csv", text))
    assert motion.stamps.tolist() == [0, 150_000_000, 200_000_000]
    np.testing.assert_array_equal(motion.readings[:, 0], [1, 2, 3])
    assert np.isnan(motion.readings[1, 1:]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time_s,ax,ay\n0,1,2\n", "no columns time_s, ax, ay and az; there is time_s, ax, ay"),
        ("ax,ay,az\n0,1,2\n", "no columns time_s, ax, ay and az; there is ax, ay, az"),
        ("time_s,ax,ay,az\n0,,,\n", "there is no reading in it"),
        ("time_h,ax,ay,az\n0,1,2,3\n", "'time_h' has no unit that is known here; there is s, "),
        ("time_s,ax_lb,ay_lb,az_lb\n0,1,2,3\n", "'ax_lb' has no unit that is known here; there is m_s2, "),
        ("time,ax,ay,az\n0,1,2,3\n5000,1,2,3\n", "time rises by 5000 s; a unit may be missing"),
    ],
)
def test_a_table_without_motion_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"m\.csv: {message}"):
        motion_of(written(tmp_path / "m.csv", text))
