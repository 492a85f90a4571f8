"""Messages of any type are read as the numbers in them where a rig names a modality of its own."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pipeline.config import Channel
from pipeline.logs import Log
from pipeline.logs.exact import store
from pipeline.logs.numbers import SAMPLE, numbers
from pipeline.logs.raw import MessageError
from pipeline.messages import NS, Calibration, Received

START = 1_700_000_000 * NS


def read(path: Any, shape: tuple[int, ...], topic: str = "/force") -> tuple[list[Received], dict[tuple[str, str], int]]:
    with Log(path) as log:
        channel = Channel(topic, "force", 10.0, calibration=Calibration(shape=shape))
        return list(log.samples([channel])), dict(log.rejected)


def test_a_wrench_is_six_numbers_at_its_own_stamp(recording: Any) -> None:
    stamp = START - 7
    recording.add(
        "/force", "geometry_msgs/msg/WrenchStamped", START,
        header={"stamp": stamp, "frame_id": "tool"},
        wrench={"force": {"x": 1.0, "y": 2.0, "z": 3.0}, "torque": {"x": 4.0, "y": 5.0, "z": 6.0}},
    )  # fmt: skip
    (received,), rejected = read(recording.write(), (6,))
    assert_array_equal(received.sample.data, [1, 2, 3, 4, 5, 6])
    assert (received.sample.stamp, received.sample.frame_id, rejected) == (stamp, "tool", {})


def message(type_: str, **fields: Any) -> Any:
    """A message with an empty header, or without one."""
    types = store().types
    time = types["builtin_interfaces/msg/Time"](sec=7, nanosec=8)
    if "header" in types[type_].__dataclass_fields__:
        fields["header"] = types["std_msgs/msg/Header"](stamp=time, frame_id="base")
    return types[type_](**fields)


def test_text_and_header_are_left_out_and_arrays_are_taken_whole() -> None:
    two, nothing = np.array([1.0, 2.0]), np.zeros(0)
    joints = message("sensor_msgs/msg/JointState", name=["a", "b"], position=two, velocity=nothing, effort=two + 4)
    assert_array_equal(numbers("sensor_msgs/msg/JointState", joints, (4,)), [1, 2, 5, 6])


def test_numbers_take_the_shape_that_is_asked_for() -> None:
    layout = message("std_msgs/msg/MultiArrayLayout", dim=[], data_offset=9)
    rows = message("std_msgs/msg/Float32MultiArray", layout=layout, data=np.arange(6, dtype=np.float32))
    assert_array_equal(numbers("std_msgs/msg/Float32MultiArray", rows, (2, 3)), [[0, 1, 2], [3, 4, 5]])


def test_messages_in_messages_follow_each_other() -> None:
    points = [message("geometry_msgs/msg/Point32", x=n, y=n + 1, z=n + 2) for n in (0.0, 10.0)]
    polygon = message("geometry_msgs/msg/Polygon", points=points)
    assert_array_equal(numbers("geometry_msgs/msg/Polygon", polygon, (6,)), [0, 1, 2, 10, 11, 12])


def test_another_number_of_them_is_counted_and_told(recording: Any) -> None:
    recording.add("/force", "geometry_msgs/msg/Vector3", START, x=1.0, y=2.0, z=3.0)
    received, rejected = read(recording.write(), (6,))
    assert not received
    assert rejected == {("/force", "shape"): 1}


@pytest.mark.parametrize(("dtype", "shape"), [("<f8", (3,)), ("nonsense", (2,)), ("<f8", (9,))])
def test_a_sample_of_ours_whose_bytes_lie_is_told(dtype: str, shape: tuple[int, ...]) -> None:
    sent = SimpleNamespace(data=np.zeros(16, np.uint8), dtype=dtype, shape=shape)
    with pytest.raises(MessageError, match="its bytes are no"):
        numbers(SAMPLE, sent, shape)
