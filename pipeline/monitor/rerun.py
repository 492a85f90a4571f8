"""A line in Rerun: in its viewer while the line runs, or in an ``.rrd`` file for later.

Entities are named as topics: vision, depth and thermal are pictures, an IMU two plots, a microphone its loudness in dB
of full scale. Under ``/rigbind`` are the weights of topics and the scores, texts, pictures and sounds of events. All of
it lies on the timeline ``stamp``.
"""

import socket
from collections.abc import Iterable, Sequence
from time import monotonic
from urllib.parse import urlsplit

import numpy as np
import rerun as rr
import rerun.blueprint as rrb

from pipeline.config import Channel
from pipeline.gate import refusal
from pipeline.messages import Array, Event, Observation, Received, Sample
from pipeline.monitor.aside import Aside, Item
from pipeline.thumbnail import picture

VIEWER = "rerun+http://127.0.0.1:9876/proxy"
"""Where the command ``rerun`` listens."""

FLUSH_S = 1.0
"""How often Rerun has to have taken all: what it does not take waits in the viewer's own bounded queue."""

GIVE_UP_S = 5.0
"""So long a Rerun may take for that before it is left alone."""

MAX_WIDTH = 1280
"""Of a picture, in pixels."""

LABELS = 64
"""So many labels have a plot of their own; those that come later share that of their source."""

_LEVELS = {"info": "INFO", "warning": "WARN", "critical": "CRITICAL"}
_QUIET = 1e-5  # of full scale: -100 dB


class Rerun:
    """Logs what passes the line to ``to``: a file that ends in ``.rrd``, or the address of a viewer.

    One that is ``complete`` has the line wait where it must, as a replay may; another leaves samples out. Raise OSError
    for a file that cannot be made or where no viewer listens.
    """

    def __init__(self, to: str = VIEWER, channels: Sequence[Channel] = (), complete: bool = False) -> None:
        self.to = to
        self._channels = {channel.topic: channel for channel in channels}
        self._labels: set[str] = set()
        self._rerun = rr.RecordingStream("rigbind")
        try:
            self._open()
        except RuntimeError as error:
            raise OSError(f"{to}: Rerun cannot write there: {error}") from error
        self._rerun.send_blueprint(blueprint(channels))
        self._flushed = monotonic()
        self._is_lost = False
        self._aside = Aside(self._log, "rerun", waits=complete)

    def sample(self, received: Received) -> None:
        """Log ``received``."""
        if received.sample.topic in self._channels:
            self._aside.put(received)

    def show(self, observation: Observation) -> None:
        """Log who spoke in a window."""
        self._aside.put(observation)

    def write(self, event: Event) -> None:
        """Log ``event``."""
        self._aside.put(event)

    def close(self) -> None:
        """Finish the file, or let go of the viewer."""
        self._aside.close()
        self._rerun.disconnect()

    def _open(self) -> None:
        if self.to.endswith(".rrd"):
            self._rerun.save(self.to)
            return
        place = urlsplit(self.to)
        try:
            socket.create_connection((place.hostname or "", place.port or 0), timeout=1).close()
        except (OSError, ValueError) as error:
            raise OSError(
                f"{self.to}: no Rerun viewer listens there ({error}); start `rerun` or name a file"
            ) from error
        self._rerun.connect_grpc(self.to)

    def _log(self, items: Sequence[Item]) -> None:
        if self._is_lost:
            return
        for item in items:
            if isinstance(item, Received):
                self._log_sample(item.sample)
            elif isinstance(item, Observation):
                self._at(item.window.end)
                for topic, weight in item.weights.items():
                    self._rerun.log(f"rigbind/weights{topic}", rr.Scalars(weight))
            else:
                self._log_event(item)
        if monotonic() - self._flushed > FLUSH_S:
            self._flush()

    def _flush(self) -> None:
        self._flushed = monotonic()
        try:
            self._rerun.flush(timeout_sec=GIVE_UP_S)
        except RuntimeError as error:
            self._is_lost = True
            raise OSError(f"{self.to}: lost, and left alone: {error}") from error

    def _log_sample(self, sample: Sample) -> None:
        channel = self._channels[sample.topic]
        if refusal(sample, channel.modality, channel.calibration.shape) is None:
            self._at(sample.stamp)
            for name, archetype in _archetypes(sample, channel.modality):
                self._rerun.log(sample.topic + name, archetype)

    def _log_event(self, event: Event) -> None:
        self._at(event.end)
        if len(self._labels) < LABELS:
            self._labels.add(event.label)
        plot = [event.source, event.label] if event.label in self._labels else [event.source]
        self._rerun.log(["rigbind", "scores", *plot], rr.Scalars(event.score))
        if event.phase == "updated":
            return
        text = f"{event.phase} {event.label}, score {event.score:.2f}"
        self._rerun.log("rigbind/events", rr.TextLog(text, level=_LEVELS[event.severity]))
        for topic, jpeg in event.pictures.items():
            self._rerun.log(f"rigbind/events{topic}", rr.EncodedImage(contents=jpeg, media_type="image/jpeg"))
        for topic, wav in event.sounds.items():
            self._rerun.log(f"rigbind/events{topic}", rr.AssetAudio(contents=wav, media_type="audio/wav"))

    def _at(self, stamp: int) -> None:
        self._rerun.set_time("stamp", timestamp=np.datetime64(min(max(stamp, 0), 2**63 - 1), "ns"))


