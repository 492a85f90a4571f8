"""The simulated rig: ordinary sensors in a scripted MuJoCo world, with the truth of what happens in it.

Each sensor holds its own copy of the world. Worlds of equal seed, variant and scenario are equal at all times,
so sensors in separate processes see the same things; give them one ``start_ns`` and they see them at the same time.
"""

from sensors.simulator.camera import Camera
from sensors.simulator.depth import Depth
from sensors.simulator.imu import Imu
from sensors.simulator.microphone import Microphone
from sensors.simulator.rig import rig
from sensors.simulator.scenario import Happening, Variant, labels, scenarios, timetable
from sensors.simulator.thermal import Thermal

__all__ = [
    "Camera",
    "Depth",
    "Happening",
    "Imu",
    "Microphone",
    "Thermal",
    "Variant",
    "labels",
    "rig",
    "scenarios",
    "timetable",
]
