"""An IMU's message is the same, byte for byte, as when it is packed by the definition of its type."""

import struct

import numpy as np
import pytest
from makers import T0
from recordings import TEXTS

from pipeline.logs.exact import IMU, store
from pipeline.logs.inertial import pack_imu, unpack_imu
from pipeline.messages import NS

READINGS = [[0.1, -0.0, 9.81], [1e300, -2.5, 3.0, 4.0, 5e-324, -6.0]]


def by_definition(stamp: int, frame_id: str, readings: list[float]) -> bytes:
    types = store().types
    vector, unknown = types["geometry_msgs/msg/Vector3"], np.array([-1.0] + [0.0] * 8)
    time = types["builtin_interfaces/msg/Time"](sec=stamp // NS, nanosec=stamp % NS)
    turn = readings[3:] or [0.0, 0.0, 0.0]
    message = types[IMU](
        header=types["std_msgs/msg/Header"](stamp=time, frame_id=frame_id),
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        orientation_covariance=unknown,
        angular_velocity=vector(x=turn[0], y=turn[1], z=turn[2]),
        angular_velocity_covariance=np.zeros(9) if len(readings) == 6 else unknown,
        linear_acceleration=vector(x=readings[0], y=readings[1], z=readings[2]),
        linear_acceleration_covariance=np.zeros(9),
    )
    return bytes(store().serialize_cdr(message, IMU))


@pytest.mark.parametrize("readings", READINGS)
@pytest.mark.parametrize("frame_id", [*TEXTS, *("x" * n for n in range(1, 9))])
def test_it_is_packed_and_unpacked_as_its_definition_says(frame_id: str, readings: list[float]) -> None:
    stamp = T0 + 123_456_789
    packed = pack_imu(stamp, frame_id, readings)
    assert packed == by_definition(stamp, frame_id, readings)
    assert unpack_imu(packed) == (stamp, frame_id, readings)


def test_a_message_that_is_cut_is_an_error() -> None:
    packed = pack_imu(T0, "imu_link", READINGS[1])
    for length in (0, 10, 30, len(packed) - 73):  # 72 bytes, the last covariance, are never looked at
        with pytest.raises(struct.error):
            unpack_imu(packed[:length])
