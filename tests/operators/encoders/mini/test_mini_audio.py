from pathlib import Path

import numpy as np
import pytest
import torch
from makers import SHARED
from msgspec.structs import replace
from situations import clip_of

from operators.encoders.files import clips_of
from operators.encoders.mini.audio import MiniAudio, Sounds
from operators.sets.audio_esc10 import items
from pipeline.messages import NS, Array, Clip

ESC10 = SHARED / "data/audio_esc10"

HEARD = {"dog bark": 69, "baby cry": 20, "helicopter": 333, "chainsaw": 341, "rain": 283, "person sneeze": 44}
"""Numbers of YAMNet's classes by ESC-10's: Dog, Baby cry, Helicopter, Chainsaw, Rain, Sneeze."""

CLASS, TOP = 521, 5


def sound(data: Array, rate: float = 16_000, length_s: float = 2.0) -> Clip:
    chunk = round(rate / 10)
    chunks = [data[begin : begin + chunk].copy() for begin in range(0, len(data), chunk)]
    clip = clip_of(chunks, "audio", rate / chunk, rate)
    return replace(clip, end=clip.start + round(length_s * NS))


def tone(hz: float, rate: float = 16_000, seconds: float = 2.0) -> Array:
    wave: Array = (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)
    return wave


@pytest.mark.parametrize(("seconds", "patches"), [(0.5, 1), (1.0, 1), (2.0, 3), (5.0, 9)])
def test_patches_cover_the_last_seconds(seconds: float, patches: int) -> None:
    ready = MiniAudio(seconds=seconds).prepare(sound(tone(440, seconds=6.0), length_s=6.0))
    assert ready.shape == (patches, 96, 64)
    assert ready.dtype == np.float32


def test_of_a_long_clip_the_last_two_seconds_count() -> None:
    ends = np.concatenate([tone(3000), tone(440)])
    np.testing.assert_array_equal(MiniAudio().prepare(sound(ends, length_s=4.0)), MiniAudio().prepare(sound(tone(440))))


def test_what_a_clip_lacks_is_silence_before_it() -> None:
    brief = MiniAudio().prepare(sound(tone(440, seconds=1.0), length_s=1.0))
    np.testing.assert_allclose(brief[0, :95], np.log(0.001), atol=0.02)
    np.testing.assert_array_equal(brief[2, 8:], MiniAudio().prepare(sound(tone(440)))[2, 8:])


@pytest.mark.parametrize("rate", [8_000, 22_050.5, 44_100, 48_000])
def test_sample_rate_changes_what_is_heard_little(rate: float) -> None:
    due = MiniAudio().prepare(sound(tone(1000)))[1]
    mels = MiniAudio().prepare(sound(tone(1000, rate), rate))[1]
    loudest = due.mean(0).argmax()
    assert mels.mean(0).argmax() == loudest
    np.testing.assert_allclose(mels[:, loudest], due[:, loudest], atol=0.1)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, 1e7])
def test_impossible_sample_rate_is_refused_with_its_value(rate: float) -> None:
    clip = sound(tone(440))
    clip = replace(clip, calibration=replace(clip.calibration, sample_rate_hz=rate))
    with pytest.raises(ValueError, match=f"/audio: sample_rate_hz {rate:g}".replace("+", r"\+")):
        MiniAudio().prepare(clip)


def test_sound_that_is_not_finite_is_refused() -> None:
    wave = tone(440)
    wave[5000] = np.inf
    with pytest.raises(ValueError, match=r"/audio: .*not finite"):
        MiniAudio().prepare(sound(wave))


@pytest.mark.parametrize("seconds", [0.0, -1.0, np.nan, np.inf])
def test_a_length_of_nothing_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"seconds {seconds:g}"):
        MiniAudio(seconds=seconds)


def test_two_lengths_of_sound_have_vectors_of_one_space() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 80_000).astype(np.float32).clip(-1, 1)
    brief, long = (
        encoder.embed(encoder.prepare(sound(noise, length_s=5.0))[np.newaxis])[0]
        for encoder in (MiniAudio(), MiniAudio(seconds=5.0))
    )
    assert brief @ long > 0.9


@torch.inference_mode()
@pytest.mark.skipif(not ESC10.is_dir(), reason="recordings of ESC-10 are absent")
def test_real_sounds_are_recognised() -> None:
    encoder = MiniAudio(seconds=5.0)
    network = encoder.network()
    assert isinstance(network, Sounds)
    right = dict.fromkeys(HEARD, 0)
    by_label: dict[str, list[Path]] = {label: [] for label in HEARD}
    for item in items(ESC10):
        if item.label in HEARD:
            by_label[item.label].append(ESC10 / "clips" / item.name)
    for label, paths in by_label.items():
        for path in paths[:5]:
            clip = clips_of(path, "audio", length_s=5.0)[-1]
            _, scores = network.yamnet(torch.from_numpy(encoder.prepare(clip))[None])
            right[label] += HEARD[label] in scores[0].amax(0).topk(TOP).indices
    assert min(right.values()) >= 3, right
