"""One microphone, heard once although windows overlap."""

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pytest
from makers import sample

from operators.signals import ear
from operators.signals.ear import Ear
from operators.signals.sound import levels, read_sound, sound_faults, sound_features
from pipeline.messages import NS, Array, Calibration, Clip, Sample

RATE_HZ, CHUNK = 8000, 400


def chunks(seconds: float) -> tuple[Sample, ...]:
    rng = np.random.default_rng(0)
    number = round(seconds * RATE_HZ / CHUNK)
    waves = (rng.normal(0, 2000, (number, CHUNK)) * np.linspace(0.2, 2, number)[:, np.newaxis]).astype(np.int16)
    return tuple(sample(at_s=seq * CHUNK / RATE_HZ, seq=seq, data=wave) for seq, wave in enumerate(waves))


def windows(samples: tuple[Sample, ...], length: int, stride: int, rate_hz: float = RATE_HZ) -> Iterator[Clip]:
    """Clips of ``length`` chunks, ``stride`` apart; the first ones are shorter."""
    for end in range(stride, len(samples) + 1, stride):
        held = samples[max(0, end - length) : end]
        yield Clip(
            topic="/mic",
            modality="audio",
            start=held[0].stamp,
            end=held[-1].stamp + NS,
            samples=held,
            coverage=1.0,
            calibration=Calibration(sample_rate_hz=rate_hz),
        )


def assert_heard_as_alone(listening: Ear, clip: Clip) -> None:
    """A clip of an overlapping stream tells what it tells by itself."""
    (samples_T, _), rate_hz = read_sound(clip.samples), clip.calibration.sample_rate_hz
    faults, features = listening.hear(clip)
    assert faults == sound_faults(samples_T, rate_hz)
    due = sound_features(samples_T, rate_hz)
    assert (features is None) == (due is None)
    if features is not None and due is not None:
        np.testing.assert_allclose(features, due, atol=1e-4)


@pytest.mark.parametrize(("length", "stride"), [(40, 10), (40, 20), (40, 40), (40, 9), (37, 10), (45, 10), (6, 1)])
def test_overlapping_clips_tell_what_each_tells_alone(length: int, stride: int) -> None:
    listening = Ear()
    for clip in windows(chunks(8), length, stride):
        assert_heard_as_alone(listening, clip)


def test_of_clips_that_overlap_by_whole_stretches_only_what_is_new_is_transformed() -> None:
    transformed = []

    def counted(samples_ST: Array, rate_hz: float) -> Array:
        transformed.append(len(samples_ST))
        return levels(samples_ST, rate_hz)

    listening = Ear()
    with patch.object(ear, "levels", counted):
        for clip in windows(chunks(8), 40, 10):
            listening.hear(clip)
    assert transformed == [1] * 16


def test_what_is_not_finite_and_another_rate_let_nothing_of_before_be_said_again() -> None:
    samples, listening = chunks(8), Ear()
    broken = sample(at_s=samples[75].stamp / NS, seq=75, data=np.full(CHUNK, np.nan, np.float32))
    for clip in windows((*samples[:75], broken, *samples[76:120]), 40, 10):
        assert_heard_as_alone(listening, clip)
    for clip in windows(samples[120:], 40, 10, rate_hz=2 * RATE_HZ):
        assert_heard_as_alone(listening, clip)
