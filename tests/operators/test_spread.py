"""Mahalanobis' distance by a shrunk covariance."""

import numpy as np
import pytest

from operators.spread import Spread, shrunk
from pipeline.messages import Array


def narrow(number: int, seed: int, dim: int = 64) -> Array:
    """Rows that spread widely in 4 directions and hardly in the others."""
    rng = np.random.default_rng(seed)
    widths_D = np.where(np.arange(dim) < 4, 1.0, 0.01)
    rows: Array = (5 + rng.normal(size=(number, dim)) * widths_D).astype(np.float32)
    return rows


def taught(number: int = 500) -> Spread:
    spread = Spread()
    for row_D in narrow(number, seed=0):
        spread.learn(row_D)
    return spread


def distance(spread: Spread, row_D: Array) -> float:
    found = spread.distance(row_D)
    assert found is not None
    return found


def test_what_is_usual_is_at_1() -> None:
    rng = np.random.default_rng(0)
    spread = Spread()
    for row_D in rng.normal(3, 0.1, (500, 64)).astype(np.float32):
        spread.learn(row_D)
    new_ND = rng.normal(3, 0.1, (100, 64)).astype(np.float32)
    assert np.median([distance(spread, row_D) for row_D in new_ND]) == pytest.approx(1, abs=0.2)


def test_a_step_across_the_spread_is_further_than_one_along_it() -> None:
    spread, middle_D = taught(), np.full(64, 5, np.float32)
    along, across = middle_D.copy(), middle_D.copy()
    along[0] += 1
    across[10] += 1
    assert distance(spread, across) > 10 * distance(spread, along)


def test_fewer_than_two_have_no_spread() -> None:
    spread = Spread()
    spread.learn(np.ones(8, np.float32))
    assert spread.distance(np.ones(8, np.float32)) is None


def test_vectors_all_alike_can_be_told_from_others() -> None:
    spread = Spread()
    for _ in range(10):
        spread.learn(np.ones(8, np.float32))
    assert distance(spread, np.ones(8, np.float32)) < 0.1
    assert distance(spread, 2 * np.ones(8, np.float32)) > 10


def test_shrinkage_is_as_published() -> None:
    """By eq. 23 of Chen et al. 2010 for p = 2, n = 10 and S = diag(1, 3): rho = 16 / (11 - 1) / 2 = 0.8."""
    np.testing.assert_allclose(shrunk(np.diag([1.0, 3.0]), 10), np.diag([1.8, 2.2]))
    np.testing.assert_allclose(shrunk(np.eye(3), 5), np.eye(3))


def test_a_spread_goes_on_from_its_state() -> None:
    first, second = taught(100), Spread()
    second.restore(first.state())
    row_D = narrow(1, seed=3)[0]
    assert second.distance(row_D) == pytest.approx(first.distance(row_D), rel=0.2)
    second.restore(second.state())
    assert second.distance(row_D) is not None
