"""Senders with clocks of their own: what the ingest receives of them, from a seed."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from makers import CAMERA, IMU, MICROPHONE, T0, THERMAL

from pipeline.clock import Clock
from pipeline.config import Channel
from pipeline.messages import NS, Array, Received, Sample

STREAMS = pytest.mark.parametrize(
    "channel",
    [CAMERA, Channel("/camera/side", "vision", 30.0), IMU, MICROPHONE, THERMAL],
    ids=lambda channel: f"{channel.rate_hz:.0f} Hz",
)
SEEDS = pytest.mark.parametrize("seed", range(3))

Reading = Callable[[float], float]
"""What a sender's clock says, in seconds, when ``T0`` was so many seconds ago."""


def kept(offset_s: float = 0.0, skew_ppm: float = 0.0) -> Reading:
    """A clock that is off by ``offset_s`` and runs ``skew_ppm`` fast."""
    return lambda at_s: at_s + offset_s + at_s * skew_ppm * 1e-6


def stepping(at: float, by: float) -> Reading:
    """A right clock that steps by ``by`` seconds."""
    return lambda at_s: at_s + (by if at_s >= at else 0.0)


def quick(rng: np.random.Generator, number: int) -> Array:
    """Delays of a local network: 0.5 ms and jitter of 1 ms."""
    return 0.0005 + np.abs(rng.normal(0, 0.001, number))


def taking(delay_s: float, jitter_s: float = 0.001) -> Callable[[np.random.Generator, int], Array]:
    """Delays of ``delay_s`` at least, and exponential jitter."""
    return lambda rng, number: delay_s + rng.exponential(jitter_s, number)


def in_one_queue(times: Array, delays: Array) -> Array:
    """Return the delays as they are where nothing overtakes, in seconds."""
    queued: Array = np.maximum.accumulate(times + delays) - times
    return queued


def arrivals(
    channel: Channel,
    duration_s: float,
    clock: Reading | None = None,
    delay: Callable[[np.random.Generator, int], Array] = quick,
    seed: int = 0,
    session: str = "s",
) -> list[Received]:
    """Return what comes of a steady stream, in order of receipt; ``seq`` n was taken n periods after T0.

    ``delay`` gives the seconds from the end of each sample to its receipt: a chunk of sound lasts a period.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(int(duration_s * channel.rate_hz)) / channel.rate_hz
    delays = delay(rng, len(times))
    reading = clock or kept()
    is_sound = channel.modality == "audio"
    data = np.zeros(round(channel.calibration.sample_rate_hz / channel.rate_hz), np.int16) if is_sound else np.zeros(6)
    length = 1 / channel.rate_hz if is_sound else 0.0
    return sorted(
        (
            Received(
                sample=Sample(
                    topic=channel.topic, stamp=T0 + round(reading(float(time)) * NS), frame_id="", seq=seq, data=data
                ),
                received=T0 + round((float(time) + length + float(late)) * NS),
                session=session,
            )
            for seq, (time, late) in enumerate(zip(times, delays, strict=True))
        ),
        key=lambda item: item.received,
    )


def corrected(clock: Clock, items: Sequence[Received]) -> Iterator[tuple[Received, Sample | str]]:
    """Yield each item with what the clock makes of it."""
    for item in items:
        yield item, clock.correct(item)


def errors_ms(clock: Clock, items: Sequence[Received], channel: Channel) -> list[tuple[float, float]]:
    """Return for each sample that is let through the seconds since T0 and how far its stamp is off, in milliseconds."""
    return [
        (item.sample.seq / channel.rate_hz, (sample.stamp - T0) / 1e6 - item.sample.seq * 1e3 / channel.rate_hz)
        for item, sample in corrected(clock, items)
        if isinstance(sample, Sample)
    ]


def kinds(clock: Clock) -> list[str]:
    """What was told of a clock, in order."""
    return [incident.kind for incident in clock.incidents()]


def worst(errors: Sequence[tuple[float, float]], start_s: float, end_s: float = np.inf) -> float:
    """The largest error in milliseconds of what was taken in ``[start_s, end_s)``, which is not empty."""
    return max(abs(error) for at_s, error in errors if start_s <= at_s < end_s)
