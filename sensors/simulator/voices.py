"""What happenings sound like at their source: a wave per happening, from its seed alone.

T = samples at 16 kHz. Amplitude 1 is 1 m away from something loud, about 94 dB.
"""

import numpy as np
from scipy.signal import butter, lfilter

from pipeline.messages import NS, Array
from sensors.simulator.scenario import Happening

RATE_HZ = 16_000


def voice(happening: Happening) -> Array | None:
    """Return (T,) float32 of all that ``happening`` utters from its start to its end; None if it is silent."""
    speak = _VOICES.get(happening.label)
    if speak is None:
        return None
    rng = np.random.default_rng([happening.draw, 2])
    t = np.arange((happening.end - happening.start) * RATE_HZ // NS) / RATE_HZ
    fade = np.clip(np.minimum(t, t[-1] - t) / _FADE_S.get(happening.label, 0.02), 0, 1)
    wave: Array = (happening.intensity * fade * speak(t, rng)).astype(np.float32)
    return wave


def ring(t: Array, rng: np.random.Generator, tones: int, low_hz: float, high_hz: float, decay_s: float) -> Array:
    """Return (T,) of struck modes that die away, silent before 0; the higher, the faster."""
    pitches = np.sort(rng.uniform(low_hz, high_hz, tones))
    decays = decay_s * pitches[0] / pitches
    wave = np.zeros_like(t)
    for pitch, decay, phase in zip(pitches, decays, rng.uniform(0, 6.28, tones), strict=True):
        wave += np.exp(-np.maximum(t, 0) / decay) * np.sin(2 * np.pi * pitch * t + phase)
    struck: Array = np.where(t < 0, 0, wave) / np.sqrt(tones)
    return struck


def _strike(wave: Array, at: float, grain: Array) -> None:
    start = max(round(at * RATE_HZ), 0)
    wave[start : start + len(grain)] += grain[: max(len(wave) - start, 0)]


def _hiss(t: Array, rng: np.random.Generator, low_hz: float, high_hz: float) -> Array:
    b, a = butter(2, (low_hz, high_hz), "bandpass", fs=RATE_HZ)
    return np.asarray(lfilter(b, a, rng.standard_normal(len(t))))


def _footsteps(t: Array, rng: np.random.Generator) -> Array:
    """A heel and a sole, about two a second, each a little different."""
    wave, at, short = np.zeros_like(t), 0.1, np.arange(1600) / RATE_HZ
    while at < t[-1]:
        heel = 1.2 * ring(short, rng, 4, 70, 260, 0.02) + 0.5 * np.exp(-short / 0.006) * rng.standard_normal(1600)
        _strike(wave, at, heel * rng.uniform(0.7, 1.0))
        _strike(wave, at + 0.09, 0.3 * np.exp(-short / 0.015) * _hiss(short, rng, 400, 3000))
        at += rng.uniform(0.46, 0.56)
    return wave


def _barks(t: Array, rng: np.random.Generator) -> Array:
    """Short falling cries in bursts, with breath."""
    wave, at, pitch = np.zeros_like(t), rng.uniform(0.2, 0.5), rng.uniform(320, 750)
    while at < t[-1]:
        s = np.arange(round(rng.uniform(0.12, 0.22) * RATE_HZ)) / RATE_HZ
        bend = pitch * (1 + 0.5 * np.sin(np.pi * s / s[-1])) * (1 - 0.9 * s)
        tone = sum(np.sin(k * 2 * np.pi * np.cumsum(bend) / RATE_HZ) / k for k in range(1, 6))
        envelope = np.sqrt(np.abs(np.sin(np.pi * s / s[-1])))
        _strike(wave, at, envelope * (0.9 * tone + 0.5 * _hiss(s, rng, 500, 3000)))
        at += rng.choice((0.3, 0.35, 0.9))
    return wave


def _engine(t: Array, rng: np.random.Generator) -> Array:
    """Firing of a four-cylinder at 1500–3000 turns a minute, exhaust rumble and tyres."""
    firing = rng.uniform(50, 100)
    phase = 2 * np.pi * (firing * t + 0.3 * np.sin(2 * np.pi * 0.7 * t))
    tones = sum(rng.uniform(0.4, 1.0) / k**0.8 * np.sin(k * phase / 2 + rng.uniform(0, 6)) for k in range(1, 14))
    return np.asarray(0.5 * tones + 0.5 * _hiss(t, rng, 200, 1500) + 0.6 * _hiss(t, rng, 40, 160))


def _crackle(t: Array, rng: np.random.Generator) -> Array:
    """Snaps at random times over a breathing roar."""
    wave = 0.5 * _hiss(t, rng, 60, 500) * (1 + 0.4 * np.sin(2 * np.pi * 1.3 * t))
    short = np.arange(320) / RATE_HZ
    for at in rng.uniform(0, t[-1], rng.poisson(18 * t[-1])):
        loud = min(float(rng.pareto(1.6)) * 0.5 + 0.1, 3.0)
        snap = np.exp(-short / rng.uniform(0.0008, 0.004)) * rng.standard_normal(320)
        _strike(wave, float(at), loud * snap)
    return wave


def _alarm(t: Array, rng: np.random.Generator) -> Array:
    """One of three sirens: two tones, a sweep, or beeps."""
    low, high, pace = rng.uniform(600, 1200), rng.uniform(1300, 2600), rng.uniform(1.0, 4.0)
    turn = (pace * t) % 1
    kind = rng.integers(3)
    if kind == 0:
        pitch = np.where(turn < 0.5, low, high)
    elif kind == 1:
        pitch = low + (high - low) * turn
    else:
        pitch = np.full_like(t, high)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    tone = np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.4 * np.sin(3 * phase)
    return np.asarray(2.0 * tone * (turn < 0.6 if kind == 2 else 1.0))


def _glass(t: Array, rng: np.random.Generator) -> Array:
    """A blow, then shards that ring high and scatter over half a second."""
    wave, short = np.zeros_like(t), np.arange(4800) / RATE_HZ
    _strike(wave, 0.05, 4 * np.exp(-short / 0.012) * rng.standard_normal(4800))
    for at in 0.06 + rng.exponential(0.15, 40):
        _strike(wave, float(at), rng.uniform(0.3, 1.5) * ring(short, rng, 3, 2500, 7500, rng.uniform(0.02, 0.1)))
    return wave


_VOICES = {
    "person walking by": _footsteps,
    "animal walking by": _barks,
    "vehicle passing": _engine,
    "fire": _crackle,
    "alarm": _alarm,
    "glass breaking": _glass,
}
_FADE_S = {"vehicle passing": 0.6, "fire": 0.3}
