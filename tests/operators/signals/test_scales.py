"""Where numbers stand at several time scales."""

import numpy as np
import pytest

from operators.signals.scales import Scales


def test_each_scale_is_an_exponential_mean_that_begins_as_the_mean_of_all() -> None:
    scales = Scales((1, 4))
    assert scales.see(np.array([2.0, 10.0])).tolist() == [2, 10, 2, 10]
    assert scales.see(np.array([4.0, 10.0])).tolist() == [4, 10, 3, 10]
    for _ in range(2):
        assert not scales.is_warm
        features = scales.see(np.array([3.0, 10.0]))
    assert scales.is_warm
    assert scales.see(np.array([7.0, 10.0])).tolist() == [7, 10, features[2] * 0.75 + 7 * 0.25, 10]


def test_a_number_that_is_not_there_is_as_it_was_before() -> None:
    scales = Scales((1,))
    assert scales.see(np.array([np.nan, 1.0])).tolist() == [0, 1]
    assert scales.see(np.array([5.0, np.inf])).tolist() == [5, 1]
    assert scales.see(np.array([np.nan, 2.0])).tolist() == [5, 2]


@pytest.mark.parametrize("lengths", [(), (0, 4)])
def test_impossible_lengths_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="whole numbers of readings"):
        Scales(lengths)
