"""Stamps on the reference clock, which is that of the ingest: the calibrated offset added, the impossible refused.

One ``Clock`` serves a rig. It keeps no estimate of its own yet: a sender's clock is believed up to its offset.
"""

from collections.abc import Iterable

import msgspec

from pipeline.config import Channel
from pipeline.messages import NS, Received, Sample

MAX_AHEAD = NS // 2
"""A stamp this far after its own receipt is refused: it would close windows for streams that are on time.
Half a second is beyond what NTP leaves between hosts of a network, 0.1–1 ms and some ms over radio."""


class Clock:
    """Corrects stamps by channel."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        self._offsets = {channel.topic: round(channel.calibration.time_offset_s * NS) for channel in channels}

    def correct(self, received: Received) -> Sample | None:
        """Return the sample with its stamp on the reference clock, or None if that lies in the future."""
        sample = received.sample
        stamp = sample.stamp + self._offsets.get(sample.topic, 0)
        if stamp - received.received > MAX_AHEAD:
            return None
        return sample if stamp == sample.stamp else msgspec.structs.replace(sample, stamp=stamp)
