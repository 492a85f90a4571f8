"""Foxglove gets every sense in a form that it draws: read back by a client that speaks its protocol."""

import base64
import io
import json
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from makers import CAMERA, DEPTH, IMU, MICROPHONE, THERMAL, sample
from PIL import Image
from viewing import CHANNELS, FIRE, GAS, observation, received

pytest.importorskip("foxglove")
from websockets import Subprotocol
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from pipeline.config import Channel, Security, load
from pipeline.errors import SecurityError
from pipeline.messages import NS, Received
from pipeline.monitor.foxglove import Foxglove


class Client:
    """Opens every topic, and reads."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket
        self.topics: dict[str, dict[str, Any]] = {}
        while len(self.topics) < len(CHANNELS) + 3:
            told = json.loads(self._socket.recv(5))
            self.topics |= {channel["topic"]: channel for channel in told.get("channels", [])}
        self._by_id = {channel["id"]: channel for channel in self.topics.values()}
        wanted = [{"id": number, "channelId": number} for number in self._by_id]
        self._socket.send(json.dumps({"op": "subscribe", "subscriptions": wanted}))

    def read(self) -> tuple[str, int, Any]:
        """Return topic, time and content of the next message."""
        while isinstance(frame := self._socket.recv(5), str):
            continue
        kind, number, stamp = struct.unpack_from("<BIQ", frame)
        assert kind == 1
        channel = self._by_id[number]
        return channel["topic"], stamp, _decoded(channel, frame[13:])


def _decoded(channel: dict[str, Any], payload: bytes) -> Any:
    if channel["encoding"] == "json":
        return json.loads(payload)
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(channel["schema"] + "=="))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(channel["schemaName"])).FromString(payload)


@pytest.fixture
def viewer() -> Iterator[Foxglove]:
    with closing(Foxglove(port=0, channels=CHANNELS)) as viewer:
        yield viewer


@pytest.fixture
def client(viewer: Foxglove) -> Iterator[Client]:
    with connect(viewer.address, subprotocols=[Subprotocol("foxglove.sdk.v1")]) as socket:
        client = Client(socket)
        _wait_for_subscriptions(viewer)
        yield client


def _wait_for_subscriptions(viewer: Foxglove) -> None:
    while not all(stream.has_sinks() for stream in viewer._streams.values()):
        pass


def shown(viewer: Foxglove, client: Client, channel: Channel) -> Any:
    """Return what the client reads of one sample of ``channel``."""
    one = received(channel)
    viewer.sample(one)
    topic, stamp, message = client.read()
    assert (topic, stamp) == (channel.topic, one.received)
    return message


def test_pictures_are_jpeg(viewer: Foxglove, client: Client) -> None:
    message = shown(viewer, client, CAMERA)
    drawn = np.asarray(Image.open(io.BytesIO(message.data))).astype(int)
    assert message.format == "jpeg"
    assert drawn.shape == (48, 64, 3)
    assert message.timestamp.ToNanoseconds() == received(CAMERA).sample.stamp


def test_depth_and_thermal_keep_their_numbers(viewer: Foxglove, client: Client) -> None:
    for channel in (DEPTH, THERMAL):
        message, data = shown(viewer, client, channel), received(channel).sample.data
        assert message.encoding == "16UC1"
        assert (message.height, message.width, message.step) == (*data.shape, 2 * data.shape[1])
        np.testing.assert_array_equal(np.frombuffer(message.data, "<u2").reshape(data.shape), data)


@pytest.mark.parametrize(("dtype", "encoding", "step"), [(">f8", "32FC1", 16), ("|u1", "mono8", 4)])
def test_other_numbers_of_an_image_come_as_what_foxglove_has(
    viewer: Foxglove, client: Client, dtype: str, encoding: str, step: int
) -> None:
    viewer.sample(Received(sample=sample("/thermal", data=np.full((3, 4), 21, dtype)), received=7))
    message = client.read()[2]
    assert (message.encoding, message.step) == (encoding, step)
    assert set(np.frombuffer(message.data, "<f4" if step == 16 else "u1")) == {21}


def test_sound_is_pcm(viewer: Foxglove, client: Client) -> None:
    message = shown(viewer, client, MICROPHONE)
    assert (message.format, message.sample_rate, message.number_of_channels) == ("pcm-s16", 16_000, 1)
    np.testing.assert_array_equal(np.frombuffer(message.data, "<i2"), received(MICROPHONE).sample.data)
    viewer.sample(Received(sample=sample("/microphone", data=np.array([[2.0, -0.5]])), received=7))
    message = client.read()[2]
    assert message.number_of_channels == 2
    assert np.frombuffer(message.data, "<i2").tolist() == [32767, -16383]


def test_motion_and_other_numbers_are_json(viewer: Foxglove, client: Client) -> None:
    data = received(IMU).sample.data
    message = shown(viewer, client, IMU)
    assert [message["linear_acceleration"][axis] for axis in "xyz"] == data[:3].tolist()
    assert [message["angular_velocity"][axis] for axis in "xyz"] == data[3:].tolist()
    assert shown(viewer, client, GAS) == {"values": [1.0, 2.0, 3.0]}


def test_windows_and_events_are_told(viewer: Foxglove, client: Client) -> None:
    viewer.write(FIRE)
    viewer.show(observation())
    read = {topic: (stamp, message) for topic, stamp, message in (client.read() for _ in range(3))}
    stamp, log = read["/rigbind/events"]
    assert (stamp, log.message, log.name, log.level) == (102 * NS, "opened fire <b>, score 0.75, 2.0 s", "tagging", 4)
    assert read["/rigbind/scores"][1]["score"] == 0.75
    camera, imu = read["/rigbind/windows"][1]["topics"]
    assert camera == {"label": "/camera", "value": 1.0, "coverage": 0.5, "state": "ok"}
    assert (imu["state"], imu["value"]) == ("stale", 0.0)


def test_what_a_channel_refuses_is_not_shown(viewer: Foxglove, client: Client) -> None:
    hostile = [np.ones((2, 2, 2, 2)), np.full(6, np.nan), np.full(6, "x")]
    for data in hostile:
        viewer.sample(Received(sample=sample("/imu", data=data), received=7))
    viewer.sample(Received(sample=sample("/elsewhere"), received=7))
    viewer.sample(Received(sample=sample("/camera", at_s=1e13, data=np.zeros((2, 2), np.uint8)), received=-5))
    topic, stamp, message = client.read()
    assert (topic, stamp, message.timestamp.seconds) == ("/camera", 0, 2**32 - 1)


def test_nobody_looking_costs_nothing(viewer: Foxglove, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[object] = []
    monkeypatch.setattr(viewer._aside, "put", put.append)
    viewer.sample(received(CAMERA))
    assert not put


def test_a_port_in_use_and_an_open_address_are_refused(viewer: Foxglove) -> None:
    port = int(viewer.address.rpartition(":")[2])
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        Foxglove(port=port)
    with pytest.raises(SecurityError, match=r"0\.0\.0\.0"):
        Foxglove(port=0, host="0.0.0.0")
    Foxglove(port=0, host="0.0.0.0", security=Security(insecure=True)).close()


def test_the_layout_shows_topics_that_the_demo_has() -> None:
    configs = Path(__file__).resolve().parents[3] / "configs"
    text = (configs / "foxglove-layout.json").read_text()
    layout = json.loads(text)
    with closing(Foxglove(port=0, channels=load(configs / "demo.toml").channels)) as viewer:
        own = {"/rigbind/windows", "/rigbind/scores", "/rigbind/events"}
        panels = layout["configById"]
        shown = {topic for panel in panels.values() for topic in _topics_of(panel)}
        assert shown == set(viewer._streams) | own
    assert sorted(_leaves(layout["layout"])) == sorted(panels)


def _topics_of(panel: dict[str, Any]) -> Iterator[str]:
    for path in panel.get("paths", []):
        yield path["value"].partition(".")[0].partition("{")[0]
    for topic in (panel.get("imageMode", {}).get("imageTopic"), panel.get("topic"), panel.get("topicToRender")):
        if topic:
            yield topic


def _leaves(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        yield from _leaves(node["first"])
        yield from _leaves(node["second"])
