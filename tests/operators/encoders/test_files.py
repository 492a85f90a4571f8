import json
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import film, number_of, sound
from golden import golden, tensors
from PIL import Image

from operators.encoders.audio import AudioEncoder
from operators.encoders.depth import DepthEncoder
from operators.encoders.files import clips_of, cuts, modality_of
from operators.encoders.imu import ImuEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.vision import VisionEncoder
from pipeline.messages import NS, Array

MEAN, STD = -4.268, 9.138


def seen(path: Path) -> Array:
    """Return (clips, 1, 128, 204), as ImageBind normalises them."""
    encoder = AudioEncoder()
    return (np.stack([encoder.prepare(clip) for clip in clips_of(path)]) - MEAN) / STD


def moving(path: Path, seconds: float, rate_hz: int = 100) -> Path:
    rows = np.zeros((round(seconds * rate_hz), 4))
    rows[:, 0] = np.arange(len(rows)) / rate_hz
    rows[:, 3] = 9.81
    np.savetxt(path, rows, delimiter=",", header="time_s,ax,ay,az", comments="")
    return path


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        *(("a.png", "vision"), ("b.JPEG", "vision"), ("c.mp4", "vision"), ("d.WebM", "vision")),
        *(("e.wav", "audio"), ("f.Ogg", "audio"), ("g.csv", "imu"), ("h.csv.gz", "imu"), ("i.npz", "imu")),
    ],
)
def test_a_name_tells_what_was_recorded(name: str, modality: str) -> None:
    assert modality_of(name) == modality


@pytest.mark.parametrize("name", ["a.npy", "b.bag", "c", "d.tar.gz"])
def test_a_name_that_does_not_tell_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: its name does not say .* write .*depth:{name}"):
        modality_of(name)


def test_a_deep_picture_may_be_more_than_a_picture(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 2000, np.uint16)).save(tmp_path / "d.png")
    with pytest.raises(ValueError, match=r"d\.png: .* write depth:.*, thermal:.* or vision:"):
        modality_of(tmp_path / "d.png")


@pytest.mark.parametrize(("key", "number"), [("3x2s", 3), ("5x2s", 5), ("1x2s", 1)])
def test_clips_lie_where_those_of_the_reference_lie(key: str, number: int) -> None:
    for duration, due in json.loads(golden("clip_timepoints.json").read_text()).items():
        found = [(float(start), float(end)) for start, end in cuts(Fraction(duration), number, Fraction(2))]
        np.testing.assert_allclose(found, due[key], atol=1e-9)


def test_mels_of_a_file_are_those_of_the_reference() -> None:
    due = tensors("audio_mels.safetensors")
    np.testing.assert_allclose(seen(golden("audio_mono16k_7s.wav")), due["mono16k_7s"], rtol=0, atol=5e-4)


def test_mels_of_a_file_at_another_rate_are_those_of_the_reference() -> None:
    due = tensors("audio_mels.safetensors")["stereo44k_3s_every2mel"][0]
    np.testing.assert_allclose(seen(golden("audio_stereo44k_3s.wav"))[0, :, ::2], due, rtol=0, atol=5e-4)


def test_a_short_file_is_one_clip_padded_as_in_the_reference() -> None:
    due = tensors("audio_mels.safetensors")["mono16k_short_clip0_every2mel"]
    np.testing.assert_allclose(seen(golden("audio_mono16k_short.wav"))[:, :, ::2], due, rtol=0, atol=5e-4)


def test_sound_is_cut_after_it_is_resampled() -> None:
    clips = clips_of(golden("audio_stereo44k_3s.wav"))
    starts = [clip.start / NS for clip in clips]
    np.testing.assert_allclose(starts, [0, 0.55, 1.1], atol=1e-9)
    assert {clip.calibration.sample_rate_hz for clip in clips} == {16_000}
    due = tensors("audio_resample.safetensors")["resampled_ch0_first8000"]
    np.testing.assert_allclose(clips[0].samples[0].data[:8000], due, atol=1e-5)


def test_a_film_is_five_clips_of_two_frames(tmp_path: Path) -> None:
    clips = clips_of(film(tmp_path / "f.mp4"))
    assert [clip.start for clip in clips] == [0, 2 * NS, 4 * NS, 6 * NS, 8 * NS]
    assert [[number_of(sample.data) for sample in clip.samples] for clip in clips] == [
        *([0, 19], [20, 39], [40, 59], [60, 79], [80, 99]),
    ]
    for clip in clips:
        assert all(clip.start <= sample.stamp < clip.end for sample in clip.samples)
        assert VisionEncoder().prepare(clip).shape == (3, 2, 224, 224)


def test_a_short_film_is_one_clip(tmp_path: Path) -> None:
    (clip,) = clips_of(film(tmp_path / "f.mp4", frames=12))
    assert [number_of(sample.data) for sample in clip.samples] == [0, 11]
    (still,) = clips_of(film(tmp_path / "s.mp4", frames=1))
    assert len(still.samples) == 1


def test_a_thermal_film_is_clips_of_grey(tmp_path: Path) -> None:
    clips = clips_of(film(tmp_path / "f.mp4"), "thermal")
    assert len(clips) == 5
    assert ThermalEncoder().prepare(clips[4]).max() == pytest.approx(2.5 * 99 / 255, abs=0.02)


