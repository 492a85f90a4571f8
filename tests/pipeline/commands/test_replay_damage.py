"""A log with broken messages is replayed without them, and the books still close."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore
from test_cli import rigbind

IMAGE = "sensor_msgs/msg/CompressedImage"
START = 1_700_000_000_000_000_000


def write_bag(path: Path, pictures: list[bytes]) -> None:
    """A camera of 10 Hz whose messages hold ``pictures``."""
    store = get_typestore(Stores.ROS1_NOETIC)
    types: dict[str, Any] = dict(store.types)
    with Writer(path) as writer:
        connection = writer.add_connection("/camera", IMAGE, typestore=store)
        for number, picture in enumerate(pictures):
            time = START + number * 100_000_000
            stamp = types["builtin_interfaces/msg/Time"](sec=time // 10**9, nanosec=time % 10**9)
            header = types["std_msgs/msg/Header"](seq=number, stamp=stamp, frame_id="")
            message = types[IMAGE](header=header, format="jpeg", data=np.frombuffer(picture, np.uint8))
            writer.write(connection, time, store.serialize_ros1(message, IMAGE))


def test_broken_pictures_are_counted_named_and_left_out(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    Image.new("RGB", (64, 48)).save(whole)
    good = whole.read_bytes()
    write_bag(tmp_path / "drive.bag", [good if number % 10 else good[:50] for number in range(60)])
    done = rigbind("replay", tmp_path / "drive.bag")
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = [line.split() for line in done.stdout.splitlines() if line.startswith("/camera ")]
    assert (row[1], row[2], row[7]) == ("60", "54", "6")
    assert "/camera: 6 rejected picture" in done.stdout
    assert f"drive.bag: /camera at {START} ns" in done.stdout
