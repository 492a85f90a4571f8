"""From a score to how often normal windows score as high."""

import math

import numpy as np
import pytest

from operators.calibration import SUSPECT, Calibration
from pipeline.messages import Array


def taught(scores_N: Array, size: int = 5000, resolution: float = 1e-6) -> Calibration:
    calibration = Calibration(size, resolution)
    for score in scores_N:
        calibration.learn(float(score), calibration.p_value(float(score)) < SUSPECT and len(calibration) > 200)
    return calibration


@pytest.mark.parametrize("draw", ["normal", "exponential", "gumbel", "logistic"])
def test_p_values_of_new_normal_scores_are_kept_to(draw: str) -> None:
    rng = np.random.default_rng(0)
    calibration = taught(getattr(rng, draw)(size=4000))
    p_values = np.array([calibration.p_value(score) for score in getattr(rng, draw)(size=100_000)])
    for level, most in ((0.2, 1.15), (0.05, 1.4), (0.01, 1.6), (1e-3, 2.5), (1e-4, 6)):
        assert (p_values <= level).mean() <= most * level
    assert (p_values <= 0.05).mean() >= 0.4 * 0.05


def test_a_higher_score_is_never_more_usual() -> None:
    calibration = taught(np.random.default_rng(0).normal(size=300))
    p_values = [calibration.p_value(score) for score in np.linspace(-3, 30, 200)]
    assert p_values == sorted(p_values, reverse=True)
    assert 0 < p_values[-1] < 1e-6


def test_few_scores_promise_little() -> None:
    scores_N = np.random.default_rng(0).normal(size=2000)
    few, many = taught(scores_N[:30]), taught(scores_N)
    assert few.p_value(8.0) > 30 * many.p_value(8.0)
    assert Calibration(10, 1e-6).p_value(8.0) == 1


def test_where_scores_are_all_alike_a_trifle_is_nothing() -> None:
    still = taught(np.zeros(500), resolution=0.01)
    assert still.p_value(0.005) > SUSPECT
    assert still.p_value(1.0) < 1e-6


def test_how_trifles_are_spread_says_nothing_of_what_is_far_off() -> None:
    trifles_N = 1e-5 * np.random.default_rng(3).pareto(1.0, size=500)
    p_values = [taught(trifles_N[:number], resolution=0.02).p_value(0.6) for number in (100, 200, 500)]
    assert max(p_values) < 1e-6


def test_events_that_were_not_flagged_do_not_blind() -> None:
    """Half of all windows are news for a while."""
    rng = np.random.default_rng(0)
    calm_N, lively_N = rng.normal(size=1000), np.concatenate([rng.normal(size=100), rng.normal(4, 0.5, size=100)])
    guarded, trusting = taught(calm_N), taught(calm_N)
    for score in lively_N:
        guarded.learn(float(score), guarded.p_value(float(score)) < SUSPECT)
        trusting.learn(float(score))
    assert guarded.p_value(5.0) < SUSPECT / 3 < SUSPECT < trusting.p_value(5.0)


def test_leaving_suspects_out_does_not_cut_the_tail_off() -> None:
    rng = np.random.default_rng(1)
    calibration = taught(rng.exponential(size=500))
    for score in rng.exponential(size=8000):
        calibration.learn(float(score), calibration.p_value(score) < SUSPECT)
    assert calibration.p_value(math.log(1000)) == pytest.approx(1e-3, rel=1.5)


def test_drift_is_followed() -> None:
    rng = np.random.default_rng(2)
    calibration = taught(rng.normal(size=1000), size=500)
    found = 0
    for index in range(6000):
        score = float(rng.normal() + index / 1500)
        found += calibration.p_value(score) < 0.01
        calibration.learn(score, calibration.p_value(score) < SUSPECT)
    assert found / 6000 < 0.04
    assert calibration.p_value(4.0) > 0.1


def test_it_goes_on_from_its_state() -> None:
    first, second = taught(np.random.default_rng(0).normal(size=300)), Calibration(5000, 1e-6)
    second.restore(first.state())
    assert second.p_value(4.0) == pytest.approx(first.p_value(4.0), rel=0.3)
    assert len(second) == len(first)
