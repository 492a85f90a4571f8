"""A bounded memory of normal vectors."""

import numpy as np
import pytest

from operators.memory import SHORTLIST, Memory, sketch
from pipeline.messages import Array


def unit(degrees: float) -> Array:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def taught(degrees: list[float], size: int = 10, neighbours: int = 2) -> Memory:
    memory = Memory(size, neighbours)
    for stamp, angle in enumerate(degrees):
        learn(memory, unit(angle), stamp)
    return memory


def learn(memory: Memory, vector_D: Array, stamp: int) -> None:
    memory.learn(vector_D, sketch(vector_D), stamp)


def distance(memory: Memory, vector_D: Array) -> tuple[float, int] | None:
    return memory.distance(vector_D, sketch(vector_D))


def cloud(number: int, dim: int, seed: int = 0) -> Array:
    rows_ND = np.random.default_rng(seed).normal(size=(number, dim)).astype(np.float32)
    units: Array = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return units


def test_distance_is_the_mean_over_the_nearest_and_names_the_nearest() -> None:
    near = distance(taught([0, 10, 90, 180]), unit(1))
    assert near is not None
    assert near[0] == pytest.approx(1 - (np.cos(np.radians(1)) + np.cos(np.radians(9))) / 2, abs=1e-6)
    assert near[1] == 0


def test_too_few_neighbours_have_no_distance() -> None:
    assert distance(taught([0]), unit(0)) is None


def test_what_has_a_near_neighbour_is_forgotten_first() -> None:
    memory = taught([0, 90, 180, 181, 270], size=4, neighbours=1)
    distances = [distance(memory, unit(angle)) for angle in (0, 90, 180.5, 270)]
    assert all(near is not None and near[0] < 0.01 for near in distances)


def test_what_is_never_seen_again_is_forgotten_in_the_end() -> None:
    memory = taught([180, *(0.1 * step for step in range(600))], size=4, neighbours=1)
    near = distance(memory, unit(180))
    assert near is not None
    assert near[0] > 0.1


def test_what_is_seen_all_the_time_does_not_push_out_what_is_seen_seldom() -> None:
    rng = np.random.default_rng(0)
    memory = Memory(50, 1)
    rare_ND = cloud(20, 16, seed=1)
    usual_D = cloud(1, 16, seed=2)[0]
    for row_D in [*rare_ND, *(usual_D + 1e-4 * rng.normal(size=(300, 16)).astype(np.float32))]:
        learn(memory, row_D / np.linalg.norm(row_D), 0)
    kept = sum((distance(memory, row_D) or (1.0, 0))[0] < 0.01 for row_D in rare_ND)
    assert kept > 10
    assert len(memory) <= 50


@pytest.mark.parametrize("alike", [0.0, 0.9, 0.99])
def test_a_shortlist_by_sketches_finds_what_all_would_find(alike: float) -> None:
    """Vectors of one sense have cosines of 0.9 and more: what they have in common says nothing of which are near."""
    common_D, *apart = cloud(16 * SHORTLIST + 1, 512)
    vectors_ND = np.sqrt(alike) * common_D + np.sqrt(1 - alike) * np.array(apart)
    vectors_ND /= np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    memory = Memory(len(vectors_ND), 1)
    for stamp, vector_D in enumerate(vectors_ND):
        learn(memory, vector_D, stamp)
    noise_ND = 0.02 * np.sqrt(1 - alike) * np.random.default_rng(3).normal(size=vectors_ND.shape)
    for stamp in range(0, len(vectors_ND), 8):
        near = distance(memory, vectors_ND[stamp] + noise_ND[stamp].astype(np.float32))
        assert near is not None
        assert near[1] == stamp


def test_sketches_keep_distances_nearly() -> None:
    one, other = cloud(2, 512)
    assert np.linalg.norm(sketch(one) - sketch(other)) == pytest.approx(np.linalg.norm(one - other), rel=0.3)


def test_a_memory_goes_on_from_its_state() -> None:
    first, second = taught([0, 10, 90, 180], size=5), Memory(5, 2)
    second.restore(first.state())
    for angle in (20, 200, 40):
        learn(first, unit(angle), angle)
        learn(second, unit(angle), angle)
        assert distance(second, unit(30)) == distance(first, unit(30))


def test_a_state_with_too_many_vectors_is_refused() -> None:
    with pytest.raises(ValueError, match="4 vectors were remembered, and the memory has room for 3"):
        Memory(3, 1).restore(taught([0, 10, 90, 180]).state())


def test_a_vector_scored_windows_before_it_is_learned_finds_what_a_fresh_search_finds() -> None:
    once, anew = Memory(60, 3), Memory(60, 3)
    vectors = list(cloud(200, 16))  # identity tells one from another
    for number, vector_D in enumerate(vectors):
        assert distance(once, vector_D) == distance(anew, vector_D.copy())
        if number >= 4:
            learned_D = vectors[number - 4]
            learn(once, learned_D, number)
            learn(anew, learned_D.copy(), number)
    for name, value in once.state().items():
        np.testing.assert_allclose(value, anew.state()[name], rtol=1e-6)
