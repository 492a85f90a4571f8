"""The simulated thermal camera shows temperatures, in centikelvin."""

import numpy as np
import pytest

from pipeline.messages import NS, Array
from sensors.simulator import Thermal
from sensors.simulator.clockwork import Tick
from sensors.simulator.rays import Eye
from sensors.simulator.stage import ACTOR
from sensors.simulator.thermal import FOV_DEG, HEIGHT, REACH_M, WIDTH
from sensors.simulator.world import World


def picture(world: World, now: int) -> Array:
    world.advance(now)
    return Thermal(seed=world.seed, variant=world.variant).reader(world)(Tick(0, now, now))


def test_ground_is_near_the_temperature_of_its_surroundings() -> None:
    for seed in range(6):
        world = World(seed, "rover", "calm")
        kelvin = picture(world, 0) / 100
        low, high = min(world.look.indoors, world.look.outdoors), max(world.look.indoors, world.look.outdoors)
        assert low - 8 < np.median(kelvin[90:]) < high + 12


def test_clear_sky_is_colder_than_the_ground() -> None:
    for seed in range(12):
        world = World(seed, "rover", "calm")
        world.advance(0)
        hits = Eye(WIDTH, HEIGHT, FOV_DEG, REACH_M).cast(world, 0)
        sky = (hits.geom < 0).reshape(HEIGHT, WIDTH)
        if sky[:20].mean() > 0.3 and world.hall.depth(*world.route.at(world.route.progress(0))[:2]) < 0:
            kelvin = picture(world, 0) / 100
            assert kelvin[:20][sky[:20]].mean() < kelvin[100:].mean() - 2
            return
    pytest.fail("no world of these seeds starts under the sky")


def test_person_is_warm() -> None:
    world = World(2, "rover", "person walking by")
    now = round(17.0 * NS)
    kelvin = picture(world, now) / 100
    hits = Eye(WIDTH, HEIGHT, FOV_DEG, REACH_M).cast(world, now)
    person = ((hits.geom >= 0) & (world.groups[hits.geom] == ACTOR)).reshape(HEIGHT, WIDTH)
    assert person.sum() > 100
    assert kelvin[person].mean() > np.median(kelvin[~person]) + 2
    assert kelvin[person].max() == pytest.approx(306, abs=4)  # the face


def test_noise_is_about_50_millikelvin() -> None:
    stack = np.array([s.data for s in Thermal(scenario="calm", duration_s=1.0, realtime=False)]) / 100
    spread = stack.std(axis=0, ddof=1)
    assert float(np.median(spread)) == pytest.approx(0.05, rel=0.2)
