"""What a microphone's clip sounds like, and what is wrong with it. T = samples, S = stretches, F = frequencies."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from math import log10

import numpy as np
from scipy import fft

from operators.signals.motion import longest, squared, taper
from pipeline.messages import Array, Sample

STRETCH_S = 0.5
"""A spectrum is of so much; shorter clips are one stretch."""

LOWEST_HZ = 200.0
HIGHEST = 0.475
BANDS = 16
"""Between 200 Hz and that share of the sample rate, each as much wider as it is higher. Below are wind and the mains,
above is where a converter's filter ends."""

FEWEST = 512
"""Samples in a clip of which anything can be said."""

QUIET = 1e-12
"""Power of -120 dB of full scale: less is silence."""

LOUD = 0.1
"""Of full scale: what stays at its highest below that is no clipping, but a converter's last bit."""

MAINS_HZ = (50.0, 60.0)
HARMONICS = 4

LOW_RATE_HZ = 2000.0
"""Hum is looked for at this rate, as the mean of samples beside each other."""


def read_sound(samples: Sequence[Sample]) -> tuple[Array, list[int]]:
    """Return (T,) float32 in [-1, 1], the mean of all channels, and how many are of each sample; what is not finite
    stays so."""
    alike = groupby((sample.data for sample in samples), key=lambda data: (data.dtype, data.shape[1:]))
    samples_T = np.concatenate([_mono(np.concatenate(list(chunks))) for _, chunks in alike])
    return samples_T, [len(sample.data) for sample in samples]


def sound_features(samples_T: Array, rate_hz: float) -> Array | None:
    """Return (BANDS,): the shape of the spectrum in dB, without its mean; None of too short a clip or too low a rate.

    Loudness alone is no feature: a motor that turns faster is louder, and no other motor.
    """
    samples_T = _known(samples_T)
    length = stretch_length(len(samples_T), rate_hz)
    if not length:
        return None
    count = len(samples_T) // length
    return outline(levels(samples_T[-count * length :].reshape(count, length), rate_hz))


def stretch_length(number: int, rate_hz: float) -> int:
    """Return of how many of ``number`` samples a spectrum is; 0 where there are too few, or the rate is too low."""
    if number < FEWEST or rate_hz * HIGHEST <= LOWEST_HZ:
        return 0
    return min(number, max(FEWEST, round(STRETCH_S * rate_hz)))


def levels(samples_ST: Array, rate_hz: float) -> Array:
    """Return (S, BANDS): the spectrum of each stretch in dB."""
    level_SB: Array = 10 * np.log10(_bands(_power(samples_ST), rate_hz) + QUIET)
    return level_SB


def outline(level_SB: Array) -> Array:
    """Return (BANDS,): what stretches have in common but for their loudness."""
    shape: Array = (level_SB - level_SB.mean(1, keepdims=True)).mean(0)
    return shape


def sound_faults(samples_T: Array, rate_hz: float) -> Mapping[str, float]:
    """Return what is wrong, by fault; none of too short a clip.

    ``silent``: how far its deviation is below full scale, 1 at -120 dB; ``clipped``: the share of samples that stay at
    the clip's highest or lowest; ``stuck``: the longest share without any change; ``hum``: by how far the mains and its
    harmonics stand above what is beside them, 1 at 40 dB; ``offset``: the mean; ``missing``: the share of samples that
    are not numbers.
    """
    known_T = _known(samples_T)
    if len(known_T) < FEWEST:
        return {}
    same_T = known_T[1:] == known_T[:-1]
    highest, lowest = float(known_T.max()), float(known_T.min())
    limits = [limit for limit, is_loud in ((highest, highest > LOUD), (lowest, lowest < -LOUD)) if is_loud]
    num_held = sum(int(np.count_nonzero(same_T & (known_T[1:] == limit))) for limit in limits)
    mean = float(known_T.mean())
    away_T = known_T - np.float32(mean)
    loudness = 10 * log10(float(away_T @ away_T) / len(away_T) + QUIET)
    return {
        "silent": max(0.0, -loudness) / 120,
        "clipped": num_held / len(same_T) if highest > lowest else 0.0,
        "stuck": longest(same_T) / len(same_T),
        "hum": hum(known_T, rate_hz) / 40,
        "offset": abs(mean),
        "missing": 1 - len(known_T) / len(samples_T),
    }


