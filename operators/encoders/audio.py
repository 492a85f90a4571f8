"""Sound as a log-mel spectrogram."""

from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchaudio.compliance import kaldi
from torchaudio.transforms import Resample

from operators.encoders.tower import Tower
from pipeline.messages import NS, Array, Clip, Sample

RATE = 16_000
SECONDS = 2
MELS, FRAMES = 128, 204
"""Of ImageBind's audio input: two seconds give 198 frames, the rest is padding."""

FRAME = RATE * 25 // 1000
"""Samples in the shortest sound that has a spectrum: 25 ms."""

MEAN, STD = -4.268, 9.138
"""Of ImageBind's log-mels, measured on AudioSet."""

JITTER_S = 0.02
"""A chunk stamped this close to the end of the one before, and within half its own length, joins on to it."""

RATES = (4_000, 384_000)
"""Sample rates in Hz that make sense."""


class AudioEncoder:
    """The last two seconds of a clip at any sample rate; of several channels the first.

    One channel and not the mean: spaced microphones cancel each other at some pitches, and ImageBind was trained
    so. Chunks stand where their stamps say and a hole between them is silence. The weights are placeholders.
    """

    modality: str = "audio"

    def __init__(self, dim: int = 256, seed: int = 0) -> None:
        self.dim = dim
        self.seed = seed

    def prepare(self, clip: Clip) -> Array:
        """Return (1, 128, 204) float32, mel × time: Kaldi log-mels, normalised; a shorter clip is padded at its end.

        Raise ValueError for a clip without sound, samples that are not finite, or a sample rate out of range.
        """
        rate = clip.calibration.sample_rate_hz
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(f"{clip.topic}: sample_rate_hz {rate:g} is not within {RATES[0]} to {RATES[1]} Hz")
        wave = _resampled(torch.from_numpy(_wave(clip, rate)), rate)
        wave = functional.pad(wave, (0, max(0, FRAME - len(wave))))
        mels = kaldi.fbank(
            wave[np.newaxis],
            sample_frequency=RATE,
            num_mel_bins=MELS,
            window_type="hanning",
            htk_compat=True,
            use_energy=False,
            dither=0.0,
        )
        mels = functional.pad(mels[:FRAMES], (0, 0, 0, max(0, FRAMES - len(mels))))
        return np.ascontiguousarray(((mels.T - MEAN) / STD).numpy())[np.newaxis]

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, 128, 204)."""
        return self._tower.embed(torch.tensor(batch, dtype=torch.float32))

    @cached_property
    def _tower(self) -> Tower:
        return Tower((1, MELS, FRAMES), (16, 12), self.dim, self.seed)


def _wave(clip: Clip, rate: float) -> Array:
    """Return the last two seconds of ``clip`` as (T,) float32 in [-1, 1], every chunk in its place."""
    chunks = [_chunk(sample) for sample in clip.samples]
    if not any(map(len, chunks)):
        raise ValueError(f"{clip.topic}: no sound in [{clip.start}, {clip.end})")
    length = min(clip.end - clip.start, SECONDS * NS)
    begin, first = clip.end - length, clip.samples[0].stamp
    if 0 < first - begin < len(chunks[0]) / rate * NS:
        begin = first  # what sounded before is in a chunk that began before the clip, and is no silence
    wave = np.zeros(round(length * rate / NS), np.float32)
    cursor = round((first - begin) * rate / NS)
    for sample, chunk in zip(clip.samples, chunks, strict=True):
        place = round((sample.stamp - begin) * rate / NS)
        if abs(place - cursor) <= min(len(chunk) / 2, JITTER_S * rate):
            place = cursor
        cursor = place + len(chunk)
        heard = chunk[max(0, -place) : max(0, len(wave) - place)]
        wave[max(0, place) : max(0, place) + len(heard)] = heard
    return wave


def _chunk(sample: Sample) -> Array:
    """Return the first channel as (n,) float32 in [-1, 1]."""
    data = sample.data
    if data.ndim not in (1, 2) or (data.dtype != np.int16 and data.dtype.kind != "f"):
        raise ValueError(
            f"{sample.topic}: a chunk is (n,) or (n, C) of int16 or float, this one {data.shape} {data.dtype}"
        )
    sound = (data if data.ndim == 1 else data[:, 0]).astype(np.float32)
    if not np.isfinite(sound).all():
        raise ValueError(f"{sample.topic}: sound that is not finite at {sample.stamp}")
    return sound / np.float32(32768) if data.dtype == np.int16 else sound


def _resampled(wave: Tensor, rate: float) -> Tensor:
    """Return ``wave`` at 16 kHz; the ratio of rates is exact for all usual ones and else within 3e-6."""
    ratio = Fraction(rate / RATE).limit_denominator(640)  # 441/640 is 11 025 Hz
    return wave if ratio == 1 else _resampler(ratio.numerator, ratio.denominator)(wave)


@lru_cache(8)
def _resampler(old: int, new: int) -> Resample:
    """Keep the filter, which takes longer to make than to apply."""
    return Resample(old, new)