def test_a_picture_is_one_clip_named_by_its_path(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "p.png")
    (clip,) = clips_of(str(tmp_path / "p.png"))
    assert (clip.topic, clip.modality) == (str(tmp_path / "p.png"), "vision")
    assert VisionEncoder().prepare(clip)[0].min() == 255


def test_depth_and_thermal_arrays_reach_their_encoders(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((6, 8), 2.0))
    (depth,), (thermal,) = clips_of(tmp_path / "a.npy", "depth"), clips_of(tmp_path / "a.npy", "thermal")
    assert DepthEncoder().prepare(depth).mean() == pytest.approx(518.86 * 0.075 / 2 / 200, rel=0.01)
    assert ThermalEncoder().prepare(thermal).mean() == pytest.approx((2 + 20) / 140, rel=0.01)


@pytest.mark.parametrize(("seconds", "number"), [(0.5, 1), (4.9, 1), (5, 1), (9.9, 1), (10, 2), (23, 4)])
def test_motion_is_cut_every_five_seconds(tmp_path: Path, seconds: float, number: int) -> None:
    clips = clips_of(moving(tmp_path / "m.csv", seconds))
    assert [clip.start for clip in clips] == [5 * NS * n for n in range(number)]
    assert {clip.end - clip.start for clip in clips} == {min(5 * NS, round(seconds * NS))}
    for clip in clips:
        assert len(clip.samples) == round(100 * min(5, seconds))
        assert ImuEncoder().prepare(clip)[2].min() == pytest.approx(9.81)


def test_a_clock_that_is_a_little_fast_loses_no_clip(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.array([[0.99999 * n / 100, 0, 0, 9.81] for n in range(1000)]))
    assert len(clips_of(tmp_path / "m.npy", "imu")) == 2


def test_seconds_without_motion_are_no_clip(tmp_path: Path) -> None:
    lines = moving(tmp_path / "m.csv", 20).read_text().splitlines()
    (tmp_path / "m.csv").write_text("\n".join(lines[:600] + lines[1600:]))
    assert [clip.start // NS for clip in clips_of(tmp_path / "m.csv")] == [0, 5, 15]


def test_one_reading_is_a_clip(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("time_s,ax_g,ay_g,az_g\n7,0,0,1\n")
    (clip,) = clips_of(tmp_path / "m.csv")
    np.testing.assert_allclose(ImuEncoder().prepare(clip)[2], 9.80665, rtol=1e-6)


def test_clips_may_have_another_length(tmp_path: Path) -> None:
    loud = np.ones((1, 160_000), np.int16)
    clips = clips_of(sound(tmp_path / "s.wav", loud, 16_000), length_s=5)
    assert [(clip.start / NS, clip.end / NS) for clip in clips] == [(0, 5), (2.5, 7.5), (5, 10)]
    assert len(clips_of(moving(tmp_path / "m.csv", 10), length_s=2)) == 5
    assert clips_of(film(tmp_path / "f.mp4"), length_s=4)[1].end == 5.5 * NS


@pytest.mark.parametrize("length_s", [-1.0, np.nan, np.inf])
def test_no_length_is_refused(tmp_path: Path, length_s: float) -> None:
    with pytest.raises(ValueError, match=f"length_s {length_s:g}"):
        clips_of(tmp_path / "s.wav", length_s=length_s)


@pytest.mark.parametrize("modality", ["vision", "audio", "depth", "thermal", "imu"])
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.mp4", "x.wav", "x.npy", "x.npz", "x.csv", "x"])
@pytest.mark.parametrize("content", [b"", b"hello world " * 99, bytes(999), b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, modality: str, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=name if content else f"{name}: the file is empty"):
        clips_of(tmp_path / name, modality)


@pytest.mark.parametrize("params", [{}, {"modality": "audio"}, {"modality": "imu"}])
def test_a_file_that_is_not_there_is_told_as_the_system_tells_it(tmp_path: Path, params: dict[str, Any]) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        clips_of(tmp_path / "nowhere.wav", **params)
    with pytest.raises(IsADirectoryError):
        clips_of(tmp_path, "vision")


@pytest.mark.parametrize("modality", ["text", "smell"])
def test_a_file_has_no_other_modality(tmp_path: Path, modality: str) -> None:
    (tmp_path / "a.txt").write_text("a dog")
    with pytest.raises(ValueError, match=rf"a\.txt: a file has no modality '{modality}'"):
        clips_of(tmp_path / "a.txt", modality)


def test_eight_channels_at_forty_kilohertz_are_one(tmp_path: Path) -> None:
    sound_T8 = np.zeros((40_000, 8), np.int16)
    sound_T8[:, 0] = 9000 * np.sin(np.arange(40_000) / 5)
    with wave.open(str(tmp_path / "s.wav"), "wb") as file:
        file.setparams((8, 2, 40_000, 0, "NONE", ""))
        file.writeframes(sound_T8.tobytes())
    (clip,) = clips_of(tmp_path / "s.wav")
    assert (clip.start, clip.end) == (0, NS)
    assert np.abs(clip.samples[0].data).max() == pytest.approx(9000 / 32768, rel=0.05)


def test_a_rate_that_no_sound_has_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "s.wav"), "wb") as file:
        file.setparams((1, 2, 2_000_000_011, 0, "NONE", ""))
        file.writeframes(bytes(1000))
    with pytest.raises(ValueError, match=r"s\.wav: its sample rate of 2000000011 Hz"):
        clips_of(tmp_path / "s.wav")
