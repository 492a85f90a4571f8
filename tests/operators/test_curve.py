import pickle

import numpy as np
import pytest

from operators.curve import BIN, CHUNK, CLIP, MARGIN, TREND, Curve, on_grid, without_trend
from operators.salience import Pieces
from pipeline.messages import Array

LENGTH = CHUNK * BIN


def pieces(start: int, period: int, values: Array) -> Pieces:
    """A curve of one channel without gaps."""
    starts = start + period * np.arange(len(values))
    return Pieces(starts, starts + period, np.asarray(values, float)[:, np.newaxis])


def noise(number: int = 4, seed: int = 0) -> Pieces:
    """A curve that covers the chunks 0 to ``number``, in pieces of half a bin."""
    values = np.random.default_rng(seed).standard_normal(2 * CHUNK * number)
    return pieces(0, BIN // 2, values)


def test_a_bin_holds_the_mean_of_its_pieces_by_their_length() -> None:
    curve = Pieces(np.array([0, BIN // 4]), np.array([BIN // 4, BIN]), np.array([[8.0], [4.0]]))
    assert on_grid(curve, 0, 1)[0] == pytest.approx([5.0])


def test_a_bin_is_known_from_half_of_it_on() -> None:
    curve = Pieces(np.array([0, 2 * BIN]), np.array([BIN * 4 // 10, BIN * 26 // 10]), np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(on_grid(curve, 0, 4), [[np.nan, np.nan, 2, np.nan]])


def test_what_overlaps_counts_once_and_for_the_earlier() -> None:
    curve = Pieces(np.array([0, BIN // 2]), np.array([BIN, 2 * BIN]), np.array([[1.0], [3.0]]))
    assert on_grid(curve, 0, 2)[0] == pytest.approx([1.0, 3.0])


def test_a_slow_change_is_taken_away_and_a_quick_one_stays() -> None:
    at = np.arange(500)
    curve = without_trend((0.01 * at + (at == 250))[np.newaxis])[0]
    assert len(curve) == 500 - 2 * TREND
    assert curve[250 - TREND] == pytest.approx(1, abs=0.01)
    assert np.abs(np.delete(curve, 250 - TREND)).max() < 0.01


def test_what_is_not_known_does_not_move_the_trend() -> None:
    raw = np.ones((1, 500))
    raw[0, 200:260] = np.nan
    curve = without_trend(raw)[0]
    assert np.nanmax(np.abs(curve)) < 1e-9
    assert np.isnan(curve).sum() == 60


def test_channels_are_in_units_of_their_usual_deviation_and_cut() -> None:
    told = noise()
    told.values[2 * CHUNK + 500] = 1e6
    curve = Curve(5)
    curve.add(Pieces(told.starts, told.ends, 1000 * told.values))
    curve.cut(1)
    standard = curve.standard([1])
    assert standard.shape == (1, 1, CHUNK + 2 * MARGIN)
    assert np.median(np.abs(standard)) == pytest.approx(1 / 1.4826, rel=0.01)
    assert standard.max() == CLIP


def test_a_curve_that_does_not_move_stays_at_nothing() -> None:
    curve = Curve(5)
    curve.add(pieces(0, BIN, np.full(3 * CHUNK, np.log(1e-9))))
    curve.cut(1)
    assert np.abs(curve.standard([1])).max() < 1e-3


def test_pieces_make_one_curve_however_they_come() -> None:
    told, whole, split = noise(), Curve(5), Curve(5)
    whole.add(told)
    for part in np.array_split(np.arange(len(told.starts)), 37):
        split.add(Pieces(*(column[part] for column in told)))
    for curve in (whole, split):
        curve.cut(1)
        curve.cut(2)
    np.testing.assert_allclose(split.standard([1, 2]), whole.standard([1, 2]), atol=1e-9)


def test_a_chunk_that_is_mostly_unknown_is_none() -> None:
    curve = Curve(5)
    told = noise(2)
    curve.add(Pieces(*(column[: len(told.starts) // 2] for column in told)))
    curve.cut(0)
    curve.cut(1)
    assert curve.numbers == {0}


def test_only_the_last_chunks_are_kept_and_only_the_pieces_still_needed() -> None:
    curve, sizes = Curve(3), []
    for number in range(9):
        told = noise(1, number)
        curve.add(Pieces(told.starts + number * LENGTH, told.ends + number * LENGTH, told.values))
        curve.cut(number - 1)
        sizes.append(len(pickle.dumps(curve)))
    assert curve.numbers == {5, 6, 7}
    assert sizes[8] <= 1.01 * sizes[5]


def test_chunks_grow_old_while_nothing_comes() -> None:
    curve = Curve(3)
    curve.add(noise())
    curve.cut(1)
    curve.cut(4)
    assert curve.numbers == set()
