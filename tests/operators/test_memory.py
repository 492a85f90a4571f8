import numpy as np
import pytest

from operators.memory import Memory
from pipeline.messages import Array


def unit(degrees: float) -> Array:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def taught(degrees: list[float], size: int = 10, neighbours: int = 2) -> Memory:
    memory = Memory(size, neighbours, recent=100)
    for angle in degrees:
        memory.learn(unit(angle), memory.distance(unit(angle)))
    return memory


def test_distance_is_the_mean_over_the_nearest() -> None:
    memory = taught([0, 10, 90, 180])
    assert memory.distance(unit(0)) == pytest.approx((0 + 1 - np.cos(np.radians(10))) / 2, abs=1e-6)


def test_too_few_neighbours_have_no_distance() -> None:
    assert taught([0]).distance(unit(0)) is None
    assert len(taught([0, 5, 7]).usual) == 1


def test_the_oldest_is_forgotten_first() -> None:
    memory = taught([0, 0, 90, 90, 90], size=3)
    assert memory.distance(unit(0)) == pytest.approx(1, abs=1e-6)


def test_what_is_usual_is_recent() -> None:
    memory = Memory(100, 1, recent=3)
    for distance in (0.5, 0.5, 0.1, 0.2, 0.3):
        memory.learn(unit(0), distance)
    assert list(memory.usual) == [0.1, 0.2, 0.3]
    assert memory.deviation(0.2) == pytest.approx(0)


def test_deviation_is_robust_and_relative_to_what_is_usual() -> None:
    memory = Memory(100, 1, 100)
    rng = np.random.default_rng(0)
    for distance in [*rng.normal(0.1, 0.02, 95), *[5.0] * 5]:
        memory.learn(unit(0), float(distance))
    assert memory.deviation(0.1) == pytest.approx(0, abs=0.5)
    assert memory.deviation(0.2) == pytest.approx(5, abs=1)


def test_regular_data_makes_no_trifle_an_outlier() -> None:
    memory = Memory(100, 1, 100)
    for _ in range(50):
        memory.learn(unit(0), 0.1)
    assert memory.deviation(0.11) == pytest.approx(1)
    still = Memory(100, 1, 100)
    for _ in range(50):
        still.learn(unit(0), 0.0)
    assert still.deviation(1e-6) < 1
