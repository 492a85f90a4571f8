"""What a feed tells, as a line would tell it: viewers can stand beside a page, where the line knows nothing of them.

A feed has less than a line: pictures of 480 pixels, ten a second at most, thermal and depth in colours; readings and
sound a window at a time; no embeddings.
"""

import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec.structs import replace
from PIL import Image

from pipeline.config import Channel
from pipeline.feed import PICTURES, Picture, Seen, Told, Trace, observed
from pipeline.messages import Array, Calibration, Event, Received, Sample, Viewer


def relayed(channels: Sequence[Channel]) -> list[Channel]:
    """Return the channels as a feed shows them: whatever is seen is a picture in colours, of any size."""
    return [
        replace(channel, modality="vision", calibration=Calibration()) if channel.modality in PICTURES else channel
        for channel in channels
    ]


class Relay:
    """Hands ``viewers`` all that ``take`` is told."""

    def __init__(self, channels: Sequence[Channel], viewers: Sequence[Viewer]) -> None:
        self._modalities: Mapping[str, str] = {channel.topic: channel.modality for channel in channels}
        self._viewers = viewers
        self._seq: dict[str, int] = {}

    def take(self, told: Told) -> None:
        """Tell every viewer."""
        match told:
            case Picture():
                data = np.asarray(Image.open(io.BytesIO(told.jpeg)).convert("RGB"))
                self._sample(told.topic, told.stamp, told.received, data)
            case Seen():
                for topic, trace in told.traces.items():
                    for stamp, data in _readings(trace, self._modalities.get(topic, "")):
                        self._sample(topic, stamp, stamp, data)
                observation = observed(told)
                for viewer in self._viewers:
                    viewer.show(observation)
            case Event():
                for viewer in self._viewers:
                    viewer.write(told)

    def close(self) -> None:
        """Let every viewer finish."""
        for viewer in self._viewers:
            viewer.close()

    def _sample(self, topic: str, stamp: int, received: int, data: Array) -> None:
        seq = self._seq[topic] = self._seq.get(topic, -1) + 1
        sample = Sample(topic=topic, stamp=stamp, frame_id="", seq=seq, data=data)
        for viewer in self._viewers:
            viewer.sample(Received(sample=sample, received=received))


def _readings(trace: Trace, modality: str) -> Iterator[tuple[int, Array]]:
    """Yield the stamp and data of each reading, or of all the sound at once."""
    rows_NC = np.frombuffer(trace.values, "<f4").reshape(-1, trace.columns)
    if modality == "audio":
        yield trace.start, rows_NC[:, 0]
        return
    yield from zip(np.linspace(trace.start, trace.end, len(rows_NC)).astype(np.int64).tolist(), rows_NC, strict=True)
