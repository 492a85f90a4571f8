"""The watch of raw signals: every fault is named for its topic and sense, and nothing else is."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from situations import clip_of

from operators.keeping import packed
from operators.signals.sight import noise, thinned
from operators.signals.sound import FEWEST, sound_faults, sound_features
from operators.signals.watch import REMEMBERED, SignalWatch
from pipeline.messages import NS, Array, Clip, Observation, Window

RATE_HZ = 100


def seen(*clips: Clip, number: int = 0) -> Observation:
    """Clips moved to the window that ends ``number`` times 2 s later."""
    shift = number * 2 * NS
    moved = [
        replace(
            clip,
            start=clip.start + shift,
            end=clip.end + shift,
            samples=tuple(replace(sample, stamp=sample.stamp + shift) for sample in clip.samples),
        )
        for clip in clips
    ]
    window = Window(start=moved[0].start, end=moved[0].end, clips={clip.topic: clip for clip in moved}, coverage={})
    return Observation(window=window, embeddings={}, fused=np.zeros(4, np.float32), weights={})


def motion(seed: int = 0, shake: float = 0.1) -> Array:
    rng = np.random.default_rng(seed)
    return np.array([0, 0, 9.81, 0, 0, 0]) + rng.normal(size=(2 * RATE_HZ, 6)) * shake


def sound(seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=32_000) * 2000).astype(np.int16)


def picture(seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    tilt = np.add.outer(np.arange(120), np.arange(160)) / 2 + 40
    return np.stack([tilt + rng.normal(size=tilt.shape) * 3] * 3, axis=-1).astype(np.uint8)


def depth(seed: int = 0) -> Array:
    return picture(seed)[..., 1].astype(np.uint16) * 20


def imu_clip(readings: Array) -> Clip:
    return clip_of(list(readings), "imu")


def audio_clip(samples: Array) -> Clip:
    return clip_of(np.split(samples, 20), "audio")


def films(frames: Sequence[Array], modality: str) -> Clip:
    return clip_of(list(frames), modality)


def faults(clip: Clip) -> dict[str, float]:
    """What a watch without a past says of one clip."""
    scores = SignalWatch().score(seen(clip))
    assert all(name.startswith(f"{clip.topic} ") for name in scores)
    return {name.partition(" ")[2]: value for name, value in scores.items()}


def changed(data: Array, change: Any) -> Array:
    copy = data.copy()
    change(copy)
    return copy


def grain(seed: int) -> Array:
    """What a camera makes of a covered lens."""
    return np.random.default_rng(seed).integers(0, 80, (120, 160, 3), np.uint8)


def saturate(readings: Array) -> None:
    readings[:, 0] = np.clip(readings[:, 0] * 50, -2, 2)


def kill(readings: Array) -> None:
    readings[:, 4] = 0.25


def stick(readings: Array) -> None:
    readings[50:] = readings[50]


CALM: Mapping[str, Clip] = {
    "imu": imu_clip(motion()),
    "audio": audio_clip(sound()),
    "vision": films([picture(seed) for seed in range(4)], "vision"),
    "thermal": films([depth(seed) + 28_000 for seed in range(4)], "thermal"),
    "depth": films([depth(seed) for seed in range(4)], "depth"),
}

TIME = np.arange(32_000) / 16_000
HUM = np.sum([3000 * np.sin(2 * np.pi * 50 * number * TIME) for number in range(1, 5)], axis=0).astype(np.int16)
BROKEN: Mapping[str, Clip] = {
    "imu saturated": imu_clip(changed(motion(), saturate)),
    "imu dead axis": imu_clip(changed(motion(), kill)),
    "imu stuck": imu_clip(changed(motion(), stick)),
    "imu missing": imu_clip(np.where(np.arange(200)[:, np.newaxis] < 50, np.nan, motion())),
    "audio silent": audio_clip(np.zeros(32_000, np.int16)),
    "audio clipped": audio_clip(np.clip(sound().astype(int) * 30, -32768, 32767).astype(np.int16)),
    "audio hum": audio_clip(sound() + HUM),
    "audio offset": audio_clip(sound() + np.int16(15_000)),
    "audio stuck": audio_clip(np.where(np.arange(32_000) < 12_000, sound(), 700).astype(np.int16)),
    "audio missing": audio_clip(np.where(np.arange(32_000) < 9_000, np.nan, sound() / 32768)),
    "vision frozen": films([picture()] * 4, "vision"),
    "vision dark": films([picture(seed) // 40 for seed in range(4)], "vision"),
    "vision flat": films([picture(seed) * 0 + seed + 90 for seed in range(4)], "vision"),
    "vision noise": films([picture(seed) * 0 + 40 + grain(seed) for seed in range(4)], "vision"),
    "vision dead pixels": films(
        [changed(picture(seed), lambda p: p[::6, ::6].fill(255)) for seed in range(4)], "vision"
    ),
    "thermal frozen": films([depth() + 28_000] * 4, "thermal"),
    "thermal flat": films([depth(seed) // 1000 + 29_000 for seed in range(4)], "thermal"),
    "thermal blind": films([np.where(depth(seed) > 2000, np.nan, 20.0 + depth(seed)) for seed in range(4)], "thermal"),
    "depth blind": films([np.where(depth(seed) > 2000, 0, depth(seed)) for seed in range(4)], "depth"),
    "depth flat": films([depth(seed) // 1000 + 4000 for seed in range(4)], "depth"),
    "depth frozen": films([depth()] * 4, "depth"),
}
ALSO = {
    "audio silent": {"stuck"},
    "vision dark": {"flat"},
    "vision flat": set(),
    "vision dead pixels": {"noise"},
    "imu missing": set(),
    "audio offset": {"silent"},
}
"""What else such a fault does."""


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_raises_its_own_score_and_hardly_another(name: str) -> None:
    modality, _, fault = name.partition(" ")
    calm, broken = faults(CALM[modality]), faults(BROKEN[name])
    assert calm.keys() >= broken.keys() - {"dark"}
    assert broken[fault] > calm[fault] + (0.01 if fault == "dead pixels" else 0.15)
    others = {other for other in broken if other != fault and broken[other] > calm[other] + 0.15}
    assert others <= ALSO.get(name, set())
    assert all(np.isfinite(value) for value in broken.values())


def test_a_rough_scene_is_nowhere_near_a_covered_lens() -> None:
    """Half of what a rough scene shows is noise; a covered lens shows nothing else."""
    rough = noise(1.0 * thinned(grain(0)) + 1.4 * thinned(np.repeat(grain(1)[:, ::4], 4, axis=1)))
    assert 0 < 4 * rough < noise(1.0 * thinned(grain(0)))


def test_motion_and_sound_unlike_what_was_learned_score_far_above_the_usual() -> None:
    watch = SignalWatch(neighbours=3)
    for number in range(60):
        observation = seen(imu_clip(motion(number)), audio_clip(sound(number)), number=number)
        usual = watch.score(observation)
        watch.learn(observation)
    hum = (sound(61) * 0.5 + 4000 * np.sin(2 * np.pi * 3000 * TIME)).astype(np.int16)
    shaken = motion(61) + 0.3 * np.sin(np.arange(200) * 1.3)[:, np.newaxis]
    odd = watch.score(seen(imu_clip(shaken), audio_clip(hum), number=61))
    assert odd["/imu unlike"] > 3 * usual["/imu unlike"]
    assert odd["/audio unlike"] > 3 * usual["/audio unlike"]


@pytest.mark.parametrize("rate_hz", [1000, 8000, 16_000, 44_100])
def test_a_sound_of_any_length_is_judged(rate_hz: int) -> None:
    samples = np.resize(sound(), rate_hz) / np.float32(32768)
    for length in range(FEWEST, rate_hz // 2, rate_hz // 400):
        faults = sound_faults(samples[:length], rate_hz)
        features = sound_features(samples[:length], rate_hz)
        assert features is not None
        assert np.isfinite([*faults.values(), *features]).all()
        assert len(faults) == 6


@pytest.mark.parametrize("rate_hz", [0, 10, 400])
def test_a_rate_that_holds_no_sound_is_no_error(rate_hz: int) -> None:
    samples = sound() / np.float32(32768)
    assert sound_features(samples, rate_hz) is None
    assert np.isfinite([*sound_faults(samples, rate_hz).values()]).all()


def test_loudness_alone_makes_no_sound_unlike_another() -> None:
    loud, quiet = (sound_features(sound() / scale, 16_000) for scale in (32768, 4 * 32768))
    assert loud is not None
    assert quiet is not None
    np.testing.assert_allclose(loud, quiet, atol=1e-3)


def test_numbers_of_a_sense_of_ones_own_are_watched_once_all_scales_are_warm() -> None:
    rng = np.random.default_rng(0)
    watch = SignalWatch(neighbours=3)

    def pressure(level: float, number: int) -> Observation:
        data = [np.array([level, level / 2]) + rng.normal(size=2) for _ in range(8)]
        return seen(replace(clip_of(data, "imu", 4), modality="pressure", topic="/pump"), number=number)

    assert watch.score(pressure(50, 0)) == {}
    for number in range(1, 40):
        observation = pressure(50, number)
        usual = watch.score(observation)
        watch.learn(observation)
    odd = pressure(80, 41)
    assert watch.score(odd)["/pump unlike"] > 3 * usual["/pump unlike"]
    assert watch.score(odd) == {}  # a window that overlaps has nothing new to say


def test_a_picture_is_frozen_across_windows_but_not_because_it_is_shown_twice() -> None:
    watch, one = SignalWatch(), films([depth()], "depth")
    assert "/depth frozen" not in watch.score(seen(one))
    assert "/depth frozen" not in watch.score(seen(one))
    assert watch.score(seen(one, number=1))["/depth frozen"] == 1
    assert watch.score(seen(films([depth(7)], "depth"), number=2))["/depth frozen"] == 0


def test_an_imu_that_loses_its_gyroscope_is_learned_anew() -> None:
    watch = SignalWatch(neighbours=3)
    for number in range(20):
        observation = seen(imu_clip(motion(number)[:, : 6 if number < 10 else 3]), number=number)
        assert ("/imu unlike" in watch.score(observation)) == (number in (8, 9, 18, 19))
        watch.learn(observation)


def test_learning_late_is_learning_what_was_scored_and_the_nearest_is_named() -> None:
    watch = SignalWatch(neighbours=1)
    observations = [seen(imu_clip(motion(number, 0.1 + number / 100)), number=number) for number in range(30)]
    for observation in observations:
        watch.score(observation)
    for observation in observations:
        watch.learn(observation)
    assert watch.nearest(observations[17], "/imu unlike") == observations[17].window.end
    assert watch.nearest(observations[17], "/imu stuck") == 0


def test_it_goes_on_from_its_state_and_refuses_that_of_another_memory() -> None:
    watch, other = SignalWatch(neighbours=3), SignalWatch(neighbours=3)
    for number in range(20):
        observation = seen(imu_clip(motion(number)), number=number)
        watch.score(observation)
        watch.learn(observation)
    other.restore(watch.state())
    assert watch.score(seen(imu_clip(motion(99)), number=30)) == other.score(seen(imu_clip(motion(99)), number=30))
    for state in (
        watch.state(),
        b"",
        packed({"memory": [64, 10]}),
        packed({"memory": [64, 10], "usual": {"/imu 52": [1]}}),
    ):
        with pytest.raises(ValueError, match=r"memory 64|no state"):
            SignalWatch(memory=64).restore(state)


def test_what_is_too_short_or_empty_of_numbers_is_passed_over_and_nothing_grows() -> None:
    watch = SignalWatch()
    for number in range(3 * REMEMBERED):
        watch.score(seen(imu_clip(motion()[:3]), audio_clip(np.full(200, np.nan)), number=number))
    assert watch.score(seen(imu_clip(np.full((40, 6), np.nan)), number=500)).keys() <= {
        f"/imu {fault}" for fault in ("saturated", "stuck", "dead axis", "missing")
    }
    assert len(watch._features) <= REMEMBERED


@pytest.mark.parametrize("params", [{"resolution": 0.0}, {"memory": 2}])
def test_impossible_params_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        SignalWatch(**params)