def _archetypes(sample: Sample, modality: str) -> Iterable[tuple[str, rr.AsComponents]]:
    """Yield what is logged of a sample that its channel lets in, each below its topic."""
    data = sample.data
    match modality:
        case "vision":
            yield "", rr.EncodedImage(contents=picture("vision", sample, MAX_WIDTH), media_type="image/jpeg")
        case "depth":
            yield "", rr.DepthImage(_native(data), meter=1000.0 if data.dtype.kind == "u" else 1.0)
        case "thermal":
            yield "", rr.Image(_celsius(data), color_model="L")
        case "imu":
            yield "/acceleration", rr.Scalars(data[:3])
            if len(data) == 6:
                yield "/rotation", rr.Scalars(data[3:])
        case "audio":
            loudness = data / (32768 if data.dtype.kind == "i" else 1)
            yield "/level", rr.Scalars(20 * np.log10(max(_QUIET, float(np.sqrt(np.mean(loudness**2))))))
        case _:
            yield "", rr.Tensor(_native(data))


def _celsius(data_HW: Array) -> Array:
    """Return temperatures in °C, or 8-bit grey as it is: its scale is not known."""
    if data_HW.dtype == np.uint16:
        return (data_HW / 100 - 273.15).astype(np.float32)
    return data_HW if data_HW.dtype == np.uint8 else data_HW.astype(np.float32)


def _native(data: Array) -> Array:
    """Return ``data`` in this machine's byte order, in a type that Rerun has."""
    return data.astype(np.float32) if data.dtype.kind == "f" else data.astype(data.dtype.newbyteorder("="))


def blueprint(channels: Iterable[Channel]) -> rrb.Blueprint:
    """Return how Rerun lays a rig out: pictures above, plots below, what happened beside them."""
    pictures: list[rrb.View] = []
    plots: list[rrb.View] = []
    for channel in channels:
        if channel.modality in ("vision", "depth", "thermal"):
            pictures.append(rrb.Spatial2DView(origin=channel.topic, name=channel.topic))
        elif channel.modality == "imu":
            plots += [
                rrb.TimeSeriesView(origin=f"{channel.topic}/{name}", name=f"{channel.topic} {name}")
                for name in ("acceleration", "rotation")
            ]
        elif channel.modality == "audio":
            plots.append(rrb.TimeSeriesView(origin=channel.topic, name=f"{channel.topic} dB"))
    told: list[rrb.View] = [
        rrb.TimeSeriesView(origin="/rigbind/scores", name="scores"),
        rrb.TimeSeriesView(origin="/rigbind/weights", name="listening to"),
        rrb.TextLogView(origin="/rigbind/events", name="events"),
    ]
    sensed = rrb.Vertical(rrb.Grid(*pictures), rrb.Grid(*plots))
    return rrb.Blueprint(rrb.Horizontal(sensed, rrb.Vertical(*told), column_shares=[2, 1]), collapse_panels=True)
