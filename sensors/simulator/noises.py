"""What the robot itself and the air around it sound like at its microphone.

T = samples of one chunk, S = physics steps from just before the chunk to its end. Amplitudes as in `voices`.
"""

import math

import numpy as np
from scipy.signal import butter, lfilter

from pipeline.messages import Array
from sensors.simulator.voices import RATE_HZ, ring
from sensors.simulator.world import STEP, Trace


class Air:
    """Wind outside and ventilation inside, both over a soft hiss."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._wind, self._fan = rng.uniform(0.3, 1.5), rng.uniform(0.002, 0.008)
        self._low = butter(2, 180, fs=RATE_HZ)
        self._state, self._gust, self._heard = np.zeros(2), 1.0, 0

    def hear(self, size: int, roofed: bool) -> Array:
        """Return (T,) of the next chunk."""
        white = self._rng.standard_normal(size)
        rumble, self._state = lfilter(*self._low, white, zi=self._state)
        self._gust += 0.02 * (1 - self._gust) + 0.05 * float(self._rng.standard_normal())
        t = (self._heard + np.arange(size)) / RATE_HZ
        self._heard += size
        inside: Array = 0.003 * white + self._fan * (np.sin(2 * np.pi * 100 * t) + 2 * rumble)
        outside: Array = 0.002 * white + 0.03 * self._wind * abs(self._gust) * rumble
        return inside if roofed else outside


class Gears:
    """The whine of four geared motors, higher and louder with speed, and the scrape of a wheel that is dragged."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._teeth = rng.uniform(180, 340) * rng.uniform(0.98, 1.02, (4, 1))
        self._phase = np.zeros((4, 1))
        self._band = butter(2, (300, 2500), "bandpass", fs=RATE_HZ)
        self._state = np.zeros(4)

    def hear(self, spins: Array, size: int) -> Array:
        """Return (T,) while the wheels turn at ``spins``, (S, 4) rad/s."""
        speed = _stretch(spins, size)
        phase = self._phase + np.cumsum(speed * self._teeth, axis=1) / RATE_HZ
        self._phase = phase[:, -1:] % (2 * math.pi)
        tones = np.sin(phase) + 0.5 * np.sin(2 * phase + 1) + 0.3 * np.sin(3 * phase + 2)
        whine = (0.012 * np.minimum(np.abs(speed) / 6, 2) * tones).sum(axis=0)
        grit, self._state = lfilter(*self._band, self._rng.standard_normal(size), zi=self._state)
        rolling = np.abs(speed).mean(axis=0)
        dragged = np.maximum(rolling - np.abs(speed).min(axis=0) - 1.5, 0)
        wave: Array = whine + grit * (0.002 * rolling + 0.05 * dragged)
        return wave


class Rotors:
    """Blade passage of four two-bladed propellers with harmonics, and the rush of their wake."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._phase = rng.uniform(0, 2 * math.pi, (4, 1))
        self._shares = rng.uniform(0.5, 1.0, 6) / np.arange(1, 7)
        self._low = butter(1, 2500, fs=RATE_HZ)
        self._state = np.zeros(1)

    def hear(self, spins: Array, size: int) -> Array:
        """Return (T,) while the rotors turn at ``spins``, (S, 4) rad/s."""
        phase = self._phase + np.cumsum(2 * _stretch(spins, size), axis=1) / RATE_HZ
        self._phase = phase[:, -1:] % (4 * math.pi)
        tones = sum(share * np.sin(k * phase) for k, share in enumerate(self._shares.tolist(), 1))
        rush, self._state = lfilter(*self._low, self._rng.standard_normal(size), zi=self._state)
        return np.asarray(0.05 * np.sum(tones, axis=0) + 0.06 * rush * (1 + 0.4 * np.sin(phase[0])))


class Blows:
    """Knocks on the hull, struck by the contact forces, and the rattle of all that shakes."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        t = np.arange(RATE_HZ // 5) / RATE_HZ
        self._grain = ring(t, rng, 8, 140, 1800, 0.06) + np.exp(-t / 0.004) * rng.standard_normal(len(t))
        self._tail = np.zeros(len(t))
        self._band = butter(2, (250, 3000), "bandpass", fs=RATE_HZ)
        self._state = np.zeros(4)

    def hear(self, trace: Array, size: int) -> Array:
        """Return (T,) of the steps (S, `Trace.width`)."""
        wave = np.concatenate([self._tail, np.zeros(size)])
        rise = np.diff(trace[:, Trace.touch])
        for step in np.flatnonzero(rise > 20):
            start = step * size // len(rise)
            loud = min(1.5 * rise[step] * STEP / 1e9, 4.0)
            wave[start : start + len(self._grain)] += loud * self._grain
        self._tail = wave[size:]
        jerk = np.abs(np.diff(trace[:, Trace.accel], axis=0)).sum(axis=1, keepdims=True)
        noise, self._state = lfilter(*self._band, self._rng.standard_normal(size), zi=self._state)
        rattle: Array = 0.02 * noise * np.minimum(_stretch(jerk, size)[0], 40.0)
        return wave[:size] + rattle


def _stretch(rows: Array, size: int) -> Array:
    """Return (columns, T): each column of (S, columns) as a straight line from step to step."""
    at = np.linspace(0, len(rows) - 1, size, endpoint=False)
    return np.stack([np.interp(at, np.arange(len(rows)), column) for column in rows.T])
