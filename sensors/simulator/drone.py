"""The drone: a body flown along the route by force and torque, shaken by four rotors."""

import math
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from pipeline.messages import NS, Array
from sensors.simulator.look import Surface
from sensors.simulator.route import Route
from sensors.simulator.scenario import Happening
from sensors.simulator.stage import BOX, CYLINDER, ROBOT, Stage, turn

MASS_KG = 1.6
HOVER_RADPS = 540.0
"""Rotor speed in hover, about 5200 turns a minute, usual for 10-inch propellers."""


class Drone:
    """A 1.6 kg quadrotor 1.7 m above the ground; its eyes look 8° down."""

    eye = (0.14, 0.0, -0.02)
    pitch = math.radians(8)
    crash_kg, crash_mps = 0.35, 4.0

    def __init__(self, stage: Stage, route: Route, seed: int) -> None:
        rng = np.random.default_rng([seed, 5])
        self._route = route
        self._height = rng.uniform(1.5, 1.9)
        self._spins = np.full(4, HOVER_RADPS) * rng.uniform(0.97, 1.03, 4)
        self._trim = self._spins / HOVER_RADPS
        self._angles = rng.uniform(0, 2 * math.pi, 4)
        self._broken = int(rng.integers(4))
        self._push = np.zeros(6)
        x, y, heading = route.at(route.progress(0))
        body = stage.ground.add_body(name="chassis", pos=[x, y, self._height], quat=turn(heading))
        body.add_freejoint()
        solid = {"contype": 1, "conaffinity": 1, "group": ROBOT, "solref": [0.006, 0.7]}
        shell = Surface(colour=(0.1, 0.1, 0.12))
        stage.add(body, BOX, (0, 0, 0), (0.16, 0.14, 0.05), shell, **(solid | {"mass": MASS_KG}))
        for x, y in ((0.2, 0.2), (0.2, -0.2), (-0.2, 0.2), (-0.2, -0.2)):
            stage.add(body, CYLINDER, (x, y, 0.06), (0.13, 0.004), shell, group=ROBOT)
        body.add_site(name="imu")
        body.add_site(name="hull", type=mujoco.mjtGeom.mjGEOM_BOX, size=[0.3, 0.3, 0.2])

    def bind(self, model: Any) -> None:
        """Look up where the compiled model keeps our body."""
        self._body = int(model.body("chassis").id)
        self._inertia = model.body_inertia[self._body].copy()

    def spins(self, data: Any) -> Array:
        """Return the speed of the four rotors in rad/s."""
        return self._spins

    def steer(self, data: Any, now: int, happenings: Sequence[Happening]) -> None:
        """Set the thrust and torque that fly the route with a slow bob; called every 20 ms."""
        progress = self._route.progress(now)
        speed = (self._route.progress(now + NS // 10) - progress) * 10
        x, y, heading = self._route.at(progress)
        goal = np.array([x, y, self._height + 0.08 * math.sin(now / NS)])
        velocity = np.array([speed * math.cos(heading), speed * math.sin(heading), 0.0])
        accel = np.clip(6 * (goal - data.qpos[:3]) + 4 * (velocity - data.qvel[:3]), -4, 4)
        self._push[:3] = MASS_KG * (accel + np.array([0, 0, 9.81]))
        error = _tilt_error(data.qpos[3:7], heading, accel)
        torque = self._inertia * (90 * error - 16 * data.qvel[3:6])
        mujoco.mju_rotVecQuat(self._push[3:], torque, data.qpos[3:7])  # data.xmat is as old as the last picture
        self._spins = HOVER_RADPS * self._trim * math.sqrt(max(float(self._push[2]) / (MASS_KG * 9.81), 0.1))

    def shake(self, data: Any, step: int, happenings: Sequence[Happening]) -> None:
        """Add the imbalance of the rotors, far more of a broken one; called every step."""
        self._angles = self._angles + self._spins * 0.0025
        uneven = np.full(4, 0.5)
        for happening in happenings:
            if happening.label == "damaged rotor":
                uneven[self._broken] = 6.0 * happening.intensity
        x, y = float(uneven @ np.cos(self._angles)), float(uneven @ np.sin(self._angles))
        data.xfrc_applied[self._body] = self._push
        data.xfrc_applied[self._body] += (x, y, 0.4 * y, 0.01 * x, 0.01 * y, 0.0)


def _tilt_error(quat: Array, heading: float, accel: Array) -> Array:
    """Return the small rotation (body frame, rad) from the attitude to the one that leans into ``accel``."""
    w, x, y, z = quat.tolist()
    yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    roll = math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    pitch = math.asin(max(min(2 * (w * y - z * x), 1), -1))
    forward = accel[0] * math.cos(yaw) + accel[1] * math.sin(yaw)
    left = accel[1] * math.cos(yaw) - accel[0] * math.sin(yaw)
    turn_left = (heading - yaw + math.pi) % (2 * math.pi) - math.pi
    return np.array([-left / 9.81 - roll, forward / 9.81 - pitch, turn_left * 0.3])
