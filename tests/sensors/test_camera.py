"""The camera driver on real video files and a real network stream."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count, islice
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest

from pipeline.messages import NS, Sample, Sensor
from sensors.camera import Camera, Grabber

COLOURS = [(220, 40, 40), (40, 200, 40), (40, 40, 220), (200, 200, 200), (10, 10, 10)]
RATE_HZ = 50.0
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Five frames of one RGB colour each."""
    path = tmp_path / "five.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, (64, 48))
    for red, green, blue in COLOURS:
        writer.write(np.full((48, 64, 3), (blue, green, red), np.uint8))
    writer.release()
    return path


class Stream(ThreadingHTTPServer):
    """A network camera: one JPEG every 20 ms, its grey value counting the frames since the start; a visitor gets
    ``visit`` of them, then is cut off."""

    def __init__(self, visit: int = 1_000_000) -> None:
        super().__init__(("127.0.0.1", 0), Frames)
        self.visit = visit
        self.start = time.monotonic()
        self.visitors = 0

    @property
    def address(self) -> str:
        return f"http://guest:secret@127.0.0.1:{self.server_port}/video"

    @property
    def now(self) -> int:
        return int((time.monotonic() - self.start) / 0.02)


class Frames(BaseHTTPRequestHandler):
    server: Stream

    def do_GET(self) -> None:
        self.server.visitors += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for sent in count():
                if sent >= self.server.visit:
                    return
                jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), self.server.now % 256, np.uint8))[1].tobytes()
                self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
                self.wfile.write(jpeg + b"\r\n")
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            return  # the camera has gone

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> Iterator[Stream]:
    server = Stream(getattr(request, "param", 1_000_000))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_camera_is_a_sensor() -> None:
    assert isinstance(Camera(), Sensor)


def test_a_file_gives_its_frames_in_rgb_and_ends(video: Path) -> None:
    samples = list(Camera(topic="/front", device=str(video), frame_id="mast"))
    assert [sample.seq for sample in samples] == [0, 1, 2, 3, 4]
    assert {(sample.topic, sample.frame_id) for sample in samples} == {("/front", "mast")}
    for sample, colour in zip(samples, COLOURS, strict=True):
        assert sample.data.shape == (48, 64, 3)
        assert sample.data.dtype == np.uint8
        assert np.abs(sample.data.mean((0, 1)) - colour).max() < 6  # JPEG


def test_a_file_plays_at_its_own_rate(video: Path) -> None:
    before = time.time_ns()
    arrivals = [(sample.stamp, time.time_ns()) for sample in Camera(device=str(video), rate_hz=5)]
    stamps = [stamp for stamp, _ in arrivals]
    assert set(np.diff(stamps)) == {NS // 50}
    assert stamps[0] - before < NS // 10
    assert all(stamp <= arrival for stamp, arrival in arrivals)
    assert arrivals[-1][1] - before >= 4 * NS // 50


def test_a_loop_goes_on_without_a_seam(video: Path) -> None:
    samples = list(islice(Camera(device=str(video), loop=True), 12))
    assert [sample.seq for sample in samples] == list(range(12))
    assert set(np.diff([sample.stamp for sample in samples])) == {NS // 50}
    assert samples[10].data.mean() == samples[0].data.mean()


@pytest.mark.parametrize(
    ("device", "advice"),
    [
        ("/dev/absent", "try another path or index"),
        ("99", "try another path or index"),
        ("rtsp://admin:secret@127.0.0.1:1/stream", "check the address, user and password"),
    ],
)
def test_what_cannot_be_opened_is_told_with_advice_and_without_password(device: str, advice: str) -> None:
    with pytest.raises(OSError, match=advice) as error:
        next(iter(Camera(device=device)))
    assert device.replace("admin:secret@", "") in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no video" * 100])
def test_a_file_that_is_no_video_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.avi"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"no\.avi"):
        next(iter(Camera(device=str(path), loop=True)))


def test_a_video_without_a_frame_is_told_not_looped(tmp_path: Path) -> None:
    path = tmp_path / "none.avi"
    cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, (64, 48)).release()
    with pytest.raises(OSError, match=r"none\.avi: the file holds no frame"):
        next(iter(Camera(device=str(path), loop=True)))


def test_negative_wishes_are_refused() -> None:
    with pytest.raises(ValueError, match="width -1"):
        Camera(width=-1)


def test_a_slow_reader_gets_new_frames_and_seq_tells_what_it_missed(stream: Stream) -> None:
    samples: list[Sample] = []
    ages = []
    for sample in islice(Camera(device=stream.address), 6):
        ages.append((stream.now - round(sample.data.mean())) % 256)
        samples.append(sample)
        time.sleep(0.2)
    assert max(ages[1:]) <= 4  # frames of 20 ms; a queue would be 10 frames older with each
    assert min(np.diff([sample.seq for sample in samples])) >= 5
    assert time.time_ns() - samples[-1].stamp < NS


@pytest.mark.parametrize("stream", [10], indirect=True)
def test_a_stream_that_breaks_is_reopened_and_told_once(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    camera = iter(Camera(topic="/gate", device=stream.address))
    with caplog.at_level(logging.WARNING, "sensors.camera"):
        while stream.visitors < 2:
            next(camera)
        camera.close()  # type: ignore[attr-defined]
    told = [record.getMessage().replace(str(stream.server_port), "PORT") for record in caplog.records][:2]
    assert told[0] == "/gate: camera http://127.0.0.1:PORT/video is lost; trying to reopen it"
    assert told[1].startswith("/gate: camera http://127.0.0.1:PORT/video is back after ")


def test_an_outage_is_told_once_however_often_it_is_tried(stream: Stream, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sensors.camera"):
        grabber = Grabber(Camera(device=stream.address))
        grabber.newer_than(-1)
        stream.visit = 0  # whoever comes from now on is let in and sent away without a frame
        while stream.visitors < 3:
            time.sleep(0.05)
        grabber.stop()
    assert [record.getMessage().split(" is ")[1] for record in caplog.records] == ["lost; trying to reopen it"]


def test_a_camera_that_still_runs_does_not_disturb_the_end_of_the_process(stream: Stream) -> None:
    script = f"from sensors.camera import Camera; camera = iter(Camera(device={stream.address!r})); next(camera)"
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_real_video_plays() -> None:
    folder = ROOT.parent / "shared" / "data" / "drone_ir_visible_audio"
    videos = sorted(folder.glob("video*/*.mp4"))
    if not videos:
        pytest.skip(f"real recordings are not here: {folder} is absent")
    samples = list(islice(Camera(device=str(videos[0])), 5))
    assert {sample.data.shape for sample in samples} == {samples[0].data.shape}
    assert samples[0].data.std() > 1


def test_a_local_camera_gives_frames() -> None:
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        pytest.skip("this host has no camera: /dev/video* is absent")
    samples = list(islice(Camera(device=str(devices[0])), 3))
    assert [sample.data.ndim for sample in samples] == [3, 3, 3]
    assert abs(time.time_ns() - samples[-1].stamp) < NS
