"""A line in Foxglove: a WebSocket server that speaks its protocol, with its own schemas where it has one.

=================  ==================  ======================================================================
topic              schema              what
=================  ==================  ======================================================================
that of a channel  CompressedImage     vision, as JPEG
                   RawImage            depth and thermal as they came: 16UC1, 32FC1, or mono8
                   RawAudio            audio, pcm-s16
                   Imu, JSON           ``linear_acceleration``, ``angular_velocity``, as in ROS's sensor_msgs/Imu
                   Numbers, JSON       another modality: ``values``
/rigbind/windows   Window, JSON        ``topics``: of each its weight, coverage and state
/rigbind/scores    Score, JSON         what an event has scored until now, whenever that changes
/rigbind/events    Log                 a line for each event that opens or closes
=================  ==================  ======================================================================

Nothing is encoded for a topic that nobody looks at; each client has a queue of its own, whose oldest messages go.
"""

from collections.abc import Sequence
from typing import Any

import foxglove
import numpy as np
from foxglove.channels import CompressedImageChannel, LogChannel, RawAudioChannel, RawImageChannel
from foxglove.messages import CompressedImage, Log, LogLevel, RawAudio, RawImage, Timestamp

from pipeline.config import Channel, Security
from pipeline.gate import refusal
from pipeline.messages import NS, Array, Event, Observation, Received, Sample
from pipeline.monitor.aside import Aside, Item
from pipeline.security import allow_open
from pipeline.thumbnail import picture

BACKLOG = 256
"""Messages that wait for a client before the oldest goes."""

MAX_WIDTH = 1280
"""Of a picture, in pixels."""

MAX_NUMBERS = 256
"""Of a sample that Foxglove has no view for."""

_LEVELS = {"info": LogLevel.Info, "warning": LogLevel.Warning, "critical": LogLevel.Error}
_NUMBER = {"type": "number"}
_TEXT = {"type": "string"}
_XYZ = {"type": "object", "properties": dict.fromkeys("xyz", _NUMBER)}
_TOPIC = {"label": _TEXT, "value": _NUMBER, "coverage": _NUMBER, "state": _TEXT}


class Foxglove:
    """Serves what passes the line to Foxglove, on ``port`` of ``host``; port 0 is any that is free.

    ``address`` is what to open there. It asks nobody for a token, so it leaves this host only if security.insecure.
    """

    def __init__(
        self,
        port: int = 8765,
        host: str = "127.0.0.1",
        channels: Sequence[Channel] = (),
        security: Security | None = None,
    ) -> None:
        allow_open(f"tcp://{host}:{port}", security or Security())
        self._context = foxglove.Context()
        self._channels = {channel.topic: channel for channel in channels}
        self._streams = {channel.topic: self._stream(channel) for channel in channels}
        self._windows = self._json("/rigbind/windows", "Window", topics={"type": "array", "items": _object(_TOPIC)})
        self._scores = self._json("/rigbind/scores", "Score", label=_TEXT, source=_TEXT, score=_NUMBER)
        self._events = LogChannel("/rigbind/events", context=self._context)
        try:
            self._server = foxglove.start_server(
                name="rigbind", host=host, port=port, context=self._context, message_backlog_size=BACKLOG
            )
        except RuntimeError as error:
            raise OSError(f"Foxglove cannot be served at {host}:{port}: {error}") from error
        self.address = f"ws://{host}:{self._server.port}"
        self._aside = Aside(self._publish, "foxglove")

    def sample(self, received: Received) -> None:
        """Publish ``received``, if anyone looks at its topic."""
        stream = self._streams.get(received.sample.topic)
        if stream is not None and stream.has_sinks():
            self._aside.put(received)

    def show(self, observation: Observation) -> None:
        """Publish who spoke in a window."""
        self._aside.put(observation)

    def write(self, event: Event) -> None:
        """Publish ``event``."""
        self._aside.put(event)

    def close(self) -> None:
        """Stop serving, once all is told."""
        self._aside.close()
        self._server.stop()

    def _publish(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Received):
                self._publish_sample(item)
            elif isinstance(item, Observation):
                self._windows.log(_window(item), log_time=item.window.end)
            else:
                self._publish_event(item)

    def _publish_sample(self, received: Received) -> None:
        sample, channel = received.sample, self._channels[received.sample.topic]
        if refusal(sample, channel.modality, channel.calibration.shape) is None:
            self._streams[channel.topic].log(_message(sample, channel), log_time=max(0, received.received))

    def _publish_event(self, event: Event) -> None:
        told = {"label": event.label, "source": event.source, "score": event.score, "phase": event.phase}
        self._scores.log(told, log_time=event.end)
        if event.phase != "updated":
            text = f"{event.phase} {event.label}, score {event.score:.2f}, {(event.end - event.start) / NS:.1f} s"
            line = Log(timestamp=_time(event.end), level=_LEVELS[event.severity], message=text, name=event.source)
            self._events.log(line, log_time=event.end)

    def _stream(self, channel: Channel) -> Any:
        match channel.modality:
            case "vision":
                return CompressedImageChannel(channel.topic, context=self._context)
            case "depth" | "thermal":
                return RawImageChannel(channel.topic, context=self._context)
            case "audio":
                return RawAudioChannel(channel.topic, context=self._context)
            case "imu":
                return self._json(channel.topic, "Imu", linear_acceleration=_XYZ, angular_velocity=_XYZ)
        return self._json(channel.topic, "Numbers", values={"type": "array", "items": _NUMBER})

    def _json(self, topic: str, title: str, **properties: Any) -> foxglove.Channel:
        schema = _object(properties) | {"title": f"rigbind.{title}"}
        return foxglove.Channel(topic, schema=schema, context=self._context)


