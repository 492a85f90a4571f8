"""Rerun gets every sense and every event: read back from its file by its own reader."""

import io
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from makers import CAMERA, DEPTH, IMU, MICROPHONE, THERMAL, sample
from msgspec.structs import replace
from PIL import Image
from viewing import CHANNELS, FIRE, GAS, observation, received

pytest.importorskip("rerun")
from rerun.chunk import RrdReader

from pipeline.messages import NS, Received
from pipeline.monitor.rerun import LABELS, Rerun

SERVER = """
import sys, rerun
recording = rerun.RecordingStream("viewer")
print(recording.serve_grpc(grpc_port=int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def columns(path: Path) -> dict[str, dict[str, list[Any]]]:
    """Return what a file holds, by entity and component, beside ``stamp``."""
    found: dict[str, dict[str, list[Any]]] = {}
    for chunk in RrdReader(path).stream().to_chunks():
        for name, column in zip(chunk.to_record_batch().schema.names, chunk.to_record_batch().columns, strict=True):
            short = name.rpartition(":")[2]
            values = column.cast("int64") if short == "stamp" else column
            found.setdefault(chunk.entity_path, {}).setdefault(short, []).extend(values.to_pylist())
    return found


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Any]]]:
    """Return what becomes of a sample of every sense, a window and an event."""
    path = tmp_path_factory.mktemp("rerun") / "run.rrd"
    with closing(Rerun(str(path), CHANNELS)) as viewer:
        for channel in CHANNELS:
            viewer.sample(received(channel))
        viewer.sample(Received(sample=sample("/imu", at_s=1e13, data=np.full(6, np.nan)), received=7))
        viewer.sample(Received(sample=sample("/elsewhere"), received=7))
        viewer.show(observation())
        viewer.write(FIRE)
        viewer.write(replace(FIRE, phase="updated", score=0.5))
    return columns(path)


def test_every_sample_lies_at_its_stamp(logged: dict[str, dict[str, list[Any]]]) -> None:
    assert "/elsewhere" not in logged
    for channel in CHANNELS:
        entities = [entity for entity in logged if entity.split("/")[1] == channel.topic[1:]]
        assert entities
        assert all(logged[entity]["stamp"] == [received(channel).sample.stamp] for entity in entities)


def test_pictures_come_back(logged: dict[str, dict[str, list[Any]]]) -> None:
    (jpeg,) = logged[CAMERA.topic]["blob"][0]
    assert np.asarray(Image.open(io.BytesIO(bytes(jpeg)))).shape == (48, 64, 3)
    depth = np.frombuffer(bytes(logged[DEPTH.topic]["buffer"][0][0]), "<u2")
    np.testing.assert_array_equal(depth, received(DEPTH).sample.data.reshape(-1))
    assert logged[DEPTH.topic]["meter"] == [[1000.0]]
    celsius = np.frombuffer(bytes(logged[THERMAL.topic]["buffer"][0][0]), "<f4")
    np.testing.assert_allclose(celsius, received(THERMAL).sample.data.reshape(-1) / 100 - 273.15, atol=1e-3)


def test_numbers_come_back(logged: dict[str, dict[str, list[Any]]]) -> None:
    data = received(IMU).sample.data
    assert logged["/imu/acceleration"]["scalars"] == [data[:3].tolist()]
    assert logged["/imu/rotation"]["scalars"] == [data[3:].tolist()]
    assert logged[GAS.topic]["data"][0][0]["buffer"] == [1.0, 2.0, 3.0]
    loudness = np.sqrt(np.mean((received(MICROPHONE).sample.data / 32768) ** 2))
    assert logged["/microphone/level"]["scalars"][0] == pytest.approx([20 * np.log10(loudness)])


def test_what_was_made_of_it_comes_back(logged: dict[str, dict[str, list[Any]]]) -> None:
    assert logged["/rigbind/weights/camera"]["scalars"] == [[1.0]]
    assert logged["/rigbind/events"]["text"] == [["opened fire <b>, score 0.75"]]
    assert logged["/rigbind/events"]["level"] == [["CRITICAL"]]
    assert logged["/rigbind/events"]["stamp"] == [102 * NS]
    assert logged["/rigbind/events/camera"]["blob"] == [[list(FIRE.pictures["/camera"])]]
    assert logged["/rigbind/events/microphone"]["blob"] == [[list(FIRE.sounds["/microphone"])]]
    (scores,) = (found["scalars"] for entity, found in logged.items() if entity.startswith("/rigbind/scores"))
    assert scores == [[0.75], [0.5]]


def test_labels_beyond_the_first_share_a_plot(tmp_path: Path) -> None:
    path = tmp_path / "labels.rrd"
    with closing(Rerun(str(path))) as viewer:
        for number in range(LABELS + 5):
            viewer.write(replace(FIRE, label=f"{number}"))
    plots = [entity for entity in columns(path) if entity.startswith("/rigbind/scores")]
    assert len(plots) == LABELS + 1


def test_a_file_holds_how_to_look_at_it(tmp_path: Path) -> None:
    path = tmp_path / "empty.rrd"
    Rerun(str(path), CHANNELS).close()
    (layout,) = RrdReader(path).blueprints()
    assert layout.application_id == "rigbind"


def test_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for to in (str(tmp_path / "no" / "folder.rrd"), f"rerun+http://127.0.0.1:{port}/proxy", "run.mcap", "a:b:c"):
        with pytest.raises(OSError, match=to.replace("+", r"\+")):
            Rerun(to)


def test_a_viewer_that_is_lost_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.monitor.rerun.FLUSH_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert server.stdout
        server.stdout.readline()
        with closing(Rerun(f"rerun+http://127.0.0.1:{port}/proxy", CHANNELS)) as viewer:
            viewer.sample(received(CAMERA))
            viewer.write(FIRE)
            server.kill()
            for seq in range(1000):
                viewer.sample(received(CAMERA, seq))
                if viewer._aside.error:
                    break
                time.sleep(0.01)
            assert "lost, and left alone" in viewer._aside.error
            assert viewer._is_lost
    finally:
        server.kill()
        server.communicate()
