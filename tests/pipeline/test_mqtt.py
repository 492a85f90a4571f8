"""Events over MQTT reach a real broker, and one that is down holds up nobody."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from wires import event, waited_for

import pipeline.sinks.courier
from pipeline.errors import SecurityError
from pipeline.outbox import Outbox
from pipeline.sinks.mqtt import Mqtt

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def broker(port: int) -> Iterator[None]:
    """A broker that anyone on this host may use."""
    if not MOSQUITTO:
        pytest.skip("this host has no mosquitto")
    process = subprocess.Popen([MOSQUITTO, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        waited_for(lambda: _listens(port))
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def listening(port: int) -> Iterator[list[tuple[str, bytes]]]:
    """What a subscriber gets: topics and payloads."""
    heard: list[tuple[str, bytes]] = []
    is_subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def subscribe(*_: object) -> None:
        client.subscribe("rigbind/events/#", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: is_subscribed.set()
    client.on_message = lambda _, __, message: heard.append((message.topic, bytes(message.payload)))
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert is_subscribed.wait(10)
    yield heard
    client.disconnect()
    client.loop_stop()


def test_events_wait_for_a_broker_that_is_down_and_then_arrive_once_in_order() -> None:
    port = free_port()
    with closing(Mqtt(port=port, timeout_s=2)) as sink:
        sink.write(event(0))
        sink.write(event(0, "closed"))
        waited_for(lambda: "refused" in sink.told())
        assert sink.acknowledged == 0
        with broker(port), listening(port) as heard:
            waited_for(lambda: sink.acknowledged == 2)
            waited_for(lambda: len(heard) == 2)
            sink.close()
    assert {topic for topic, _ in heard} == {"rigbind/events/fire"}
    assert [json.loads(payload)["phase"] for _, payload in heard] == ["opened", "closed"]


def test_a_broker_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.sinks.courier, "CLOSE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = Mqtt(port=silent.getsockname()[1], timeout_s=0.1)
        sink.write(event(0))
        waited_for(lambda: "does not answer" in sink.told())
        sink.close()
    assert "1 left waiting" in sink.told()


@pytest.mark.parametrize("params", [{"port": 0}, {"topic": "a/#"}, {"topic": ""}, {"timeout_s": 0.0}])
def test_impossible_parameters_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(params))):
        Mqtt(**params)  # type: ignore[arg-type]


def test_nothing_goes_over_a_network_in_the_clear_unasked() -> None:
    with pytest.raises(SecurityError, match="in the clear"):
        Mqtt("192.0.2.1")


KILLED = """
import sys, time
from pathlib import Path
from wires import event
from pipeline.outbox import Outbox
from pipeline.sinks.mqtt import Mqtt

outbox = Outbox(Path(sys.argv[1]), [Mqtt(port=int(sys.argv[2]))])
outbox.write(event(0))
outbox.write(event(0, "closed"))
outbox.write(event(1))
print("written", flush=True)
time.sleep(60)
"""


@pytest.mark.fault
def test_what_a_killed_run_could_not_publish_is_published_by_the_next(tmp_path: Path) -> None:
    port = free_port()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        child.kill()
    with broker(port), listening(port) as heard, closing(Outbox(tmp_path, [Mqtt(port=port, timeout_s=2)])) as outbox:
        for closed in outbox.interrupted:
            outbox.write(closed)
        waited_for(lambda: len(heard) == 4)
    told = [json.loads(payload) for _, payload in heard]
    assert [(one["id"], one["phase"]) for one in told] == [
        ("e0", "opened"),
        ("e0", "closed"),
        ("e1", "opened"),
        ("e1", "closed"),
    ]
    sink = Mqtt(port=port)
    Outbox(tmp_path, [sink]).close()
    assert sink.told() == f"mqtt 127.0.0.1:{port}/rigbind/events: 0 delivered"
