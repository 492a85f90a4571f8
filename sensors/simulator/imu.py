"""The simulated IMU: MuJoCo's accelerometer and gyroscope with the errors of a MEMS chip."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.messages import NS, Array, Sample
from sensors.simulator.clockwork import Instrument, Reader, Tick, check, fault, generator, moment, run
from sensors.simulator.scenario import Variant
from sensors.simulator.world import STEP, Trace, World

G = 9.80665
ACCEL_RANGE, GYRO_RANGE = 16 * G, math.radians(2000)
"""Widest ranges of common chips (TDK ICM-20948, Bosch BMI160): ±16 g and ±2000 °/s, in 16 bits."""
ACCEL_NOISE, GYRO_NOISE = 230e-6 * G, math.radians(0.015)
"""Noise densities a √Hz, ICM-20948 data sheet: 230 µg and 0.015 °/s."""
ACCEL_BIAS, GYRO_BIAS = 25e-3 * G, math.radians(0.5)
"""Standard deviations of the offsets: 25 mg on the board, and what is left of the gyroscope's after start-up."""
ACCEL_WALK, GYRO_WALK = 1e-3, 5e-5
"""How far the offsets wander in the square root of a second, of the class that Kalibr lists for MEMS chips."""


@dataclass
class Imu:
    """One reading a message, (6,) float64: ax ay az in m/s² with gravity, gx gy gz in rad/s; x ahead, z up.

    ``start_ns`` 0 starts at the wall clock's time, ``duration_s`` 0 never ends. No reading is ever left out. The
    fault "dead imu axis" holds one of the six at 0.
    """

    topic: str = "/imu"
    rate_hz: float = 200.0
    seed: int = 0
    variant: Variant = "rover"
    scenario: str = "patrol"
    duration_s: float = 0.0
    start_ns: int = 0
    realtime: bool = True
    frame_id: str = "imu"

    modality = "imu"
    skips = False

    def __post_init__(self) -> None:
        check(self)

    def __iter__(self) -> Iterator[Sample]:
        return run(self)

    def tick(self, index: int) -> Tick:
        """Return when reading ``index`` is taken."""
        return moment(self, index)

    def reader(self, world: World) -> Reader:
        """Return what reads the chip on the robot of ``world``."""
        return _Reading(self, world)


class Chip:
    """The errors of one MEMS chip: what it makes of the truth."""

    def __init__(self, rng: np.random.Generator, rate_hz: float) -> None:
        self._rng = rng
        self._bias = rng.standard_normal(6) * np.repeat([ACCEL_BIAS, GYRO_BIAS], 3)
        self._walk = np.repeat([ACCEL_WALK, GYRO_WALK], 3) / math.sqrt(rate_hz)
        self._white = np.repeat([ACCEL_NOISE, GYRO_NOISE], 3) * math.sqrt(rate_hz / 2)
        self._range = np.repeat([ACCEL_RANGE, GYRO_RANGE], 3)

    def measure(self, truth: Array) -> Array:
        """Return (6,) float64 of the true (6,): offset, noisy, saturated, and rounded to 16 bits."""
        noise = self._rng.standard_normal((2, 6))
        self._bias += self._walk * noise[0]
        step = self._range / 2**15
        felt = np.clip(truth + self._bias + self._white * noise[1], -self._range, self._range)
        counts: Array = np.round(felt / step)
        return counts * step


class _Reading:
    """Takes one reading a call: the mean since the last, as the chip's own low-pass filter does."""

    def __init__(self, sensor: Instrument, world: World) -> None:
        self._world = world
        self._chip = Chip(generator(sensor), sensor.rate_hz)
        self._span = min(max(round(NS / sensor.rate_hz), STEP), NS // 10)

    def __call__(self, tick: Tick) -> Array:
        truth = self._world.trace(tick.start - self._span, tick.start)[:, : Trace.gyro.stop].mean(axis=0)
        reading = self._chip.measure(truth)
        dead = fault(self._world, "dead imu axis", "imu", tick.start)
        if dead is not None:
            reading[dead.draw % 6] = 0.0
        return reading
