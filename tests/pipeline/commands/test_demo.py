"""What counts as found: an event in time, moved by a sense that could tell."""

import pytest

from pipeline.commands.demo import matches, truth_of
from pipeline.config import Channel, Config, Part
from pipeline.errors import ConfigError
from pipeline.messages import NS, Event
from sensors.simulator import Happening, timetable

CONFIG = Config(channels=[Channel("/camera", "vision", 15), Channel("/imu", "imu", 200)])
START = 1000 * NS
CRASH = Happening(label="collision", start=START + 20 * NS, end=START + 21 * NS, modalities=("imu",))


def event(start_s: float, end_s: float, **evidence: float) -> Event:
    return Event(
        id=f"novelty@{start_s}",
        phase="closed",
        start=START + round(start_s * NS),
        end=START + round(end_s * NS),
        label="novelty",
        score=9.0,
        source="novelty",
        evidence={name.replace("_", "/"): value for name, value in evidence.items()},
    )


@pytest.mark.parametrize(
    ("found", "explained"),
    [
        (event(19, 22, _imu=9.0, _camera=1.0), True),
        (event(19, 22, fused=9.0), True),
        (event(19, 22, _imu=1.0, _camera=9.0), False),
        (event(22.9, 25, _imu=9.0), True),
        (event(23, 25, _imu=9.0), False),
        (event(10, 20, _imu=9.0), False),
        (event(17.9, 25, _imu=9.0), False),
    ],
)
def test_an_event_counts_when_time_and_sense_agree(found: Event, explained: bool) -> None:
    ((happening, pair),) = matches([CRASH], [found], CONFIG)
    assert happening is CRASH
    assert (pair is found) == explained


def test_the_first_event_is_the_one_that_found_it() -> None:
    late, early = event(21, 24, _imu=90.0), event(19, 22, _imu=9.0)
    assert matches([CRASH], [late, early], CONFIG)[0][1] is early


def test_truth_comes_from_the_simulator_that_the_rig_file_names() -> None:
    params = {"seed": 7, "scenario": "patrol"}
    config = Config(channels=[Channel("/imu", "imu", 200, sensor=Part("sensors.simulator:Imu", params))])
    assert truth_of(config, 60) == timetable(scenario="patrol", seed=7, variant="rover", until_s=60)
    assert len(truth_of(config, 60)) > 3


def test_a_real_rig_has_no_truth() -> None:
    config = Config(channels=[Channel("/camera", "vision", 15, sensor=Part("sensors.camera:Camera"))])
    with pytest.raises(ConfigError, match="no channel has a simulated sensor"):
        truth_of(config, 60)
