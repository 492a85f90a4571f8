"""Sound as a log-mel spectrogram."""

from fractions import Fraction
from functools import cached_property, lru_cache
from math import inf
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance import kaldi
from torchaudio.transforms import Resample

from operators.encoders.checkpoint import load_tower
from operators.encoders.execution import Runner
from operators.encoders.tower import Architecture, Tower
from operators.encoders.training import Standardized, store
from pipeline.messages import NS, Array, Clip, Execution, Sample

RATE = 16_000
"""Samples a second that spectrograms are made of (ImageBind's source)."""

MELS = 128
"""Bands, from 20 Hz to 8 kHz (ImageBind's source)."""

FRAMES_PER_S, SPARE_FRAMES = 100, 4
"""Columns of a spectrogram: two seconds have 204, as in ImageBind's source; their sound gives 198, the rest is 0."""

FRAME = RATE * 25 // 1000
"""Samples in the shortest sound that has a spectrum: 25 ms."""

JITTER_S = 0.02
"""A chunk stamped this close to the end of the one before, and within half its own length, joins on to it."""

RATES = (4_000, 384_000)
"""Sample rates in Hz that make sense."""

LOUDEST = 100.0
"""Decoders overshoot 1 a little; a float above this was never divided by its full scale."""


class AudioEncoder:
    """The last ``seconds`` of a clip at any sample rate; of several channels the first.

    One channel and not the mean: spaced microphones cancel each other at some pitches, and ImageBind was trained so.
    Chunks stand where their stamps say and a hole between them is silence. The tower sees ``(log-mel - mean) / std``;
    the defaults are ImageBind's, measured on AudioSet. No ``weights``: placeholders.
    """

    modality: str = "audio"

    def __init__(
        self,
        tower: Architecture = Architecture(kernel=(16, 12)),
        weights: str = "",
        seed: int = 0,
        execution: Execution = Execution(),
        seconds: float = 2.0,
        mean: float = -4.268,
        std: float = 9.138,
    ) -> None:
        if not 0 < seconds < inf or _frames(seconds) < tower.kernel[1] or tower.kernel[0] > MELS:
            raise ValueError(f"seconds {seconds:g}: no spectrogram that holds one patch of {list(tower.kernel)}")
        if not std > 0:
            raise ValueError(f"std {std:g} must be above 0")
        self.tower = tower
        self.weights = weights
        self.seed = seed
        self.execution = execution
        self.seconds = seconds
        self.mean = mean
        self.std = std

    @property
    def dim(self) -> int:
        return self.tower.dim

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return self._run.scale

    def prepare(self, clip: Clip) -> Array:
        """Return (1, 128, T) float32, mel × time: Kaldi's natural logarithms of power, 0 after the end of the clip.

        T is 204 for two seconds; silence is -15.9, and a sound below 25 ms one frame. Raise ValueError for a clip
        without sound, samples that are not finite, or a sample rate out of range.
        """
        rate = clip.calibration.sample_rate_hz
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(f"{clip.topic}: sample_rate_hz {rate:g} is not within {RATES[0]} to {RATES[1]} Hz")
        wave = resampled(torch.from_numpy(wave_of(clip, rate, self.seconds)), rate)
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
        frames = _frames(self.seconds)
        mels = functional.pad(mels[:frames], (0, 0, 0, max(0, frames - len(mels))))
        return np.ascontiguousarray(mels.T.numpy())[np.newaxis]

    def embed(self, batch: Array) -> Array:
        """Return (N, D) float32 with unit rows for (N, 1, 128, T)."""
        return self._run(batch)

    @cached_property
    def _run(self) -> Runner:
        return Runner(self._tower(), self.execution, self.mean, self.std)

    def network(self) -> nn.Module:
        """Return what ``embed`` computes, to be trained."""
        return Standardized(self._tower(), self.mean, self.std)

    def store(self, network: nn.Module, path: Path) -> None:
        """Write a trained ``network`` as ``weights`` are read."""
        store(network, path)

    def _tower(self) -> Tower:
        return load_tower(self.modality, self.tower, self.weights, self.seed)


def resampled(wave: Tensor, rate: float) -> Tensor:
    """Return ``wave`` (T,) at 16 kHz; the ratio of rates is exact for all usual ones and else within 3e-6."""
    ratio = Fraction(rate / RATE).limit_denominator(640)  # 441/640 is 11 025 Hz
    return wave if ratio == 1 else _resampler(ratio.numerator, ratio.denominator)(wave)


def _frames(seconds: float) -> int:
    return round(seconds * FRAMES_PER_S) + SPARE_FRAMES


def wave_of(clip: Clip, rate: float, seconds: float) -> Array:
    """Return the last ``seconds`` of ``clip`` as (T,) float32 in [-1, 1], every chunk in its place."""
    chunks = [_chunk(sample) for sample in clip.samples]
    if not any(map(len, chunks)):
        raise ValueError(f"{clip.topic}: no sound in [{clip.start}, {clip.end})")
    length = min(clip.end - clip.start, round(seconds * NS))
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
    is_sound = data.ndim == 1 or (data.ndim == 2 and data.shape[1] > 0)
    if not is_sound or (data.dtype != np.int16 and data.dtype.kind != "f"):
        raise ValueError(
            f"{sample.topic}: a chunk is (n,) or (n, C) of int16 or float, this one {data.shape} {data.dtype}"
        )
    sound = data if data.ndim == 1 else data[:, 0]
    if data.dtype == np.int16:
        return sound.astype(np.float32) / np.float32(32768)
    if not np.isfinite(sound).all():
        raise ValueError(f"{sample.topic}: sound that is not finite at {sample.stamp}")
    if len(sound) and (peak := np.abs(sound).max()) > LOUDEST:
        raise ValueError(f"{sample.topic}: float sound is in [-1, 1], it reaches {peak:g} at {sample.stamp}")
    return sound.astype(np.float32)


@lru_cache(8)
def _resampler(old: int, new: int) -> Resample:
    """Keep the filter, which takes longer to make than to apply."""
    return Resample(old, new)
