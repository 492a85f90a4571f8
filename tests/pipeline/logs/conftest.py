"""Small logs of every format, written message by message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.interfaces import Nodetype
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

NS = 1_000_000_000
START = 1_700_000_000 * NS
DEFINITIONS = {
    "audio_common_msgs/msg/AudioData": "uint8[] data",
    "audio_common_msgs/msg/AudioDataStamped": "std_msgs/Header header\naudio_common_msgs/AudioData audio",
    "audio_common_msgs/msg/AudioInfo": (
        "uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\nstring coding_format"
    ),
    "foxglove_msgs/msg/RawAudio": (
        "builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\nuint32 number_of_channels"
    ),
    "made_up_msgs/msg/Smell": "float32 strength",
}


class Recording:
    """A log to be written: ``kind`` is ros1, mcap or sqlite3."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.messages: list[tuple[str, str, int, bytes]] = []
        self.store = get_typestore(Stores.ROS1_NOETIC if kind == "ros1" else Stores.ROS2_JAZZY)
        for type_, definition in DEFINITIONS.items():
            self.store.register(get_types_from_msg(definition, type_))

    def add(self, topic: str, type_: str, log_time: int, **fields: Any) -> None:
        """Append a message whose other fields are zero or empty; times are nanoseconds."""
        message = self._build(type_, fields)
        serialize = self.store.serialize_ros1 if self.kind == "ros1" else self.store.serialize_cdr
        self.add_bytes(topic, type_, log_time, bytes(serialize(message, type_)))

    def add_bytes(self, topic: str, type_: str, log_time: int, data: bytes) -> None:
        self.messages.append((topic, type_, log_time, data))

    def write(self, name: str = "log") -> Path:
        """Return a .bag, a single .mcap file, or a folder with a .db3 file."""
        path = self.folder / (f"{name}.bag" if self.kind == "ros1" else name)
        plugin = StoragePlugin.MCAP if self.kind == "mcap" else StoragePlugin.SQLITE3
        writer: Any = Ros1Writer(path) if self.kind == "ros1" else Ros2Writer(path, version=9, storage_plugin=plugin)
        with writer:
            connections: dict[tuple[str, str], Any] = {}
            for topic, type_, log_time, data in self.messages:
                if (topic, type_) not in connections:
                    connections[topic, type_] = writer.add_connection(topic, type_, typestore=self.store)
                writer.write(connections[topic, type_], log_time, data)
        return path / f"{name}.mcap" if self.kind == "mcap" else path

    def _build(self, type_: str, values: Any) -> Any:
        if type_ == "builtin_interfaces/msg/Time":
            seconds, nanoseconds = divmod(values or 0, NS)
            return self.store.types[type_](sec=seconds, nanosec=nanoseconds)
        fields = {name: self._field(kind, (values or {}).get(name)) for name, kind in self.store.fielddefs[type_][1]}
        return self.store.types[type_](**fields)

    def _field(self, kind: Any, value: Any) -> Any:
        node, rest = kind
        if node == Nodetype.NAME:
            return self._build(rest, value)
        if node == Nodetype.BASE:
            return value if value is not None else "" if rest[0] == "string" else 0
        if node == Nodetype.ARRAY:
            return np.zeros(rest[1]) if value is None else np.asarray(value, np.float64)
        return np.frombuffer(value or b"", np.uint8)


@pytest.fixture(params=["ros1", "mcap", "sqlite3"])
def recording(tmp_path: Path, request: pytest.FixtureRequest) -> Recording:
    """An empty log of each format in turn."""
    return Recording(tmp_path, request.param)


@pytest.fixture
def record(tmp_path: Path) -> Callable[[str], Recording]:
    """Make an empty log of a given format."""
    return lambda kind: Recording(tmp_path, kind)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, where they are."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real recordings are not here: {folder} is absent")
    return folder
