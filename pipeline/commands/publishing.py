"""A recorded log onto ZeroMQ: to a rig's address, as its sensors would send it."""

import time
from typing import Literal

from msgspec.structs import replace
from rich.console import Console

from pipeline.bus import Publisher
from pipeline.commands.playing import Playing
from pipeline.commands.sense import WAIT_S
from pipeline.messages import Received, Sample
from pipeline.transport import Transport

Stamps = Literal["now", "original"]


async def publish(playing: Playing, transport: Transport, stamps: Stamps, console: Console) -> int:
    """Send pass after pass to the rig's address, each in a session of its own; return how many samples were sent.

    Stamps are as old as they were when the samples were received, or, if ``original``, those of the log.
    """
    config, sent = playing.rig, 0
    codecs = {channel.topic: channel.codec for channel in config.channels}
    while True:
        publisher = Publisher(config.bus.address, config.security)
        try:
            if not publisher.wait(WAIT_S):
                console.print(f"nobody listens at {config.bus.address}; sending all the same", markup=False)
            numbers = Numbers()
            for step in playing.steps(transport.begin(), transport.end):
                if isinstance(step, Received):
                    if not await transport.due(step.received):
                        break
                    publisher.publish(numbers.next(_stamped(step, stamps)), codecs.get(step.sample.topic, "raw"))
        finally:
            publisher.close()
        sent += publisher.sent
        console.print(f"sent {publisher.sent} samples to {config.bus.address}, {publisher.dropped} dropped")
        if not await transport.goes_on():
            return sent


class Numbers:
    """Keeps each topic's ``seq`` rising, where a log holds a sensor that was started anew; gaps stay."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._added: dict[str, int] = {}

    def next(self, sample: Sample) -> Sample:
        """Return ``sample`` with its number in this session."""
        last, added = self._last.get(sample.topic, -1), self._added.get(sample.topic, 0)
        if sample.seq + added <= last:
            added = self._added[sample.topic] = last + 1 - sample.seq
        self._last[sample.topic] = sample.seq + added
        return replace(sample, seq=sample.seq + added) if added else sample


def _stamped(received: Received, stamps: Stamps) -> Sample:
    sample = received.sample
    if stamps == "original":
        return sample
    return replace(sample, stamp=sample.stamp - received.received + time.time_ns())
