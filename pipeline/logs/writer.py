"""One MCAP file of samples and rows, which Foxglove, the ``mcap`` library and rosbags read as it is.

A sample's MCAP channel says of it what its ROS message cannot (``exact.Form``); rows are JSON.
"""

import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

import msgspec

from pipeline.config import Channel, Config
from pipeline.errors import LogError
from pipeline.logs.camera_info import CAMERA_INFO, camera_info
from pipeline.logs.chunks import ChunkWriter
from pipeline.logs.exact import COMPRESSED, IMAGE, Form, definition, encode, form_of, loose
from pipeline.logs.rows import TOPICS, Row, json_schema
from pipeline.messages import Received

RECORD = "rigbind"
"""The name of our MCAP metadata records: one at the start, and one at the end of a recording that came to its end."""

MAX_FORMS = 1000
"""How many MCAP channels are made for samples (there can be 65 535); a sender that starts anew ever again, or has
another frame for each sample, has the rest of its samples in its topic's loose form."""


class LogWriter:
    """Writes to a new file at ``path``; ``model`` names the encoders and their weights.

    With ``resume`` the file may be there: what another has left unfinished, and this one would write again, stays.
    Raise LogError if there is a file that must not be, or that another writes; or if none can be made. Later OSError
    comes through.
    """

    def __init__(self, path: Path, config: Config, model: str = "", resume: bool = False) -> None:
        self.path = path
        self._rig: dict[str, Channel] = {channel.topic: channel for channel in config.channels}
        self._channels: dict[Form | type[Row], int] = {}
        self._schemas: dict[str, int] = {}
        told = {"version": _version(), "model": model, "config": msgspec.json.encode(config).decode()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = _going_on(path) if resume else path.open("xb")
            self._writer = ChunkWriter(self._file, profile="ros2", library=f"rigbind {_version()}")
            self._writer.add_metadata(RECORD, told)
            self._writer.flush()
        except OSError as error:
            why = error.strerror
            if isinstance(error, FileExistsError) and path.exists():
                why = "there is a file already, and none is written over"
            elif isinstance(error, BlockingIOError):
                why = "another process writes it"
            raise LogError(f"{path}: no recording can be written there: {why}") from error

    def sample(self, received: Received) -> None:
        """Write one sample, whose data must stay as it is until the next ``flush``."""
        channel = self._rig.get(received.sample.topic)
        form = form_of(received, channel.modality if channel else "")
        if form not in self._channels and len(self._channels) >= MAX_FORMS:
            form = loose(form.topic)
        if form.type in (IMAGE, COMPRESSED) and form not in self._channels and channel and channel.calibration.focal_px:
            self._describe(received, channel.calibration.focal_px)
        data = encode(received, form, channel.calibration.sample_rate_hz if channel else 0.0)
        self._writer.add_message(
            self._channels.get(form) or self._open(form, channel),
            received.received,
            data,
            received.sent,
            received.sample.seq % 2**32,  # all of it, where the form has no other place for it
        )

    def row(self, row: Row, log_time: int) -> None:
        """Write one row."""
        kind = type(row)
        channel = self._channels.get(kind)
        if channel is None:
            # Without an MCAP schema of its own: rosbags 0.11 opens no file that has one in another language than ROS's
            told = {"type": f"rigbind.{kind.__name__}", "schema": json_schema(kind)}
            channel = self._channels[kind] = self._writer.register_channel(TOPICS[kind], "json", 0, told)
        self._writer.add_message(channel, log_time, [msgspec.json.encode(row)], log_time)

    def flush(self) -> None:
        """Hand all to the operating system; after this, the end of the process loses nothing of it."""
        self._writer.flush()

    def sync(self) -> None:
        """Hand all to the disk itself; after this, a loss of power loses nothing of it."""
        self.flush()
        os.fsync(self._file.fileno())

    @property
    def size(self) -> int:
        """Bytes that are written, and those that are held, before compression."""
        return self._writer.place

    def finish(self, told: Mapping[str, str]) -> None:
        """Write what is held, ``told`` as metadata, and the index."""
        self._writer.flush()
        self._writer.add_metadata(RECORD, told)
        self._writer.finish()
        self._file.close()

    def leave(self) -> None:
        """Let go of an unfinished file, so that another may resume it."""
        with suppress(OSError):  # of what is buffered and has no room
            self._file.close()

    def abandon(self) -> None:
        """Let go of a file that takes no more: it ends with what was flushed, and an index if there is room for it."""
        self.leave()
        with self.path.open("r+b") as self._file:
            self._writer.roll_back(self._file)
            self._writer.finish()

    def _describe(self, received: Received, focal_px: float) -> None:
        """Tell other programs of the camera; nobody here reads it."""
        topic = f"{received.sample.topic}/camera_info"
        channel = self._writer.register_channel(topic, "cdr", self._schema(CAMERA_INFO), {})
        self._writer.add_message(channel, received.received, [camera_info(received.sample, focal_px)], received.sent)

    def _schema(self, type_: str) -> int:
        if type_ not in self._schemas:
            self._schemas[type_] = self._writer.register_schema(type_, "ros2msg", definition(type_))
        return self._schemas[type_]

    def _open(self, form: Form, channel: Channel | None) -> int:
        told = {
            "rigbind": _version(),
            "session": form.session,
            "dtype": form.dtype,
            "frame_id": form.frame_id,
            "modality": channel.modality if channel else "",
            "calibration": msgspec.json.encode(channel.calibration).decode() if channel else "",
        }
        self._channels[form] = self._writer.register_channel(form.topic, "cdr", self._schema(form.type), told)
        return self._channels[form]


def _going_on(path: Path) -> IO[bytes]:
    """Open ``path`` as it is, for one process alone. Raise BlockingIOError where another has it."""
    path.touch()
    file = path.open("r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    return file


def _version() -> str:
    try:
        return version("rigbind")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"
