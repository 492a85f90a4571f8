"""What is counted of scores: found, late, false; levels and curves."""

import numpy as np
import pytest

from operators.evaluation.anomaly import Scored, level_of, mean_auroc, merged, pooled_auroc, tally, trade
from pipeline.messages import Array


def scored(scores: list[float], wrong: list[int], rate_hz: float = 1.0) -> Scored:
    return Scored(name="", rate_hz=rate_hz, scores=np.array(scores, float), is_wrong=np.array(wrong, bool))


ONE = scored([0, 5, 0, 0, 0, 0, 5, 0], [0, 0, 0, 0, 1, 1, 1, 1], 2.0)


def test_a_thing_is_found_once_its_reading_is_over_and_alarms_before_it_are_false() -> None:
    found = tally([ONE], [5.0])
    assert (found.recall, found.delay_s, found.false) == (1.0, 1.5, (1,))


def test_what_is_found_too_late_is_not_found() -> None:
    assert tally([ONE], [5.0], within_s=1.0).recall == 0
    assert tally([ONE], [5.0], within_s=1.5).recall == 1


def test_alarms_close_to_each_other_are_one_and_false_if_it_began_before() -> None:
    assert tally([scored([5, 0, 5, 0, 0, 5], [0] * 6)], [5.0], quiet_s=1.0).false == (2,)
    early = tally([scored([0, 5, 5, 5], [0, 0, 1, 1])], [5.0])
    assert (early.delay_s, early.false) == (1.0, (1,))


def test_what_is_not_scored_is_neither_missed_nor_false() -> None:
    found = tally([scored([np.nan] * 4, [0, 1, 0, 0])], [0.0])
    assert (found.num_wrong, found.false) == (0, (0,))
    assert np.isnan(found.recall)


def test_a_level_follows_the_share_and_not_one_odd_stretch() -> None:
    rng = np.random.default_rng(0)
    maxima = np.exp(rng.normal(size=2000))
    for share in (0.3, 0.05):
        assert np.mean(maxima >= level_of(list(maxima), share)) == pytest.approx(share, rel=0.2)
    assert level_of([1.0, 1.1, 0.9, 1.05, 1000.0], 0.05) < 2


def test_aurocs_are_of_all_readings_or_the_mean_over_recordings() -> None:
    apart = [scored([0, 0, 1, 1], [0, 0, 1, 1]), scored([10, 10, 11, np.nan], [0, 0, 1, 1])]
    assert mean_auroc(apart) == 1
    assert pooled_auroc(apart) == pytest.approx(8 / 12)  # 1 and 1 are below 10 and 10
    assert pooled_auroc([scored([0, 2, 1], [0, 1, 1])], within_s=1.0) == 1


def test_a_higher_level_has_fewer_false_alarms_and_finds_less() -> None:
    rng = np.random.default_rng(0)
    wrong = np.arange(400) >= 300
    curve: Array = trade([Scored(name="", rate_hz=1, scores=rng.normal(size=400) + 2 * wrong, is_wrong=wrong)])
    assert curve[-1, 0] == 0 < curve[:, 0].max()
    assert np.all(np.diff(curve[:, 2]) <= 0)


def test_merging_keeps_what_is_further_apart() -> None:
    assert merged([(0, 1), (3, 4)], 1) == [(0, 1), (3, 4)]
