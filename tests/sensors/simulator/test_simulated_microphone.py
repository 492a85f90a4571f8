"""Sound is later and softer with distance, and follows the motors."""

from typing import Any

import numpy as np
import pytest

from pipeline.messages import NS, Array
from sensors.simulator import Microphone, timetable
from sensors.simulator.microphone import SOURCE_HEIGHT_M
from sensors.simulator.scenario import Variant
from sensors.simulator.voices import RATE_HZ, voice
from sensors.simulator.world import Trace, World


def wave(seed: int, scenario: str, duration_s: float, variant: Variant = "rover", **params: Any) -> Array:
    microphone = Microphone(
        seed=seed, scenario=scenario, duration_s=duration_s, variant=variant, realtime=False, **params
    )
    return np.concatenate([sample.data for sample in microphone]).astype(float)


def distance(label: str, seed: int) -> float:
    (source,) = timetable(label, seed, "rover", 20)
    world = World(seed, "rover", label)
    world.advance(source.start + NS // 20)
    ear = world.trace(source.start, source.start + NS // 20)[-1, Trace.position]
    place = world.place(source, source.start)
    return float(np.linalg.norm(ear - (place.x, place.y, SOURCE_HEIGHT_M)))


def alone(label: str, seed: int) -> tuple[Array, Array]:
    """Return a source as heard without all else, and as made, in the 0.3 s after its start."""
    (source,) = timetable(label, seed, "rover", 20)
    heard = wave(seed, label, 15.3) - wave(seed, "calm", 15.3)
    made = voice(source)
    assert made is not None
    size = round(0.3 * RATE_HZ)
    return heard[15 * RATE_HZ :][:size], made[:size].astype(float)


@pytest.mark.parametrize("seed", [0, 3])
def test_delay_is_distance_over_the_speed_of_sound(seed: int) -> None:
    metres = distance("glass breaking", seed)
    assert metres > 2
    heard, made = alone("glass breaking", seed)
    lag = np.correlate(heard, made, "full")[len(made) - 1 :].argmax()
    assert float(lag) / RATE_HZ == pytest.approx(metres / 343.0, abs=0.0005)


@pytest.mark.parametrize("seed", [0, 3])
def test_loudness_is_one_over_distance(seed: int) -> None:
    metres = distance("alarm", seed)
    heard, made = alone("alarm", seed)
    lag = round(metres / 343.0 * RATE_HZ)
    assert np.std(heard[lag:]) / np.std(made[: len(made) - lag]) == pytest.approx(9000 / metres, rel=0.1)


def test_motors_are_silent_at_rest_and_louder_under_way() -> None:
    sound = wave(4, "calm", 8.0)
    assert sound[5 * RATE_HZ :].std() > 1.3 * sound[:RATE_HZ].std()


def test_rotors_hum_at_the_blade_passage() -> None:
    world = World(2, "drone", "calm")
    spin = float(world.robot.spins(world.data).mean())
    sound = wave(2, "calm", 2.0, "drone")
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    low = (frequency > 50) & (frequency < 300)
    assert frequency[low][spectrum[low].argmax()] == pytest.approx(2 * spin / (2 * np.pi), rel=0.05)


@pytest.mark.parametrize("rate_hz", [10.0, 33.0, 100.0])
def test_chunks_of_any_rate_join_without_gap_or_overlap(rate_hz: float) -> None:
    samples = list(Microphone(rate_hz=rate_hz, duration_s=1.0, start_ns=NS, realtime=False))
    total = 0
    for sample in samples:
        assert sample.stamp == NS + total * NS // RATE_HZ
        total += len(sample.data)
    assert RATE_HZ <= total < RATE_HZ + RATE_HZ / rate_hz


def test_rate_that_makes_no_chunks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rate_hz of /microphone is 1\.0"):
        Microphone(rate_hz=1.0)
