"""The whole rig at once: five sensors in one world, as fast as it goes."""

from collections.abc import Iterator

from pipeline.messages import Sample
from sensors.simulator.camera import Camera
from sensors.simulator.clockwork import merge
from sensors.simulator.depth import Depth
from sensors.simulator.imu import Imu
from sensors.simulator.microphone import Microphone
from sensors.simulator.scenario import Variant
from sensors.simulator.thermal import Thermal
from sensors.simulator.world import World

START = 1_700_000_000_000_000_000
"""A simulation's first nanosecond where nobody asks for another: 2023-11-14 22:13:20 UTC."""


def rig(
    seed: int = 0,
    scenario: str = "patrol",
    variant: Variant = "rover",
    duration_s: float = 60.0,
    start_ns: int = START,
) -> Iterator[Sample]:
    """Yield the samples of all five sensors by stamp, byte for byte those that each alone would yield.

    >>> [sample.topic for sample in rig(duration_s=0.004)]
    ['/camera/front', '/depth/front', '/thermal/front', '/imu', '/microphone']
    """
    sensors = [
        kind(seed=seed, variant=variant, scenario=scenario, duration_s=duration_s, start_ns=start_ns, realtime=False)
        for kind in (Camera, Depth, Thermal, Imu, Microphone)
    ]
    return merge(sensors, World(seed, variant, scenario), start_ns)
