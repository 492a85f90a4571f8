import wave

import numpy as np
import pytest
import torch
from golden import golden, tensors
from msgspec.structs import replace
from situations import clip_of

from operators.encoders.audio import AudioEncoder, resampled
from pipeline.messages import NS, Array, Clip

SILENCE = np.log(1.1920929e-07)
PADDING = 0


def seen(encoder: AudioEncoder, clip: Clip) -> Array:
    """Return what the tower sees."""
    normalized: Array = (encoder.prepare(clip) - encoder.mean) / encoder.std
    return normalized


def recording(name: str) -> tuple[Array, int]:
    with wave.open(str(golden(name))) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        return frames.reshape(-1, file.getnchannels()), file.getframerate()


def chunked(sound: Array, rate: float, length: int, length_s: float = 2.0) -> Clip:
    """A clip of ``length_s`` that holds ``sound`` in chunks of ``length`` samples."""
    chunks = [sound[begin : begin + length].copy() for begin in range(0, len(sound), length)]
    clip = clip_of(chunks, "audio", rate / length, rate)
    return replace(clip, end=clip.start + round(length_s * NS))


def tone(hz: float, rate: float, seconds: float = 2.0, loudness: float = 0.3) -> Array:
    seconds_T = np.arange(round(seconds * rate)) / rate
    tone_T: Array = loudness * np.sin(2 * np.pi * hz * seconds_T)
    return tone_T.astype(np.float32)


def without(clip: Clip, *numbers: int) -> Clip:
    return replace(clip, samples=tuple(sample for n, sample in enumerate(clip.samples) if n not in numbers))


@pytest.mark.parametrize(("number", "start_s"), [(0, 0.0), (1, 2.5), (2, 5.0)])
@pytest.mark.parametrize("length", [160, 1600, 32_000])
def test_mels_are_those_of_the_reference(number: int, start_s: float, length: int) -> None:
    sound, rate = recording("audio_mono16k_7s.wav")
    begin = round(start_s * rate)
    mels = seen(AudioEncoder(), chunked(sound[begin : begin + 2 * rate], rate, length))
    due = tensors("audio_mels.safetensors")["mono16k_7s"][number]
    np.testing.assert_allclose(mels, due, rtol=0, atol=5e-4)


def test_stereo_at_another_rate_is_as_in_the_reference() -> None:
    sound, rate = recording("audio_stereo44k_3s.wav")
    mels = seen(AudioEncoder(), chunked(sound[: 2 * rate], rate, 4410))
    due = tensors("audio_mels.safetensors")["stereo44k_3s_every2mel"][0]
    # The reference resamples the whole file: its last frame also hears what comes after these two seconds.
    np.testing.assert_allclose(mels[:, ::2, :197], due[..., :197], rtol=0, atol=5e-4)
    np.testing.assert_allclose(mels[:, ::2, 198:], due[..., 198:], rtol=0, atol=5e-4)


def test_short_clip_is_padded_as_in_the_reference() -> None:
    sound, rate = recording("audio_mono16k_short.wav")
    mels = seen(AudioEncoder(), chunked(sound, rate, 1600, len(sound) / rate))
    due = tensors("audio_mels.safetensors")["mono16k_short_clip0_every2mel"][0]
    np.testing.assert_allclose(mels[:, ::2], due, rtol=0, atol=5e-4)


def test_resampling_is_that_of_the_reference() -> None:
    sound, rate = recording("audio_stereo44k_3s.wav")
    due = tensors("audio_resample.safetensors")
    heard = resampled(torch.from_numpy(sound[:, 1] / np.float32(32768)), rate)
    assert len(heard) == due["resampled_len"]
    np.testing.assert_allclose(heard[:8000], due["resampled_ch1_first8000"], atol=1e-5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050.5, 48_000, 96_000])
def test_sample_rate_changes_the_sound_little(rate: float) -> None:
    due = AudioEncoder().prepare(chunked(tone(1000, 16_000), 16_000, 1600))
    mels = AudioEncoder().prepare(chunked(tone(1000, rate), rate, round(rate / 10)))
    loudest = due.mean((0, 2)).argmax()
    np.testing.assert_allclose(mels[0, loudest, 2:195], due[0, loudest, 2:195], atol=0.1)


def test_int16_and_float_sound_alike() -> None:
    sound = tone(440, 16_000)
    coarse = (sound * 32768).round().astype(np.int16)
    a, b = (AudioEncoder().prepare(chunked(data, 16_000, 1600)) for data in (sound, coarse))
    loud = a > 0
    assert loud.mean() > 0.02
    np.testing.assert_allclose(a[loud], b[loud], atol=0.1)


def test_a_lost_chunk_is_silence_and_moves_nothing() -> None:
    sound = tone(440, 16_000) + tone(3000, 16_000)
    whole = AudioEncoder().prepare(chunked(sound, 16_000, 1600))
    holed = AudioEncoder().prepare(without(chunked(sound, 16_000, 1600), 8))
    np.testing.assert_array_equal(holed[..., :77], whole[..., :77])
    np.testing.assert_array_equal(holed[..., 90:], whole[..., 90:])
    np.testing.assert_allclose(holed[..., 80:87], SILENCE, atol=1e-3)


def test_jitter_of_the_stamps_is_not_heard() -> None:
    clip = chunked(tone(440, 16_000), 16_000, 1600)
    jitter = np.random.default_rng(0).integers(0, 5_000_000, len(clip.samples)).tolist()
    shaken = [replace(sample, stamp=sample.stamp + more) for sample, more in zip(clip.samples, jitter, strict=True)]
    np.testing.assert_array_equal(
        AudioEncoder().prepare(replace(clip, samples=tuple(shaken))), AudioEncoder().prepare(clip)
    )


