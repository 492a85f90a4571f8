"""Mean and covariance of rows that count less the longer ago they were."""

import numpy as np
import pytest

from operators.keeping import packed
from operators.moments import TOGETHER, Moments
from pipeline.messages import Array

HALF_LIFE = 50


def rows(number: int) -> Array:
    found: Array = np.random.default_rng(0).normal(3, 1, (number, 5)).astype(np.float32)
    return found


def taught(number: int) -> Moments:
    moments = Moments(HALF_LIFE)
    for row_R in rows(number):
        moments.learn(row_R)
    return moments


@pytest.mark.parametrize("number", [2, TOGETHER - 1, TOGETHER, 3 * TOGETHER + 5])
def test_a_row_counts_half_after_a_half_life(number: int) -> None:
    share_N = 0.5 ** (np.arange(number)[::-1] / HALF_LIFE)
    mean_R, covariance_RR = taught(number).mean_and_covariance()
    np.testing.assert_allclose(mean_R, np.average(rows(number), axis=0, weights=share_N), rtol=1e-6)
    np.testing.assert_allclose(covariance_RR, np.cov(rows(number).T, aweights=share_N, ddof=0), rtol=1e-5)
    assert taught(number).number == pytest.approx(share_N.sum() ** 2 / (share_N**2).sum())


def test_what_asks_for_the_state_changes_nothing() -> None:
    asked, unasked = Moments(HALF_LIFE), Moments(HALF_LIFE)
    for row_R in rows(2 * TOGETHER + 7):
        asked.learn(row_R)
        unasked.learn(row_R)
        packed(asked.state())
    for one, other in zip(asked.mean_and_covariance(), unasked.mean_and_covariance(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_moments_go_on_from_their_state() -> None:
    first, second = taught(TOGETHER + 9), Moments(HALF_LIFE)
    second.restore(first.state())
    for row_R in rows(TOGETHER):
        first.learn(row_R)
        second.learn(row_R)
    for one, other in zip(first.mean_and_covariance(), second.mean_and_covariance(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
