import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from operators.curve import BIN, CHUNK, MARGIN, spectra
from operators.lag import MIN_CHUNKS, Lag, lag
from operators.offset import CONTRAST
from pipeline.messages import Array

WIDTH = CHUNK + 2 * MARGIN


def curves(channels: int = 3, seed: int = 0, num_chunks: int = 12, delay: int = 0) -> Array:
    """Return (M, C, B) of smooth noise, ``delay`` bins later than with none."""
    rng = np.random.default_rng(seed)
    line = rng.standard_normal((channels, (num_chunks + 2) * CHUNK))
    smooth = uniform_filter1d(line, 5, axis=1) * 5**0.5
    first = [CHUNK * (number + 1) - MARGIN - delay for number in range(num_chunks)]
    return np.stack([smooth[:, start : start + WIDTH] for start in first])


def lag_of(first: Array, second: Array, contrast: float = 0.0) -> Lag | None:
    return lag(spectra(first, leads=True), spectra(second, leads=False), contrast)


@pytest.mark.parametrize("delay", [-60, -7, 0, 1, 25])
def test_the_delay_of_one_after_the_other_is_found(delay: int) -> None:
    found = lag_of(curves(), curves(delay=delay) + curves(seed=1))
    assert found
    assert found.bins == pytest.approx(delay, abs=0.5)
    assert found.contrast > CONTRAST
    assert 0.3 < found.correlation < 1


def test_half_a_bin_is_found() -> None:
    between = (curves(delay=3) + curves(delay=4)) / 2
    found = lag_of(curves(), between)
    assert found
    assert found.bins == pytest.approx(3.5, abs=0.1)


def test_axes_may_be_swapped_turned_and_missing() -> None:
    other = -curves(delay=9)[:, [2, 0]]
    found = lag_of(curves(), other)
    assert found
    assert found.bins == pytest.approx(9, abs=0.1)
    assert found.correlation == pytest.approx(1, abs=0.02)


def test_the_deviation_tells_how_wrong_it_may_be() -> None:
    wrong = []
    for seed in range(40):
        found = lag_of(curves(1, seed), curves(1, seed, delay=5) + 3 * curves(1, seed + 100))
        assert found
        wrong.append((found.bins - 5) / found.deviation)
    assert 0.5 < float(np.std(wrong)) < 2
    assert np.mean(np.abs(wrong) < 2) > 0.85


def test_more_noise_is_a_larger_deviation_and_a_smaller_contrast() -> None:
    clear, noisy = (lag_of(curves(), curves(delay=5) + much * curves(seed=1)) for much in (0.3, 3))
    assert clear
    assert noisy
    assert clear.deviation < noisy.deviation
    assert clear.contrast > noisy.contrast


def test_unrelated_curves_have_the_contrast_of_chance() -> None:
    found = [lag_of(curves(seed=seed), curves(2, seed=seed + 1000)) for seed in range(60)]
    contrasts = [one.contrast for one in found if one]
    assert 0.9 < np.median(contrasts) < 1.1
    assert max(contrasts) < 0.7 * CONTRAST


def test_what_stands_out_less_than_is_asked_is_none() -> None:
    known = lag_of(curves(), curves(delay=5))
    assert known
    assert lag_of(curves(), curves(delay=5), 0.99 * known.contrast) == known
    assert lag_of(curves(), curves(delay=5), 1.01 * known.contrast) is None


def test_one_moment_in_common_is_no_certain_lag() -> None:
    first, second = curves(1, 1), curves(1, 2)
    first[3, 0, 300:304] = second[3, 0, 320:324] = 60
    found = lag_of(first, second)
    assert found is None or found.deviation * BIN > 0.06 * 1e9


def test_a_few_chunks_tell_nothing() -> None:
    assert lag_of(curves(num_chunks=MIN_CHUNKS - 1), curves(num_chunks=MIN_CHUNKS - 1)) is None
    assert lag_of(curves(num_chunks=MIN_CHUNKS), curves(num_chunks=MIN_CHUNKS)) is not None


def test_what_does_not_move_has_no_lag() -> None:
    assert lag_of(curves(), 0 * curves()) is None


def test_a_delay_beyond_the_margin_is_not_found() -> None:
    found = lag_of(curves(), curves(delay=MARGIN + 30))
    assert found is None or found.contrast < CONTRAST


def test_curves_are_only_read() -> None:
    first, second = curves(), curves(delay=4)
    before = first.copy(), second.copy()
    lag_of(first, second)
    np.testing.assert_array_equal(first, before[0])
    np.testing.assert_array_equal(second, before[1])
