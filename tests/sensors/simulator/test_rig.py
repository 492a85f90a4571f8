"""Five sensors that share a world give what five sensors with worlds of their own give."""

from hashlib import sha256
from typing import Any

import pytest

from pipeline.messages import NS, Sample
from sensors.simulator import Camera, Depth, Imu, Microphone, Thermal, rig
from sensors.simulator.clockwork import merge
from sensors.simulator.scenario import Variant
from sensors.simulator.world import World

KINDS: list[Any] = [Camera, Depth, Thermal, Imu, Microphone]


def content(sample: Sample) -> tuple[str, int, int, str, str]:
    return sample.topic, sample.stamp, sample.seq, sample.frame_id, sha256(sample.data.tobytes()).hexdigest()


@pytest.mark.parametrize("variant", ["rover", "drone"])
def test_rig_gives_byte_for_byte_what_each_sensor_gives_alone(variant: Variant) -> None:
    together = [content(sample) for sample in rig(5, "patrol", variant, 1.0, NS)]
    alone = [
        content(sample)
        for kind in KINDS
        for sample in kind(seed=5, variant=variant, duration_s=1.0, start_ns=NS, realtime=False)
    ]
    assert sorted(together) == sorted(alone)
    assert [stamp for _, stamp, _, _, _ in together] == sorted(stamp for _, stamp, _, _, _ in together)


@pytest.mark.parametrize(("variant", "scenario"), [("drone", "collision"), ("rover", "tour")])
def test_shared_world_stays_equal_through_happenings(variant: Variant, scenario: str) -> None:
    def sensors() -> list[Any]:
        params: dict[str, Any] = {
            "seed": 2,
            "variant": variant,
            "scenario": scenario,
            "duration_s": 17.0,
            "start_ns": NS,
        }
        pictures = [kind(rate_hz=1.0, realtime=False, **params) for kind in (Camera, Depth, Thermal)]
        return [*pictures, Imu(realtime=False, **params), Microphone(realtime=False, **params)]

    together = [content(sample) for sample in merge(sensors(), World(2, variant, scenario), NS)]
    assert sorted(together) == sorted(content(sample) for sensor in sensors() for sample in sensor)


def test_rig_is_the_same_every_time() -> None:
    assert [content(sample) for sample in rig(3, duration_s=0.5)] == [
        content(sample) for sample in rig(3, duration_s=0.5)
    ]
