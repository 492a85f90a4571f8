"""The rover: four sprung wheels that follow a carrot along the route, and the faults of its drive."""

import math
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from pipeline.messages import NS, Array
from sensors.simulator.look import Surface
from sensors.simulator.route import Route
from sensors.simulator.scenario import Happening
from sensors.simulator.stage import BALL, BOX, CYLINDER, ROBOT, Stage, turn

WHEEL_M, TRACK_M = 0.12, 0.46
MASS_KG = 24.0
CARROT_S = 0.75
"""The rover chases the place where it should be this much later."""


class Rover:
    """A 24 kg skid-steered platform; its eyes look ahead from 0.62 m above the ground, 3° up."""

    eye = (0.32, 0.0, 0.42)  # in the chassis frame
    pitch = math.radians(-3)
    crash_kg, crash_mps = 9.0, 2.6

    def __init__(self, stage: Stage, route: Route, seed: int) -> None:
        rng = np.random.default_rng([seed, 4])
        self._route = route
        self._roughness = rng.uniform(0.5, 1.0)
        self._ground = _rumble(rng)
        self._jam = int(rng.integers(4))
        x, y, heading = route.at(route.progress(0))
        paint = Surface(colour=(0.7, 0.5, 0.1))
        chassis = stage.ground.add_body(name="chassis", pos=[x, y, WHEEL_M + 0.08], quat=turn(heading))
        chassis.add_freejoint()
        solid = {"contype": 1, "conaffinity": 1, "group": ROBOT, "solref": [0.006, 0.7]}
        stage.add(chassis, BOX, (0, 0, 0.05), (0.3, 0.18, 0.1), paint, **(solid | {"mass": MASS_KG - 4}))
        chassis.add_site(name="imu", pos=[0, 0, 0.05])
        chassis.add_site(name="hull", type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.4, 0.3, 0.3])
        for name, x, y in (("fl", 0.22, 1), ("fr", 0.22, -1), ("rl", -0.22, 1), ("rr", -0.22, -1)):
            self._wheel(stage, chassis, name, x, y * TRACK_M / 2)

    @staticmethod
    def _wheel(stage: Stage, chassis: Any, name: str, x: float, y: float) -> None:
        wheel = chassis.add_body(name=name, pos=[x, y, -0.08])
        slide = wheel.add_joint(name=f"{name}_spring", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1])
        slide.stiffness, slide.damping = [6000, 0, 0], [120, 0, 0]
        spin = wheel.add_joint(name=f"{name}_spin", type=mujoco.mjtJoint.mjJNT_HINGE, axis=[0, 1, 0])
        spin.damping, spin.armature = [0.02, 0, 0], 0.01
        rubber = Surface(colour=(0.02, 0.02, 0.02))
        stage.add(wheel, CYLINDER, (0, 0, 0), (WHEEL_M, 0.03), rubber, group=ROBOT, quat=[0.7071, 0.7071, 0, 0])
        tread = {"contype": 1, "conaffinity": 1, "group": ROBOT, "mass": 1.0, "solref": [0.01, 1.0]}
        stage.add(wheel, BALL, (0, 0, 0), (WHEEL_M,), rubber, friction=[0.9, 0.01, 0.001], **tread)
        motor = stage.spec.add_actuator(name=name, target=f"{name}_spin", trntype=mujoco.mjtTrn.mjTRN_JOINT)
        motor.set_to_velocity(kv=3.0)
        motor.forcelimited, motor.forcerange = True, [-12.0, 12.0]

    def bind(self, model: Any) -> None:
        """Look up where the compiled model keeps our joints."""
        self._spin = [int(model.joint(f"{name}_spin").dofadr[0]) for name in ("fl", "fr", "rl", "rr")]
        self._chassis = int(model.body("chassis").id)
        self._worn = int(model.joint("fl_spin").qposadr[0])

    def spins(self, data: Any) -> Array:
        """Return the speed of the four wheels in rad/s."""
        return data.qvel[self._spin]  # type: ignore[no-any-return]

    def steer(self, data: Any, now: int, happenings: Sequence[Happening]) -> None:
        """Set the wheels' speeds; called every 20 ms."""
        x, y, _ = self._route.at(self._route.progress(now + round(CARROT_S * NS)))
        px, py, _, qw, qx, qy, qz = data.qpos[:7].tolist()
        yaw = math.atan2(2 * (qw * qz + qx * qy), 1 - 2 * (qy * qy + qz * qz))
        dx, dy = x - px, y - py
        ahead, aside = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
        speed = min(max(ahead / CARROT_S, -0.4), 1.5)
        rate = min(max(2.5 * aside, -1.5), 1.5)  # rad/s; small when standing, since the carrot is then at our feet
        left, right = (speed - rate * TRACK_M) / WHEEL_M, (speed + rate * TRACK_M) / WHEEL_M
        data.ctrl[:] = (left, right, left, right)
        if any(happening.label == "stuck wheel" for happening in happenings) and now % (NS // 4) < NS // 5:
            data.ctrl[self._jam] = 0.0  # jams, slips free, and jams again

    def shake(self, data: Any, step: int, happenings: Sequence[Happening]) -> None:
        """Push the chassis as rough ground and worn bearings do; called every step."""
        spin = float(data.qvel[self._spin[0]])
        force = self._ground[step % len(self._ground)] * min(abs(spin) / 6, 1.5) * self._roughness
        for happening in happenings:
            if happening.label == "damaged bearing":
                angle = 7.3 * float(data.qpos[self._worn])  # balls pass 7.3 times a turn
                force = force + happening.intensity * np.array([0, 25, 90, 5, 3, 0]) * (math.sin(angle) > 0.8)
        data.xfrc_applied[self._chassis] = force


def _rumble(rng: np.random.Generator) -> Array:
    """Return (N, 6) forces and torques of rough ground at full speed, newton and newton metres, a loop of 10 s."""
    white = rng.standard_normal((4000, 6))
    smooth: Array = (white + np.roll(white, 1, 0) + np.roll(white, 2, 0)) / 1.7
    smooth *= (3.0, 3.0, 12.0, 0.5, 0.5, 0.2)
    return smooth
