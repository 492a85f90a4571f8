"""The ground truth is a pure function, and a longer look only appends."""

from itertools import pairwise

import pytest

from pipeline.messages import NS
from sensors.simulator import labels, scenarios, timetable
from sensors.simulator.scenario import SENSED, Variant

VARIANTS: list[Variant] = ["rover", "drone"]


@pytest.mark.parametrize("scenario", scenarios())
def test_longer_timetable_only_appends(scenario: str) -> None:
    for seed in range(5):
        whole = timetable(scenario, seed, "rover", 400)
        for until_s in (0, 15, 16.5, 40, 200):
            assert timetable(scenario, seed, "rover", until_s) == tuple(h for h in whole if h.start < until_s * NS)


def test_patrol_depends_on_seed_and_variant() -> None:
    assert timetable("patrol", 1) == timetable("patrol", 1)
    assert timetable("patrol", 1) != timetable("patrol", 2)
    assert timetable("patrol", 1, "rover") != timetable("patrol", 1, "drone")


@pytest.mark.parametrize("variant", VARIANTS)
def test_patrol_starts_calm_and_keeps_its_pace(variant: Variant) -> None:
    for seed in range(20):
        starts = [happening.start / NS for happening in timetable("patrol", seed, variant, 300)]
        assert starts[0] >= 15
        assert all(6 <= later - earlier <= 10 for earlier, later in pairwise(starts))


@pytest.mark.parametrize("variant", VARIANTS)
def test_patrol_draws_every_label_before_any_again(variant: Variant) -> None:
    number = len(labels(variant))
    for seed in range(5):
        drawn = [happening.label for happening in timetable("patrol", seed, variant, 15 + 10 * 2 * number)]
        assert set(drawn[:number]) == set(drawn[number : 2 * number]) == set(labels(variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_label_never_overlaps_itself(variant: Variant) -> None:
    for seed in range(20):
        last: dict[str, int] = {}
        for happening in timetable("patrol", seed, variant, 600):
            assert happening.start >= last.get(happening.label, 0)
            last[happening.label] = happening.end


@pytest.mark.parametrize("variant", VARIANTS)
def test_tour_plays_every_label_in_order(variant: Variant) -> None:
    tour = timetable("tour", 3, variant, 15 + 10 * len(labels(variant)))
    assert tuple(happening.label for happening in tour) == labels(variant)
    assert [happening.start for happening in tour] == [(15 + 10 * n) * NS for n in range(len(tour))]


def test_named_scenario_plays_its_label_once_at_15_s() -> None:
    for label in labels():
        (only,) = timetable(label, 0, "rover", 1000)
        assert (only.label, only.start) == (label, 15 * NS)
        assert only.end > only.start


def test_nothing_happens_in_calm() -> None:
    assert timetable("calm", 0, "rover", 1000) == ()


def test_faults_name_their_sensor_and_events_name_modalities() -> None:
    for happening in timetable("patrol", 0, "rover", 1000):
        assert set(happening.modalities) <= set(SENSED)
        assert happening.modalities
        assert (happening.kind == "fault") == (happening.modalities == (happening.target,))


def test_unknown_scenario_is_told_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'fier' does not exist for the drone; there are patrol, calm, tour"):
        timetable("fier", 0, "drone")


def test_rover_has_no_rotor_to_damage() -> None:
    with pytest.raises(ValueError, match="'damaged rotor' does not exist for the rover"):
        timetable("damaged rotor", 0, "rover")
