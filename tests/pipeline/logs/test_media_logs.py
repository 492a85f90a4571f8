"""Films and sounds as logs: every frame once, at its time, as it looks."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import film, number_of, sound

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs import Log
from pipeline.logs.source import UNDATED
from pipeline.messages import NS, Calibration, Received

RAMP = (np.arange(8000) % 400 * 50 - 10_000).astype(np.int16)


def is_near(numbers: list[int], expected: Iterable[int]) -> bool:
    """Say whether frames are those expected, as far as a codec that loses something lets it be seen."""
    return bool(np.allclose(numbers, list(expected), atol=1))


def read(*paths: Path | str, channels: list[Channel] | None = None) -> dict[str, list[Received]]:
    found: dict[str, list[Received]] = {}
    with Log(*paths) as log:
        for one in log.samples(channels or log.channels()):
            found.setdefault(one.sample.topic, []).append(one)
        assert {name: topic.count for name, topic in log.topics.items() if topic.modality != "audio"} == {
            name: len(ones) for name, ones in found.items() if log.topics[name].modality != "audio"
        }
        assert log.damage is None
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_every_frame_of_a_film_is_a_sample_at_its_time(tmp_path: Path, suffix: str) -> None:
    (frames,) = read(film(tmp_path / f"walk{suffix}")).values()
    assert is_near([number_of(one.sample.data) for one in frames], list(range(100)))
    assert [one.sample.stamp for one in frames] == [UNDATED + n * NS // 10 for n in range(100)]
    assert [one.sample.seq for one in frames] == list(range(100))
    assert frames[0].sample.topic == "/walk"
    assert frames[0].sample.data.shape == (48, 64, 3)


def test_a_film_that_was_taken_upright_is_upright(tmp_path: Path) -> None:
    (frames,) = read(film(tmp_path / "tall.mp4", frames=10, turned=90)).values()
    picture = frames[9].sample.data
    assert picture.shape == (64, 48, 3)
    dark, bright = sorted((float(picture[:32].mean()), float(picture[32:].mean())))
    assert bright - dark > 10  # what was left and right is now above and below


def test_the_streams_of_one_file_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    path = tmp_path / "walk.mkv"
    with av.open(str(path), "w") as container:
        seen: Any = container.add_stream("libx264", rate=10)
        heard: Any = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        seen.width, seen.height = 64, 48
        for _ in range(20):  # all that is seen before all that is heard
            container.mux(seen.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        container.mux(seen.encode())
        for number in range(10):
            block = av.AudioFrame.from_ndarray(np.full((1, 1600), number, np.int16), format="s16", layout="mono")
            block.rate, block.pts = 8000, number * 1600
            container.mux(heard.encode(block))
    found = read(path)
    assert {name: len(ones) for name, ones in found.items()} == {"/walk/video": 20, "/walk/audio": 10}
    with Log(path) as log:
        order = [one.received for one in log.samples(log.channels())]
    assert order == sorted(order)


def test_a_thermal_film_is_grey_by_its_name_or_by_the_rig(tmp_path: Path) -> None:
    (frames,) = read(film(tmp_path / "IR_BIRD.mp4", frames=5)).values()
    assert frames[0].sample.data.shape == (48, 64)
    channel = Channel("/walk", "thermal", 10.0)
    (asked,) = read(film(tmp_path / "walk.mp4", frames=5), channels=[channel]).values()
    assert asked[0].sample.data.shape == (48, 64)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_sound_without_loss_comes_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    stereo = np.stack([RAMP, -RAMP])
    (chunks,) = read(sound(tmp_path / f"hum{suffix}", stereo, 16_000)).values()
    values = np.concatenate([one.sample.data for one in chunks])
    assert (str(values.dtype), values.shape) == ("int16", (8000, 2))
    assert np.array_equal(values.T, stereo)
    sizes = np.cumsum([0, *(len(one.sample.data) for one in chunks)])[:-1]
    assert [one.sample.stamp - UNDATED for one in chunks] == [size * NS // 16_000 for size in sizes]


def test_packed_sound_is_float_and_mono_is_flat(tmp_path: Path) -> None:
    (chunks,) = read(sound(tmp_path / "hum.ogg", RAMP[np.newaxis], 48_000)).values()
    data = chunks[1].sample.data
    assert (data.ndim, str(data.dtype), bool(np.abs(data).max() <= 1.2)) == (1, "float32", True)
    with Log(tmp_path / "hum.ogg") as log:
        assert log.channels()[0].calibration == Calibration(sample_rate_hz=48_000)


@pytest.mark.parametrize(("form", "scale"), [("pcm_u8", 128), ("pcm_s32le", 2**31), ("pcm_f32le", 1.0)])
def test_every_kind_of_number_is_within_one(tmp_path: Path, form: str, scale: float) -> None:
    path = tmp_path / "tone.wav"
    dtype = {"pcm_u8": np.uint8, "pcm_s32le": np.int32, "pcm_f32le": np.float32}[form]
    wave = np.array([[-0.5, 0.0, 0.25, 0.5] * 100])
    values = (wave * scale + (128 if form == "pcm_u8" else 0)).astype(dtype)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(form, rate=8000, layout="mono")
        layout = {"pcm_u8": "u8", "pcm_s32le": "s32", "pcm_f32le": "flt"}[form]
        block = av.AudioFrame.from_ndarray(values, format=layout, layout="mono")
        block.rate = 8000
        container.mux(stream.encode(block))
        container.mux(stream.encode())
    (chunks,) = read(path).values()
    assert np.allclose(np.concatenate([one.sample.data for one in chunks]), wave[0], atol=0.01)


def test_a_part_of_a_film_keeps_its_numbers(tmp_path: Path) -> None:
    path = film(tmp_path / "walk.mp4")
    with Log(path) as log:
        part = list(log.samples(log.channels(), UNDATED + 3 * NS, UNDATED + 4 * NS))
    assert [one.sample.seq for one in part] == list(range(30, 40))
    assert is_near([number_of(one.sample.data) for one in part], list(range(30, 40)))


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp4"])
def test_a_part_of_a_sound_is_as_in_the_whole(tmp_path: Path, suffix: str) -> None:
    hum = sound(tmp_path / f"hum{suffix}", np.tile(RAMP, 20)[np.newaxis], 48_000)
    with Log(hum) as log:
        whole = list(log.samples(log.channels()))
        number = len(whole) // 2
        late = list(log.samples(log.channels(), whole[number].received))
    assert [one.sample.seq for one in late] == [one.sample.seq for one in whole[number:]]
    assert [one.received for one in late] == [one.received for one in whole[number:]]
    assert np.allclose(late[0].sample.data, whole[number].sample.data, atol=1e-3)


def test_several_files_are_one_rig_by_their_dates_and_names(tmp_path: Path) -> None:
    front = film(tmp_path / "VID_20240131_120000.mp4", frames=20)
    hum = sound(tmp_path / "20240131-120001.wav", RAMP[np.newaxis], 8000)
    late = film(tmp_path / "walk.mp4", frames=5)
    with Log(f"front={front}", f"mic={hum}", late) as log:
        starts = {name: topic.first for name, topic in log.topics.items()}
        assert log.is_dated
        order = [one.received for one in log.samples(log.channels())]
    noon = 1_706_702_400 * NS
    assert starts == {"/front": noon, "/mic": noon + NS, "/walk": noon}  # one without a date begins with the first
    assert order == sorted(order)
    with Log(f"front={front}", f"mic={hum}", late, align=True) as log:
        assert {topic.first for topic in log.topics.values()} == {noon}


def test_files_without_a_date_begin_together_whenever_they_were_touched(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", frames=5)
    sound(tmp_path / "b.wav", RAMP[np.newaxis], 8000)
    os.utime(tmp_path / "b.wav", (0, 0))
    with Log(tmp_path) as log:
        assert {topic.first for topic in log.topics.values()} == {UNDATED}
        assert not log.is_dated


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "right").mkdir()
    paths = [film(tmp_path / side / "camera.mp4", frames=number) for side, number in (("left", 5), ("right", 7))]
    with Log(*paths) as log:
        counts = sorted(topic.count for topic in log.topics.values())
        assert len(list(log.samples(log.channels()))) == 12
    assert counts == [5, 7]


def test_a_cut_film_gives_what_is_whole_and_the_others_go_on(tmp_path: Path) -> None:
    whole = film(tmp_path / "walk.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    other = film(tmp_path / "other.mkv", frames=100)
    for paths in ([tmp_path / "cut.mkv"], [tmp_path / "cut.mkv", other]):
        with Log(*paths) as log:
            found: list[Received] = []
            with pytest.raises(LogError, match=r"cut\.mkv: the log is cut: it should last 10\.0.. s and ends after"):
                found.extend(log.samples(log.channels()))
            assert "the log is cut" in str(log.damage)
            frames = [one.sample.data for one in found if one.sample.topic == "/cut"]
            assert is_near([number_of(data) for data in frames], list(range(len(frames))))
            assert 10 < len(frames) < 90
            assert len(found) - len(frames) == (100 if len(paths) > 1 else 0)
            part = list(log.samples(log.channels(), 0, UNDATED + NS))  # of which nothing is missing
            assert len(part) == 10 * len(paths)


def test_a_broken_beginning_is_told(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    path.write_bytes(film(tmp_path / "whole.mp4").read_bytes()[:200])
    with pytest.raises(LogError, match=r"walk\.mp4: the log is damaged before its first message"):
        Log(path)


def test_a_film_is_no_depth_and_a_sound_no_picture(tmp_path: Path) -> None:
    with Log(film(tmp_path / "walk.mp4", frames=5)) as log, pytest.raises(LogError, match="cannot be read as depth"):
        log.samples([Channel("/walk", "depth", 10.0)])
    hum = sound(tmp_path / "hum.wav", RAMP[np.newaxis], 8000)
    with Log(hum) as log, pytest.raises(LogError, match="holds audio/pcm_s16le, which cannot be read as vision"):
        log.samples([Channel("/hum", "vision", 10.0)])
