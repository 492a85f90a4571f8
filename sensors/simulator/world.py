"""The world at one time: MuJoCo's bodies, moved by scripts alone, so that equal seeds stay equal for ever."""

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from pipeline.messages import NS, Array
from sensors.simulator.actors import Animal, Crate, Fire, Person, Vehicle
from sensors.simulator.drone import Drone
from sensors.simulator.look import Look
from sensors.simulator.route import Route
from sensors.simulator.rover import Rover
from sensors.simulator.scenario import Happening, Variant, happenings
from sensors.simulator.scene import build
from sensors.simulator.stage import Stage
from sensors.simulator.staging import Place, place

STEP = 2_500_000
"""Nanoseconds of one physics step."""
STEER_STEPS = 8
SETTLE_STEPS = 600
TRACE_STEPS = 256
MEMORY = NS
"""How long a happening that ended is still told by `happenings`, for its echo."""


class Trace:
    """Columns of a row of `World.trace`: what the fast sensors read of each step."""

    accel = slice(0, 3)  # m/s², with gravity, in the robot's frame
    gyro = slice(3, 6)  # rad/s
    touch = 6  # newton on the hull
    spins = slice(7, 11)  # rad/s of wheels or rotors
    position = slice(11, 14)  # metres
    width = 14


class World:
    """One robot in one scene, playing one timetable; `advance` only goes forward."""

    def __init__(self, seed: int = 0, variant: Variant = "rover", scenario: str = "patrol") -> None:
        self._coming = happenings(scenario, seed, variant)
        self._known: list[Happening] = []
        self._thrown: Happening | None = None
        self.seed, self.variant = seed, variant
        self.look, self.route = Look(seed), Route(seed)
        stage, rng = Stage(STEP / NS), np.random.default_rng([seed, 6])
        self.hall = build(stage, self.route, self.look, seed)
        self.robot = Rover(stage, self.route, seed) if variant == "rover" else Drone(stage, self.route, seed)
        self._actors = (Person(stage, rng), Animal(stage, rng), Vehicle(stage, rng), Fire(stage, rng))
        self._crate = Crate(stage, self.robot.crash_kg)
        _add_sensors(stage)
        self.model, self.surfaces = stage.compile()
        self.groups = self.model.geom_group.copy()
        self.data: Any = mujoco.MjData(self.model)
        for part in (self.robot, *self._actors, self._crate):
            part.bind(self.model)
        self._trace = np.zeros((TRACE_STEPS, Trace.width))
        self._step = -SETTLE_STEPS
        self.advance(0)

    def advance(self, now: int) -> None:
        """Go on to ``now``, nanoseconds since the start."""
        while self._step * STEP < now:
            self._one_step()

    def pose(self, now: int) -> None:
        """Place everybody as a picture at ``now`` shows them."""
        for actor in self._actors:
            playing = [happening for happening in self.active(now) if happening.label == actor.label]
            actor.pose(self.data, place(playing[0], self.route, now) if playing else None, now)
        mujoco.mj_kinematics(self.model, self.data)

    def active(self, now: int) -> list[Happening]:
        """Return what happens at ``now``."""
        return [happening for happening in self._script(now) if happening.start <= now < happening.end]

    def recent(self, now: int) -> list[Happening]:
        """Return what happens at ``now`` or ended less than a second ago."""
        return [happening for happening in self._script(now) if happening.start <= now < happening.end + MEMORY]

    def place(self, happening: Happening, now: int) -> Place:
        """Return where ``happening`` plays."""
        return place(happening, self.route, now)

    def trace(self, start: int, end: int) -> Array:
        """Return (steps, `Trace.width`) of the steps in ``[start, end)``; only the last 0.6 s are kept."""
        steps = np.arange(-(-start // STEP), -(-end // STEP))
        assert self._step - TRACE_STEPS <= steps[0] <= steps[-1] < self._step
        return self._trace[steps % TRACE_STEPS]

    def _script(self, now: int) -> Sequence[Happening]:
        """Return the rows of the timetable around ``now``; those long past are forgotten."""
        while not self._known or self._known[-1].start <= now:
            following = next(self._coming, None)
            if following is None:
                break
            self._known.append(following)
        while len(self._known) > 1 and self._known[0].end + 2 * MEMORY < now:
            self._known.pop(0)
        return self._known

    def _one_step(self) -> None:
        now = max(self._step * STEP, 0)
        if self._step % STEER_STEPS == 0:
            self._playing = self.active(now)
            self.robot.steer(self.data, now, self._playing)
            self._move_crate()
        self.robot.shake(self.data, self._step, self._playing)
        mujoco.mj_step(self.model, self.data)
        row = self._trace[self._step % TRACE_STEPS]
        row[:7] = self.data.sensordata
        row[Trace.spins] = self.robot.spins(self.data)
        row[Trace.position] = self.data.qpos[:3]
        self._step += 1

    def _move_crate(self) -> None:
        crash = next((happening for happening in self._playing if happening.label == "collision"), None)
        if crash is None:
            self._crate.park(self.data)
        elif crash is not self._thrown:
            self._thrown = crash
            self._crate.throw(self.data, crash.side, self.robot.crash_mps * crash.intensity)


def _add_sensors(stage: Stage) -> None:
    kinds = mujoco.mjtSensor
    for kind, site in ((kinds.mjSENS_ACCELEROMETER, "imu"), (kinds.mjSENS_GYRO, "imu"), (kinds.mjSENS_TOUCH, "hull")):
        stage.spec.add_sensor(type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=site)
