"""A MuJoCo model under construction, with the surface of every geom."""

import math
from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from pipeline.messages import Array
from sensors.simulator.look import Surface

BOX, BALL, CAPSULE, CYLINDER, ELLIPSOID, PLANE = (
    mujoco.mjtGeom.mjGEOM_BOX,
    mujoco.mjtGeom.mjGEOM_SPHERE,
    mujoco.mjtGeom.mjGEOM_CAPSULE,
    mujoco.mjtGeom.mjGEOM_CYLINDER,
    mujoco.mjtGeom.mjGEOM_ELLIPSOID,
    mujoco.mjtGeom.mjGEOM_PLANE,
)
STATIC, ACTOR, FLAME, ROBOT, HIDDEN = 0, 1, 2, 3, 5
"""Geom groups: who can be seen by which sensor."""
AWAY = (500.0, 500.0, -50.0)
"""Where actors wait for their entrance: farther than any ray."""

Vector = Sequence[float] | Array


class Stage:
    """Grows a model geom by geom; `compile` ends it."""

    def __init__(self, timestep_s: float) -> None:
        self.spec = mujoco.MjSpec()
        self.spec.option.timestep = timestep_s
        self.spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        self.ground = self.spec.worldbody
        self._surfaces: list[Surface] = []

    def add(self, body: Any, form: Any, pos: Vector, size: Vector, surface: Surface, **more: Any) -> None:
        """Add a geom that nothing collides with, unless ``more`` says so; ``yaw`` turns it about the vertical."""
        yaw = more.pop("yaw", 0.0)
        # contype 2 meets no conaffinity, but 0 would cost the bounding box, and with it the speed of rays
        options = {"contype": 2, "conaffinity": 0, "mass": 0.0, "group": STATIC} | more
        if "fromto" not in options and "quat" not in options:
            options["quat"] = turn(yaw)
        if "fromto" not in options:
            options["pos"] = list(pos)
        size = [*size, *(0.0,) * (3 - len(size))]
        body.add_geom(name=f"g{len(self._surfaces)}", type=form, size=size, **options)
        self._surfaces.append(surface)

    def actor(self, name: str) -> Any:
        """Add a body that a script moves."""
        return self.ground.add_body(name=name, mocap=True, pos=AWAY)

    def compile(self) -> tuple[Any, list[Surface]]:
        """Return the model and the surfaces by geom id."""
        model = self.spec.compile()
        order = [int(model.geom(i).name[1:]) for i in range(model.ngeom)]
        return model, [self._surfaces[i] for i in order]


def turn(yaw: float) -> list[float]:
    """Return the quaternion (w, x, y, z) of a turn about the vertical."""
    return [math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)]


def swing(yaw: float, pitch: float) -> Array:
    """Return the quaternion of a pitch (nose down positive) followed by a yaw."""
    cy, sy, cp, sp = math.cos(yaw / 2), math.sin(yaw / 2), math.cos(pitch / 2), math.sin(pitch / 2)
    return np.array([cy * cp, -sy * sp, cy * sp, sy * cp])