def _message(sample: Sample, channel: Channel) -> Any:
    """Return what Foxglove is told of a sample that its channel lets in."""
    match channel.modality:
        case "vision":
            jpeg = picture("vision", sample, MAX_WIDTH)
            return CompressedImage(timestamp=_time(sample.stamp), frame_id=sample.frame_id, format="jpeg", data=jpeg)
        case "depth" | "thermal":
            return _raw_image(sample)
        case "audio":
            return _raw_audio(sample, round(channel.calibration.sample_rate_hz))
        case "imu":
            acceleration, rotation = (_xyz(sample.data[start : start + 3]) for start in (0, 3))
            return {"linear_acceleration": acceleration, "angular_velocity": rotation}
    return {"values": sample.data.reshape(-1)[:MAX_NUMBERS].tolist()}


def _raw_image(sample: Sample) -> RawImage:
    encoding, dtype = {1: ("mono8", "u1"), 2: ("16UC1", "<u2")}.get(sample.data.itemsize, ("32FC1", "<f4"))
    if sample.data.dtype.kind == "f":
        encoding, dtype = "32FC1", "<f4"
    height, width = sample.data.shape
    return RawImage(
        timestamp=_time(sample.stamp),
        frame_id=sample.frame_id,
        width=width,
        height=height,
        encoding=encoding,
        step=width * np.dtype(dtype).itemsize,
        data=sample.data.astype(dtype).tobytes(),
    )


def _raw_audio(sample: Sample, rate_hz: int) -> RawAudio:
    loudness = sample.data if sample.data.dtype.kind == "i" else np.clip(sample.data, -1, 1) * 32767
    return RawAudio(
        timestamp=_time(sample.stamp),
        data=loudness.astype("<i2").tobytes(),
        format="pcm-s16",
        sample_rate=rate_hz,
        number_of_channels=1 if sample.data.ndim == 1 else sample.data.shape[1],
    )


def _window(observation: Observation) -> dict[str, Any]:
    window, weights = observation.window, observation.weights
    return {
        "topics": [
            {
                "label": topic,
                "value": weights.get(topic, 0.0),
                "coverage": coverage,
                "state": window.states.get(topic, "init"),
            }
            for topic, coverage in window.coverage.items()
        ]
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _xyz(vector: Array) -> dict[str, float]:
    return dict(zip("xyz", vector.tolist(), strict=False))


def _time(stamp: int) -> Timestamp:
    """Return ``stamp``, or the nearest time that Foxglove can say: a sender may have written any number."""
    stamp = min(max(stamp, 0), 2**32 * NS - 1)
    return Timestamp(stamp // NS, stamp % NS)
