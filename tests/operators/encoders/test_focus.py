from collections.abc import Callable

import numpy as np
import pytest

from operators.encoders.focus import focused
from operators.sets.reading import clip_of
from pipeline.messages import Array, Clip, Sample

SHAPE = (120, 160)


def _scene(rng: np.random.Generator) -> Array:
    """A wide scene with corners to hold on to, larger than a frame."""
    scene = np.full((160, 260), 90, np.uint8)
    for _ in range(60):
        y, x = rng.integers(0, 150), rng.integers(0, 250)
        scene[y : y + rng.integers(4, 20), x : x + rng.integers(4, 20)] = rng.integers(40, 200)
    return scene


def _clip(pan: int, speed: int, frames: int = 9, dtype: str = "uint8") -> tuple[Clip, int]:
    """Frames of a camera that pans by ``pan`` pixels a frame, with a speck that flies by ``speed``; and where it is."""
    rng = np.random.default_rng(1)
    scene = _scene(rng)
    samples = []
    for n in range(frames):
        frame = scene[20 : 20 + SHAPE[0], 10 + pan * n : 10 + pan * n + SHAPE[1]].astype(dtype)
        frame = frame + rng.integers(0, 3, SHAPE).astype(dtype)
        place = 60 + speed * n
        if speed:
            frame[40:44, place : place + 4] = 250
        samples.append(Sample(topic="/c", stamp=n * 100, frame_id="", seq=n, data=frame))
    clip = Clip(topic="/c", modality="vision", start=0, end=900, samples=tuple(samples), coverage=1.0)
    return clip, 60 + speed * (frames // 2)


@pytest.mark.parametrize("pan", [0, 3])
def test_a_flying_speck_fills_the_crop(pan: int) -> None:
    clip, _ = _clip(pan, speed=5)
    (sample,) = focused(clip).samples
    bright = sample.data > 240
    assert sample.data.shape[0] < 40
    assert bright.sum() >= 12
    rows, columns = np.nonzero(bright)
    assert abs(rows.mean() - sample.data.shape[0] / 2) < 5
    assert abs(columns.mean() - sample.data.shape[1] / 2) < 5


def _sky(draw: Callable[[Array, int], None]) -> Clip:
    """Nine frames of a noisy sky over rough ground, with what ``draw`` puts into the n-th."""
    rng = np.random.default_rng(2)
    frames = []
    for n in range(9):
        frame = np.full(SHAPE, 100, np.int64)
        frame[100:] = np.random.default_rng(3).integers(150, 200, (20, SHAPE[1]))
        draw(frame, n)
        frames.append((frame + rng.integers(0, 3, SHAPE)).astype(np.uint8))
    return clip_of("/c", "vision", 0, 900, [(100 * n, frame) for n, frame in enumerate(frames)])


def test_the_whole_of_a_thing_is_seen_though_its_rotor_alone_has_moved() -> None:
    def helicopter(frame: Array, n: int) -> None:
        frame[40:60, 60:90] = 40
        frame[36:40, 60 + 15 * (n % 3) : 75 + 15 * (n % 3)] = 40

    (sample,) = focused(_sky(helicopter)).samples
    assert (sample.data < 50).sum() == 20 * 30 + 4 * 15
    assert sample.data.shape[0] < 80


def test_not_a_pole_on_a_wall_is_meant_but_what_flies() -> None:
    def pole_and_bird(frame: Array, n: int) -> None:
        _pole(frame, n)
        frame[30:34, 120 - 5 * n : 124 - 5 * n] = 140

    (sample,) = focused(_sky(pole_and_bird)).samples
    assert sample.data.shape[0] < 40
    assert (sample.data >= 140).sum() == 16


def test_where_nothing_stands_free_what_moves_most_is_looked_at() -> None:
    (sample,) = focused(_sky(_pole)).samples
    assert sample.data.shape[0] < 40
    assert (sample.data >= 220).any()


def _pole(frame: Array, n: int) -> None:
    """It moves, as what is near does before a camera on the move, and the wall that it stands on looks the same."""
    frame[96:100] = 220
    frame[90:96, 30 + 5 * n : 34 + 5 * n] = 220


def test_temperatures_are_searched_as_well() -> None:
    clip, _ = _clip(0, speed=5, dtype="uint16")
    (sample,) = focused(clip).samples
    assert sample.data.dtype == np.uint16
    assert (sample.data > 240).sum() >= 12


def test_a_scene_in_which_nothing_moves_stays_whole() -> None:
    clip, _ = _clip(0, speed=0)
    still = Clip(topic="/c", modality="vision", start=0, end=900, samples=(clip.samples[0],) * 9, coverage=1.0)
    assert focused(still) is still


def test_two_frames_cannot_tell() -> None:
    clip, _ = _clip(0, speed=5, frames=2)
    assert focused(clip) is clip


def test_frames_of_unlike_sizes_are_left_alone() -> None:
    clip, _ = _clip(0, speed=5)
    small = Sample(topic="/c", stamp=950, frame_id="", seq=9, data=np.zeros((4, 4), np.uint8))
    mixed = Clip(topic="/c", modality="vision", start=0, end=999, samples=(*clip.samples, small), coverage=1.0)
    assert focused(mixed) is mixed
