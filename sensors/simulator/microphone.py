"""The simulated microphone: motors, blows on the hull, the air, and sources with distance and delay.

T = samples of one chunk.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.messages import NS, Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, fault, generator, run
from sensors.simulator.noises import Air, Blows, Gears, Rotors
from sensors.simulator.scenario import Happening, Variant
from sensors.simulator.voices import RATE_HZ, voice
from sensors.simulator.world import STEP, Trace, World

SOUND_MPS = 343.0
"""In air at 20 °C."""
FULL_SCALE = 9000.0
"""Of int16: what amplitude 1 becomes."""
SOURCE_HEIGHT_M = 0.8


@dataclass
class Microphone:
    """Chunks of mono int16 at 16 kHz; 320 samples at the default 50 chunks a second.

    A chunk's stamp is the time of its first sample; it is yielded when its last is due. ``start_ns`` 0 starts at
    the wall clock's time, ``duration_s`` 0 never ends. No chunk is ever left out. The fault "unplugged
    microphone" leaves the last bit of the converter and nothing else.
    """

    topic: str = "/microphone"
    rate_hz: float = 50.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "microphone"

    modality = "audio"
    skips = False

    def __post_init__(self) -> None:
        check(self)
        if not 2 <= self.rate_hz <= 1000:
            raise ValueError(f"The rate_hz of {self.topic} is {self.rate_hz}; chunks come 2 to 1000 times a second.")

    def __iter__(self) -> Iterator[Sample]:
        return run(self)

    def tick(self, index: int) -> Tick:
        """Return when chunk ``index`` begins and when its last sample is over."""
        first, last = round(index * RATE_HZ / self.rate_hz), round((index + 1) * RATE_HZ / self.rate_hz)
        return Tick(index, first * NS // RATE_HZ, last * NS // RATE_HZ)

    def reader(self, world: World) -> Reader:
        """Return what listens to ``world``."""
        return _Ear(self, world)


class _Ear:
    """Hears one chunk a call, in order."""

    def __init__(self, sensor: Instrument, world: World) -> None:
        self._world, self._rng = world, generator(sensor)
        self._motors: Rotors | Gears = (Rotors if world.variant == "drone" else Gears)(self._rng)
        self._air, self._blows = Air(self._rng), Blows(self._rng)
        self._voices: dict[Happening, Array | None] = {}

    def __call__(self, tick: Tick) -> Array:
        size = round((tick.end - tick.start) * RATE_HZ / NS)
        trace = self._world.trace(tick.start - STEP, tick.end)
        wave = self._air.hear(size, self._roofed(trace)) + self._motors.hear(trace[:, Trace.spins], size)
        wave += self._blows.hear(trace, size) + self._sources(tick, size, trace[:, Trace.position])
        if fault(self._world, "unplugged microphone", "audio", tick.start):
            return self._rng.integers(-1, 2, size).astype(np.int16)
        return np.clip(FULL_SCALE * wave, -32768, 32767).astype(np.int16)

    def _roofed(self, trace: Array) -> bool:
        return bool(self._world.hall.under_roof(trace[-1:, Trace.position])[0])

    def _sources(self, tick: Tick, size: int, ears: Array) -> Array:
        """Return (T,) of all happenings as heard here: 1/r softer and r/c later than at the source."""
        wave = np.zeros(size)
        for happening in self._world.recent(tick.end):
            spoken = self._spoken(happening)
            if spoken is None:
                continue
            start, end = self._metres(happening, tick.start, ears[0]), self._metres(happening, tick.end, ears[-1])
            metres = np.linspace(start, end, size, endpoint=False)
            since = (tick.start - happening.start) * (RATE_HZ / NS) + np.arange(size)
            wave += _read(spoken, since - metres * (RATE_HZ / SOUND_MPS)) / metres
        return wave

    def _metres(self, happening: Happening, now: int, ear: Array) -> float:
        place = self._world.place(happening, now)
        return max(math.dist((place.x, place.y, SOURCE_HEIGHT_M), ear.tolist()), 0.5)

    def _spoken(self, happening: Happening) -> Array | None:
        if happening not in self._voices:
            recent = {each: wave for each, wave in self._voices.items() if each.end + 2 * NS > happening.start}
            self._voices = recent | {happening: voice(happening)}
        return self._voices[happening]


def _read(wave: Array, at: Array) -> Array:
    """Return ``wave`` at fractional samples, 0 outside of it."""
    first, last = max(math.floor(at[0]), 0), min(math.ceil(at[-1]) + 1, len(wave))
    if first >= last:
        return np.zeros(len(at))
    return np.interp(at, np.arange(first, last), wave[first:last], left=0, right=0)