def test_clip_that_begins_within_a_chunk_has_no_silence_at_its_start() -> None:
    clip = chunked(tone(440, 16_000), 16_000, 1600)
    early = replace(clip, start=clip.start - NS // 20, end=clip.end - NS // 20)
    np.testing.assert_array_equal(AudioEncoder().prepare(early), AudioEncoder().prepare(clip))


def test_of_a_long_clip_the_last_two_seconds_count() -> None:
    sound = np.concatenate([tone(3000, 16_000, 1.0), tone(440, 16_000)])
    long = AudioEncoder().prepare(chunked(sound, 16_000, 1600, 3.0))
    np.testing.assert_array_equal(long, AudioEncoder().prepare(chunked(tone(440, 16_000), 16_000, 1600)))


def test_the_first_of_several_channels_is_heard() -> None:
    both = np.stack([tone(440, 16_000), tone(3000, 16_000)], 1)
    np.testing.assert_array_equal(
        AudioEncoder().prepare(chunked(both, 16_000, 1600)),
        AudioEncoder().prepare(chunked(both[:, 0], 16_000, 1600)),
    )


@pytest.mark.parametrize("length", [1, 100, 399])
def test_clip_shorter_than_a_frame_gives_one_frame(length: int) -> None:
    mels = AudioEncoder().prepare(chunked(tone(440, 16_000)[:length], 16_000, length, length / 16_000))
    assert mels.shape == (1, 128, 204)
    assert (mels[..., 0] != PADDING).all()
    assert (mels[..., 1:] == PADDING).all()


def test_silence_has_a_unit_vector() -> None:
    encoder = AudioEncoder()
    mels = encoder.prepare(chunked(np.zeros(32_000, np.int16), 16_000, 1600))
    np.testing.assert_allclose(mels[..., :198], SILENCE, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoder.embed(mels[np.newaxis])), 1, atol=1e-5)


@pytest.mark.parametrize("rate", [0.0, -16_000.0, 50.0, 1e7, np.nan])
def test_impossible_sample_rate_is_refused_with_its_value(rate: float) -> None:
    clip = chunked(tone(440, 16_000), 16_000, 1600)
    clip = replace(clip, calibration=replace(clip.calibration, sample_rate_hz=rate))
    with pytest.raises(ValueError, match=f"/audio: sample_rate_hz {rate:g}".replace("+", r"\+")):
        AudioEncoder().prepare(clip)


def test_sound_that_is_not_finite_is_refused() -> None:
    sound = tone(440, 16_000)
    sound[5000] = np.nan
    with pytest.raises(ValueError, match=r"/audio: .*not finite"):
        AudioEncoder().prepare(chunked(sound, 16_000, 1600))


def test_sound_out_of_any_scale_is_refused_with_its_peak() -> None:
    counts = 32768 * tone(440, 16_000)
    with pytest.raises(ValueError, match=r"/audio: float sound is in \[-1, 1\], it reaches 9830"):
        AudioEncoder().prepare(chunked(counts.astype(np.float64), 16_000, 1600))


@pytest.mark.parametrize("shape", [(0,), (0, 2), (1600, 0)])
def test_a_clip_without_sound_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="/audio: "):
        AudioEncoder().prepare(clip_of([np.zeros(shape, np.int16)], "audio"))


def test_forty_kilohertz_of_eight_channels_sound_as_one_of_sixteen() -> None:
    wide = np.stack([tone(1000, 40_000), *(tone(3000, 40_000) for _ in range(7))], 1)
    due = AudioEncoder().prepare(chunked(tone(1000, 16_000), 16_000, 1600))
    mels = AudioEncoder().prepare(chunked(wide, 40_000, 4000))
    loudest = due.mean((0, 2)).argmax()
    np.testing.assert_allclose(mels[0, loudest, 2:195], due[0, loudest, 2:195], atol=0.1)


@pytest.mark.parametrize(("seconds", "frames"), [(0.5, 54), (2.0, 204), (7.3, 734)])
def test_other_lengths_are_heard_in_full(seconds: float, frames: int) -> None:
    encoder = AudioEncoder(seconds=seconds)
    mels = encoder.prepare(chunked(tone(440, 16_000, 10.0), 16_000, 1600, 10.0))
    assert mels.shape == (1, 128, frames)
    assert (mels[..., : frames - 6] != PADDING).all()
    assert not mels[..., frames - 6 :].any()
    np.testing.assert_allclose(np.linalg.norm(encoder.embed(mels[np.newaxis])), 1, atol=1e-5)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.05, np.nan, np.inf])
def test_a_length_without_one_patch_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"seconds {seconds:g}: "):
        AudioEncoder(seconds=seconds)


def test_a_spread_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="std 0 must be above 0"):
        AudioEncoder(std=0.0)


def test_the_tower_sees_deviations_from_the_mean() -> None:
    mels = AudioEncoder().prepare(chunked(tone(440, 16_000), 16_000, 1600))[np.newaxis]
    shifted = AudioEncoder(mean=-4.268 + 3).embed(mels + 3)
    np.testing.assert_allclose(shifted, AudioEncoder().embed(mels), atol=1e-5)
    assert np.abs(AudioEncoder(mean=0.0).embed(mels) - shifted).max() > 1e-3
    # Placeholders hardly tell a spread from another, for the norm of their first layer undoes it.
    assert AudioEncoder(std=3.0)._run.std == 3


def test_temperature_is_that_of_the_paper() -> None:
    assert AudioEncoder().scale == pytest.approx(20)
