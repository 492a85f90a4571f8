import numpy as np
import pytest
import torch

from operators.encoders.tower import Tower, patches


def test_patches_are_tiles_row_by_row() -> None:
    picture = torch.arange(2 * 4 * 6).reshape(1, 2, 4, 6)
    tiles = patches(picture, 2, 3)
    assert tiles.shape == (1, 4, 12)
    torch.testing.assert_close(tiles[0, 1], picture[0, :, :2, 3:].flatten())
    torch.testing.assert_close(tiles[0, 2], picture[0, :, 2:, :3].flatten())


def test_seed_makes_the_weights() -> None:
    x = torch.ones(1, 1, 32, 32)
    one, same, other = (Tower((1, 32, 32), (16, 16), 8, seed).embed(x) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_weights_are_those_of_any_other_machine() -> None:
    vector = Tower((1, 32, 32), (16, 16), 4, seed=0).embed(torch.linspace(-1, 1, 1024).reshape(1, 1, 32, 32))
    np.testing.assert_allclose(vector[0], [0.207608, 0.696093, -0.457362, 0.513005], atol=1e-5)


def test_where_a_patch_lies_matters() -> None:
    x = torch.zeros(2, 1, 32, 32)
    x[0, :, :16, :16] = 1
    x[1, :, 16:, 16:] = 1
    left, right = Tower((1, 32, 32), (16, 16), 8, 0).embed(x)
    assert np.abs(left - right).max() > 1e-3


def test_dimension_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="dim 0"):
        Tower((1, 32, 32), (16, 16), 0, 0)