def hum(samples_T: Array, rate_hz: float) -> float:
    """Return by how many dB the first harmonics of 50 or 60 Hz stand above their surroundings, on average; 0 if it
    cannot be told."""
    together = max(1, int(rate_hz / LOW_RATE_HZ))
    count = len(samples_T) // together
    slow_T = samples_T[: count * together].reshape(count, together) @ np.full(together, 1 / together, np.float32)
    step_hz = rate_hz / together / max(count, 1)
    if not 0 < step_hz <= 5 or rate_hz < 1000:
        return 0.0
    power_F = _power(slow_T[np.newaxis], int(MAINS_HZ[-1] * (HARMONICS + 1) / step_hz))[0] + QUIET
    return max(0.0, *(_above(power_F, mains / step_hz) for mains in MAINS_HZ))


def _above(power_F: Array, step: float) -> float:
    """Return by how many dB the harmonics of ``step`` stand above their surroundings, on average."""
    near_HN, beside_HN = _harmonics(step)
    ratio_H = power_F[near_HN].max(1) / power_F[beside_HN].max(1)
    return 10 * float(np.log10(ratio_H).mean())


@lru_cache(16)
def _harmonics(step: float) -> tuple[Array, Array]:
    """Return (H, N): where the harmonics of ``step`` are among frequencies, and where their surroundings."""
    near, wide = 2, round(step / 3)
    centre_H1 = np.array([[round(step * number)] for number in range(1, HARMONICS + 1)])
    beside = [*range(-wide, -near), *range(near + 1, wide)]
    return centre_H1 + np.arange(-near, near + 1), centre_H1 + np.array(beside)


def _power(samples_ST: Array, frequencies: int | None = None) -> Array:
    """Return (S, F): the power at all frequencies, or at so many of the lowest."""
    length = samples_ST.shape[1]
    taper_T = taper(length)
    spectrum_SF = fft.rfft((samples_ST - samples_ST.mean(1, keepdims=True)) * taper_T)[:, :frequencies]
    power_SF: Array = squared(spectrum_SF) * (2 / (length * float(taper_T @ taper_T)))
    return power_SF


def _bands(power_SF: Array, rate_hz: float) -> Array:
    """Return (S, BANDS): mean power; a band narrower than a step of frequency has that of the nearest."""
    edges = _edges(rate_hz, power_SF.shape[1])
    mean: Array = np.add.reduceat(power_SF, edges.ravel(), axis=1, dtype=float)[:, ::2] / (edges[:, 1] - edges[:, 0])
    return mean


@lru_cache(16)
def _edges(rate_hz: float, frequencies: int) -> Array:
    """Return (BANDS, 2): where each band begins and ends among so many frequencies."""
    edges = np.geomspace(LOWEST_HZ, rate_hz * HIGHEST, BANDS + 1) / (rate_hz / 2) * (frequencies - 1)
    first = np.floor(edges[:-1]).astype(int)
    return np.stack([first, np.maximum(np.floor(edges[1:]).astype(int), first + 1)], axis=1)


def _known(samples_T: Array) -> Array:
    is_known_T = np.isfinite(samples_T)
    return samples_T if is_known_T.all() else samples_T[is_known_T]


def _mono(data: Array) -> Array:
    loudness = data.astype(np.float32) / np.float32(32768 if data.dtype.kind == "i" else 1)
    mono: Array = loudness if loudness.ndim == 1 else loudness.mean(axis=1)
    return mono
