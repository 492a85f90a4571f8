"""When samples are taken: the pace, the stamps and the faults that all simulated sensors share."""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from zlib import crc32

import numpy as np
from msgspec import Struct

from pipeline.messages import NS, Array, Sample
from sensors.simulator.scenario import Happening, Variant, happenings
from sensors.simulator.world import World

OVERDUE = NS // 4
"""A picture later than this is skipped, so that a slow machine shows fewer pictures and not old ones."""


class Tick(Struct, frozen=True):
    """One reading to be taken: it tells of ``[start, end)`` and can be had at ``end``; a picture's are equal."""

    index: int
    start: int
    end: int


Reader = Callable[[Tick], Array]


class Instrument(Protocol):
    """What the clockwork drives: the parameters all simulated sensors share, their ticks and their reader."""

    topic: str
    rate_hz: float
    seed: int
    variant: Variant
    scenario: str
    duration_s: float
    start_ns: int
    realtime: bool
    frame_id: str

    @property
    def modality(self) -> str: ...

    @property
    def skips(self) -> bool:
        """Whether overdue readings may be left out."""

    def tick(self, index: int) -> Tick: ...

    def reader(self, world: World) -> Reader:
        """Return what takes readings of a world that has come to the tick's end."""


def check(sensor: Instrument) -> None:
    """Raise ValueError for what no sensor can do."""
    if not sensor.rate_hz > 0:
        raise ValueError(f"The rate_hz of {sensor.topic} is {sensor.rate_hz}; it must be above 0.")
    if not sensor.duration_s >= 0:
        raise ValueError(f"The duration_s of {sensor.topic} is {sensor.duration_s}; it must be 0 (endless) or more.")
    if sensor.seed < 0 or sensor.start_ns < 0:
        raise ValueError(f"The seed and start_ns of {sensor.topic} must be 0 or more.")
    happenings(sensor.scenario, sensor.seed, sensor.variant)


def moment(sensor: Instrument, index: int) -> Tick:
    """Return the tick of a sensor that reads at one moment: every ``1 / rate_hz`` from 0."""
    now = round(index * NS / sensor.rate_hz)
    return Tick(index, now, now)


def generator(sensor: Instrument, index: int = 0) -> np.random.Generator:
    """Return the noise of this sensor, or of its ``index``-th picture alone, so that a skip changes no other."""
    return np.random.default_rng([sensor.seed, crc32(sensor.modality.encode()), index])


def fault(world: World, label: str, target: str, now: int) -> Happening | None:
    """Return the fault of this label that the sensor of modality ``target`` has at ``now``."""
    return next((each for each in world.active(now) if each.label == label and each.target == target), None)


def run(sensor: Instrument) -> Iterator[Sample]:
    """Yield the samples of one sensor in a world of its own, at the pace of the wall clock if it is realtime."""
    start = sensor.start_ns or time.time_ns()
    world = World(sensor.seed, sensor.variant, sensor.scenario)
    read, seq = sensor.reader(world), 0
    for tick in _ticks(sensor):
        wait = start + tick.end - time.time_ns() if sensor.realtime else 0
        if wait > 0:
            time.sleep(wait / NS)
        elif sensor.skips and wait < -OVERDUE:
            continue
        world.advance(tick.end)
        yield _sample(sensor, world, read, tick, start, seq)
        seq += 1


def merge(sensors: Sequence[Instrument], world: World, start: int) -> Iterator[Sample]:
    """Yield the samples of all sensors by stamp, as fast as can be, from one shared world.

    Order is that of the true times: a clock that jumps does not move its samples.
    """
    readers = [sensor.reader(world) for sensor in sensors]
    ticks = [_ticks(sensor) for sensor in sensors]
    due = [(tick.end, number, tick) for number, each in enumerate(ticks) if (tick := next(each, None))]
    done: list[tuple[int, int, Sample]] = []
    heapq.heapify(due)
    while due:
        _, number, tick = heapq.heappop(due)
        world.advance(tick.end)
        sample = _sample(sensors[number], world, readers[number], tick, start, tick.index)
        heapq.heappush(done, (tick.start, number, sample))
        following = next(ticks[number], None)
        if following is not None:
            heapq.heappush(due, (following.end, number, following))
        earliest = min((waiting.start for _, _, waiting in due), default=tick.end)
        while done and done[0][0] < earliest:
            yield heapq.heappop(done)[2]


def _ticks(sensor: Instrument) -> Iterator[Tick]:
    index = 0
    while True:
        tick = sensor.tick(index)
        if sensor.duration_s and tick.start >= round(sensor.duration_s * NS):
            return
        yield tick
        index += 1


def _sample(sensor: Instrument, world: World, read: Reader, tick: Tick, start: int, seq: int) -> Sample:
    data = read(tick)
    jump = fault(world, "clock jump", sensor.modality, tick.start)
    stamp = start + tick.start + (_jump(jump) if jump else 0)
    return Sample(topic=sensor.topic, stamp=stamp, frame_id=sensor.frame_id, seq=seq, data=data)


def _jump(happening: Happening) -> int:
    """Return by how much the clock is wrong: half the jumps go 0.4 s ahead, half 0.8 s back."""
    return 4 * NS // 10 if happening.draw % 2 else -8 * NS // 10
