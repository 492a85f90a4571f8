"""The simulated camera shows a lit world that differs from seed to seed."""

from itertools import combinations

import numpy as np

from sensors.simulator import Camera
from sensors.simulator.rays import Eye
from sensors.simulator.stage import HIDDEN
from sensors.simulator.world import World


def test_pictures_are_exposed_and_differ_from_seed_to_seed() -> None:
    pictures = []
    for seed in range(12):
        (sample,) = Camera(seed=seed, scenario="calm", duration_s=0.05, realtime=False)
        assert 30 < sample.data.mean() < 200, seed
        assert sample.data.std() > 12, seed
        pictures.append(sample.data.astype(int))
    assert min(np.abs(one - other).mean() for one, other in combinations(pictures, 2)) > 15


def test_picture_moves_with_the_robot() -> None:
    samples = [sample.data.astype(int) for sample in Camera(rate_hz=1.0, duration_s=7.0, realtime=False)]
    at_rest, under_way = np.abs(samples[1] - samples[0]).mean(), np.abs(samples[6] - samples[5]).mean()
    assert under_way > 2 * at_rest


def test_hiding_what_is_out_of_the_picture_changes_no_pixel() -> None:
    for seed in range(3):
        world = World(seed, "rover", "tour")
        world.advance(16_500_000_000)
        eye = Eye(160, 120, 72.0, 90.0)
        geom = eye.cast(world, 16_500_000_000).geom.copy()
        assert (world.model.geom_group == HIDDEN).sum() > 20
        eye._sides[:] = 0  # a picture without sides hides nothing
        assert (eye.cast(world, 16_500_000_000).geom == geom).all()
        assert not (world.model.geom_group == HIDDEN).any()
