"""A camera: a local device, a network stream, or a video file played as if it were one."""

import atexit
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from threading import Condition, Event, Thread

import cv2
import numpy as np

from pipeline.messages import NS, Array, Sample

logger = getLogger(__name__)

FIRST_RETRY_S = 0.5
LAST_RETRY_S = 8.0
TIMEOUT_MS = 5000
"""How long a network stream may take to open or to bring its next frame before it counts as lost."""


class Camera:
    """Frames as (H, W, 3) uint8 RGB, stamped as they leave the driver.

    ``device`` is a path as ``/dev/video0``, an index as ``0``, an ``rtsp://`` or ``http://`` address, or a video file.
    A device or a stream always gives its newest frame: a reader that is slow misses some, and ``seq`` tells how many.
    When it fails, it is reopened, at most every 8 s. A file plays at its own rate, frame by frame, and ends, or begins
    again if ``loop``. ``width``, ``height`` and ``rate_hz`` are wishes to a local device; 0 leaves the choice to it.

    Raise OSError where ``device`` cannot be opened at the start.
    """

    def __init__(
        self,
        topic: str = "/camera",
        device: str = "/dev/video0",
        width: int = 0,
        height: int = 0,
        rate_hz: float = 0.0,
        loop: bool = False,
        frame_id: str = "camera",
    ) -> None:
        if min(width, height, rate_hz) < 0:
            raise ValueError(f"width {width}, height {height} and rate_hz {rate_hz} must not be below 0")
        self.topic = topic
        self.device = device
        self.width = width
        self.height = height
        self.rate_hz = rate_hz
        self.loop = loop
        self.frame_id = frame_id

    def __iter__(self) -> Iterator[Sample]:
        frames = self._play() if Path(self.device).is_file() else self._watch()
        for seq, stamp, frame in frames:
            data = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            yield Sample(topic=self.topic, stamp=stamp, frame_id=self.frame_id, seq=seq, data=data)

    def open(self) -> cv2.VideoCapture:
        """Open the device with its wishes. Raise OSError, telling what to try."""
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what OpenCV would print is told below, once
        address = int(self.device) if self.device.isdigit() else self.device
        if "://" in self.device:
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
            capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
        else:
            capture = cv2.VideoCapture(address)
        if not capture.isOpened():
            raise OSError(f"camera {self.shown} cannot be opened: {self._advice()}")
        wishes = {
            cv2.CAP_PROP_FRAME_WIDTH: self.width,
            cv2.CAP_PROP_FRAME_HEIGHT: self.height,
            cv2.CAP_PROP_FPS: self.rate_hz,
            cv2.CAP_PROP_BUFFERSIZE: 1,  # a frame that waits in the driver is an old frame
        }
        for key, wish in wishes.items():
            if wish:
                capture.set(key, wish)
        return capture

    @property
    def shown(self) -> str:
        """The device without the password that its address may hold."""
        return re.sub(r"//[^/@]*@", "//", self.device)

    def _play(self) -> Iterator[tuple[int, int, Array]]:
        """Yield the frames of a file when they are due; stamps are exactly the file's period apart."""
        start, seq = time.time_ns(), 0
        while True:
            capture, first = self.open(), seq
            period = NS / (capture.get(cv2.CAP_PROP_FPS) or self.rate_hz or 30.0)
            while (read := capture.read())[0]:
                due = start + round(seq * period)
                time.sleep(max(0, due - time.time_ns()) / NS)
                yield seq, due, read[1]
                seq += 1
            capture.release()
            if seq == first:
                raise OSError(f"camera {self.shown}: the file holds no frame that can be read")
            if not self.loop:
                return

    def _watch(self) -> Iterator[tuple[int, int, Array]]:
        """Yield the newest frame of a live source, each at most once."""
        grabber = Grabber(self)
        try:
            seq = -1
            while True:
                seq, stamp, frame = grabber.newer_than(seq)
                yield seq, stamp, frame
        finally:
            grabber.stop()

    def _advice(self) -> str:
        if "://" in self.device:
            return "check the address, user and password, and that this host can reach it"
        present = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
        return (
            f"present are {present}; try another path or index, or an rtsp:// address or a video file; a device "
            "that is present may be held by another program or closed to this user (on Linux, group video)"
        )


class Grabber:
    """Reads a live source in a thread of its own, so that frames never wait, and keeps the newest."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._capture = camera.open()
        self._stopped = Event()
        self._changed = Condition()
        self._newest: tuple[int, int, Array] | None = None
        self._thread = Thread(target=self._run, name=f"camera {camera.topic}", daemon=True)
        self._thread.start()
        atexit.register(self.stop)  # a thread that the interpreter kills inside OpenCV takes the process down with it

    def newer_than(self, seq: int) -> tuple[int, int, Array]:
        """Wait for a frame after ``seq``; return its own, its stamp, and (H, W, 3) uint8 BGR."""
        with self._changed:
            while self._newest is None or self._newest[0] <= seq:
                self._changed.wait()
            return self._newest

    def stop(self) -> None:
        """Let go of the source; this may take as long as its timeout."""
        atexit.unregister(self.stop)
        self._stopped.set()
        self._thread.join(TIMEOUT_MS / 1000)

    def _run(self) -> None:
        """Read until stopped. Reopen a lost source ever more slowly; say once that it is lost, and when it is back."""
        seq, lost, wait_s = 0, 0.0, FIRST_RETRY_S
        while not self._stopped.is_set():
            if read := self._read():
                if lost:
                    self._say(f"is back after {time.monotonic() - lost:.1f} s")
                    lost, wait_s = 0.0, FIRST_RETRY_S
                with self._changed:
                    self._newest = seq, *read
                    self._changed.notify_all()
                seq += 1
                continue
            if not lost:
                self._say("is lost; trying to reopen it")
                lost = time.monotonic()
            self._capture.release()
            self._stopped.wait(wait_s)
            wait_s = min(2 * wait_s, LAST_RETRY_S)
            with suppress(OSError):
                self._capture = self._camera.open()
        self._capture.release()

    def _read(self) -> tuple[int, Array] | None:
        """Return the time of the next frame and the frame, or None where the source gives none."""
        try:
            grabbed = self._capture.grab()
            stamp = time.time_ns()
            decoded, frame = self._capture.retrieve() if grabbed else (False, np.empty(0))
        except cv2.error:
            return None
        return (stamp, np.asarray(frame)) if decoded else None

    def _say(self, what: str) -> None:
        logger.warning("%s: camera %s %s", self._camera.topic, self._camera.shown, what)
