"""What other programs need to know of a camera to put its pictures into space."""

from typing import Any

import numpy as np

from pipeline.logs.exact import store
from pipeline.messages import NS, Sample

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def camera_info(sample: Sample, focal_px: float) -> bytes:
    """Return the CDR of a pinhole without distortion, whose axis goes through the centre of the picture."""
    types: dict[str, Any] = store().types
    height, width = sample.data.shape[:2]
    seconds, nanoseconds = divmod(sample.stamp, NS)
    x, y = (width - 1) / 2, (height - 1) / 2
    message = types[CAMERA_INFO](
        header=types["std_msgs/msg/Header"](
            stamp=types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds), frame_id=sample.frame_id
        ),
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array([focal_px, 0, x, 0, focal_px, y, 0, 0, 1.0]),
        r=np.eye(3).ravel(),
        p=np.array([focal_px, 0, x, 0, 0, focal_px, y, 0, 0, 0, 1.0, 0]),
        binning_x=0,
        binning_y=0,
        roi=types["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )
    return bytes(store().serialize_cdr(message, CAMERA_INFO))
