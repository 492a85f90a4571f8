"""What the truth says happens is there, in every modality it names: a scripted world against the calm one.

Worlds and noise of equal seeds are equal, so all that differs from the calm world is the happening itself.
"""

from functools import cache
from typing import Any

import numpy as np
import pytest

from pipeline.messages import NS, Array
from sensors.simulator import Camera, Depth, Imu, Microphone, Thermal, labels, timetable
from sensors.simulator.clockwork import Tick
from sensors.simulator.scenario import Happening, Variant
from sensors.simulator.world import World

SEED = 1
SENSORS: dict[str, Any] = {"vision": Camera, "depth": Depth, "thermal": Thermal, "imu": Imu, "audio": Microphone}
EVENTS: list[tuple[Variant, str]] = [
    (variant, happening.label)
    for variant in ("rover", "drone")
    for label in labels(variant)
    for happening in timetable(label, SEED, variant, 20)
    if happening.kind == "event"
]
SPAN = (14 * NS, 21 * NS)


@cache
def recording(variant: Variant, scenario: str) -> dict[str, list[tuple[int, Array]]]:
    """Return (time, data) of every modality from 14 s to 21 s; two pictures a second."""
    world = World(SEED, variant, scenario)
    params = {"seed": SEED, "variant": variant, "scenario": scenario, "realtime": False}
    sensors = {
        modality: kind(**params, **({} if modality in ("imu", "audio") else {"rate_hz": 2.0}))
        for modality, kind in SENSORS.items()
    }
    readers = {modality: sensor.reader(world) for modality, sensor in sensors.items()}
    ticks = [(tick, modality) for modality, sensor in sensors.items() for tick in _between(sensor)]
    heard: dict[str, list[tuple[int, Array]]] = {modality: [] for modality in SENSORS}
    for tick, modality in sorted(ticks, key=lambda each: (each[0].end, each[1])):
        world.advance(tick.end)
        heard[modality].append((tick.start, readers[modality](tick)))
    return heard


def _between(sensor: Any) -> list[Tick]:
    first, last = (round(at * sensor.rate_hz / NS) for at in SPAN)
    return [sensor.tick(index) for index in range(first, last)]


def changes(variant: Variant, happening: Happening, modality: str) -> tuple[Array, Array]:
    """Return by how much each reading differs from the calm world's: before the happening, and during it."""
    pairs = zip(recording(variant, happening.label)[modality], recording(variant, "calm")[modality], strict=True)
    rows = [(at, _difference(modality, one, other)) for (at, one), (_, other) in pairs]
    before = [change for at, change in rows if at < happening.start]
    during = [change for at, change in rows if happening.start <= at < happening.end]
    return np.array(before), np.array(during)


def _difference(modality: str, one: Array, other: Array) -> float:
    """Return the share of pixels that clearly changed, or the root mean square of the change of a signal."""
    apart = np.abs(one.astype(np.float64) - other.astype(np.float64))
    if modality == "vision":
        return float((apart.max(axis=2) > 25).mean())
    if modality in ("depth", "thermal"):
        return float((apart > (500 if modality == "depth" else 100)).mean())  # 0.5 m, 1 K
    return float(np.sqrt((apart**2).mean()))


CLEAR = {"vision": 0.003, "depth": 0.003, "thermal": 0.003, "imu": 0.2, "audio": 60.0}
"""What a happening must reach in the best tenth of its readings; 0.003 of a picture are 58 pixels."""


@pytest.mark.parametrize(("variant", "label"), EVENTS)
def test_event_shows_in_every_modality_that_it_names(variant: Variant, label: str) -> None:
    (happening,) = timetable(label, SEED, variant, 20)
    for modality in happening.modalities:
        before, during = changes(variant, happening, modality)
        assert before.max() == 0, modality
        assert np.quantile(during, 0.9) > CLEAR[modality], modality


def faulty(label: str) -> tuple[Happening, list[Array], list[Array]]:
    """Return the fault, and the readings of its sensor during it and before it."""
    (fault,) = timetable(label, SEED, "rover", 20)
    rows = recording("rover", label)[fault.target]
    inside = [data for at, data in rows if fault.start <= at < fault.end]
    return fault, inside, [data for at, data in rows if at < fault.start]


def test_frozen_camera_repeats_its_last_picture() -> None:
    _, frozen, before = faulty("frozen camera")
    assert all((picture == before[-1]).all() for picture in frozen)
    assert any((picture != before[-1]).any() for picture in before[:-1])


def structure(picture: Array) -> float:
    """Return the deviation of the means of squares of 8 pixels: what is left when noise is averaged out."""
    return float(picture.reshape(15, 8, 20, 8, 3).mean(axis=(1, 3)).std())


def test_covered_camera_shows_next_to_nothing() -> None:
    _, covered, before = faulty("covered camera")
    assert max(picture.mean() for picture in covered) < 60
    assert max(structure(picture) for picture in covered) < 0.2 * structure(before[-1])


def test_dead_imu_axis_is_still_and_the_others_are_not() -> None:
    fault, dead, _ = faulty("dead imu axis")
    still = np.array(dead).std(axis=0) == 0
    assert still.tolist() == [axis == fault.draw % 6 for axis in range(6)]


def test_unplugged_microphone_gives_the_last_bit_only() -> None:
    _, unplugged, before = faulty("unplugged microphone")
    assert np.abs(np.concatenate(unplugged)).max() == 1
    assert np.abs(np.concatenate(before)).max() > 50


def test_faults_leave_the_other_sensors_alone() -> None:
    for label in ("frozen camera", "covered camera", "dead imu axis", "unplugged microphone"):
        (fault,) = timetable(label, SEED, "rover", 20)
        for modality in SENSORS:
            if modality != fault.target:
                assert changes("rover", fault, modality)[1].max() == 0


def test_fire_is_hot_and_bright() -> None:
    (fire,) = timetable("fire", SEED, "rover", 20)
    hottest = max(int(data.max()) for at, data in recording("rover", "fire")["thermal"] if fire.start <= at < fire.end)
    calm = max(int(data.max()) for _, data in recording("rover", "calm")["thermal"])
    assert hottest > 37315 + 10000 > calm  # 200 °C
