"""The simulated depth camera is right on average, ends where it should, and has holes."""

import numpy as np
import pytest

from pipeline.messages import Array
from sensors.simulator import Depth
from sensors.simulator.depth import FAR_M, FOV_DEG, HEIGHT, NEAR_M, WIDTH, deviation
from sensors.simulator.rays import Eye, Hits
from sensors.simulator.world import World


def pictures(seed: int, number: int = 8) -> list[Array]:
    return [s.data for s in Depth(seed=seed, scenario="calm", duration_s=number / 10, realtime=False)]


def truth(seed: int) -> tuple[Hits, Array]:
    """Return the hits at the start, and metres along the optical axis."""
    eye = Eye(WIDTH, HEIGHT, FOV_DEG, 100.0, flames=False)
    hits = eye.cast(World(seed, "rover", "calm"), 0)
    return hits, hits.distance * eye.axial_P


def test_returns_lie_between_the_limits() -> None:
    for seed in range(4):
        for picture in pictures(seed, 2):
            returned = picture[picture > 0]
            assert returned.min() >= 1000 * NEAR_M
            assert returned.max() <= 1000 * FAR_M


def test_mean_is_the_distance_along_the_optical_axis() -> None:
    _, axial = truth(0)
    stack = np.array(pictures(0)) / 1000  # the rover rests in the first seconds
    always = (stack > 0).all(axis=0).ravel()
    error = (stack.mean(axis=0).ravel() - axial)[always]
    assert always.sum() > 2000
    assert np.abs(error / deviation(axial[always])).mean() < 1.0


def test_noise_grows_with_the_square_of_the_range() -> None:
    _, axial = truth(0)
    stack = np.array(pictures(0, 15)) / 1000
    always = (stack > 0).all(axis=0).ravel()
    spread = stack.std(axis=0, ddof=1).ravel()
    for low, high in ((1, 2), (2, 4), (5, 8)):
        ring = always & (axial > low) & (axial < high)
        assert spread[ring].mean() == pytest.approx(deviation(axial[ring]).mean(), rel=0.15)


def test_nothing_returns_from_sky_far_walls_or_grazing_ground() -> None:
    for seed in range(4):
        hits, axial = truth(seed)
        picture = pictures(seed, 1)[0].ravel()
        facing = -np.einsum("pi,pi->p", hits.normal, hits.ray)
        for dark in (hits.geom < 0, axial > FAR_M + 1.0, facing < 0.1):
            assert not picture[dark].any()


def test_edges_have_holes_more_often_than_faces() -> None:
    holes: list[Array] = []
    faces: list[Array] = []
    for seed in range(10):
        empty = pictures(seed, 1)[0] == 0
        hits, axial = truth(seed)
        depth, geom = axial.reshape(HEIGHT, WIDTH), hits.geom.reshape(HEIGHT, WIDTH)
        near = (depth[:, 1:] < 9) & (geom[:, 1:] >= 0) & (geom[:, :-1] >= 0)
        step = np.diff(depth, axis=1)
        holes.append(empty[:, 1:][near & (step > 0.6)])
        faces.append(empty[:, 1:][near & (np.abs(step) < 0.02)])
    assert sum(map(len, holes)) > 60
    assert np.concatenate(holes).mean() > np.concatenate(faces).mean() + 0.3
