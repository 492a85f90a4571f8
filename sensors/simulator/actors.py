"""Those who enter and leave: a person, an animal, a vehicle, a fire and a crate that hits the robot."""

import math
from typing import Any

import numpy as np

from pipeline.messages import NS
from sensors.simulator.look import Surface, shade, tint
from sensors.simulator.stage import ACTOR, AWAY, BALL, BOX, CAPSULE, CYLINDER, ELLIPSOID, FLAME, Stage, swing, turn
from sensors.simulator.staging import Place

_BLACK = Surface(colour=(0.01, 0.01, 0.01))


class Walker:
    """A body with legs that swing as it walks; ``limbs`` are (name, x, y, z of the joint, phase, reach)."""

    label: str
    stride_m: float

    def __init__(self, name: str, limbs: list[tuple[str, float, float, float, float, float]]) -> None:
        self._name, self._limbs = name, limbs

    def bind(self, model: Any) -> None:
        """Look up our bodies in the compiled model."""
        self._body = int(model.body(self._name).mocapid[0])
        self._ids = [int(model.body(f"{self._name} {limb[0]}").mocapid[0]) for limb in self._limbs]

    def pose(self, data: Any, place: Place | None, now: int) -> None:
        """Stand at ``place``, or leave the stage."""
        if place is None:
            data.mocap_pos[[self._body, *self._ids]] = AWAY
            return
        cos, sin = math.cos(place.heading), math.sin(place.heading)
        step = 2 * math.pi * place.walked / self.stride_m
        data.mocap_pos[self._body] = (place.x, place.y, 0.025 * abs(math.sin(step)))
        data.mocap_quat[self._body] = turn(place.heading)
        for mocap, (_, x, y, z, phase, reach) in zip(self._ids, self._limbs, strict=True):
            data.mocap_pos[mocap] = (place.x + x * cos - y * sin, place.y + x * sin + y * cos, z)
            data.mocap_quat[mocap] = swing(place.heading, reach * math.sin(step + phase))


class Person(Walker):
    """An adult: bare head and hands are the warmest."""

    label = "person walking by"
    stride_m = 1.4

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        tall = rng.uniform(0.92, 1.08)
        hip, shoulder, wide = 0.88 * tall, 1.42 * tall, rng.uniform(0.9, 1.2)
        super().__init__(
            "person",
            [
                ("left leg", 0, 0.1, hip, 0.0, 0.5),
                ("right leg", 0, -0.1, hip, math.pi, 0.5),
                ("left arm", 0, 0.24 * wide, shoulder, math.pi, 0.45),
                ("right arm", 0, -0.24 * wide, shoulder, 0.0, 0.45),
            ],
        )
        tone = rng.uniform(0.15, 0.75)
        skin = Surface(colour=(tone, tone * 0.68, tone * 0.52), emissivity=0.98, alive=0.9)
        coat = tint(rng, (0.1, 0.95), (0.15, 0.95))
        weave = Surface(colour=coat, accent=shade(coat, 0.5), pattern="planks", scale=rng.uniform(0.1, 0.5), alive=0.4)
        trousers = Surface(colour=tint(rng, (0.0, 0.6), (0.1, 0.6)), alive=0.35)
        hair = Surface(colour=tint(rng, (0.2, 0.6), (0.05, 0.5)), alive=0.6)
        body = stage.actor("person")
        stage.add(body, CAPSULE, (), (0.16 * wide,), weave, fromto=[0, 0, hip + 0.1, 0, 0, shoulder - 0.1], group=ACTOR)
        ends = [0, -0.2 * wide, shoulder - 0.03, 0, 0.2 * wide, shoulder - 0.03]
        stage.add(body, CAPSULE, (), (0.08,), weave, fromto=ends, group=ACTOR)
        stage.add(body, ELLIPSOID, (0.02, 0, shoulder + 0.24), (0.1, 0.085, 0.13), skin, group=ACTOR)
        stage.add(body, ELLIPSOID, (-0.02, 0, shoulder + 0.3), (0.1, 0.095, 0.09), hair, group=ACTOR)
        for name, _, _, _, _, _ in self._limbs:
            limb, cloth = stage.actor(f"person {name}"), trousers if "leg" in name else weave
            length = hip - 0.08 if "leg" in name else 0.52
            thick = 0.08 if "leg" in name else 0.055
            stage.add(limb, CAPSULE, (), (thick,), cloth, fromto=[0, 0, 0, 0, 0, -length], group=ACTOR)
            if "leg" in name:
                stage.add(limb, BOX, (0.07, 0, -length - 0.03), (0.14, 0.05, 0.05), _BLACK, group=ACTOR)
            else:
                stage.add(limb, BALL, (0, 0, -length - 0.05), (0.06,), skin, group=ACTOR)


class Animal(Walker):
    """A four-legged animal, from a big dog to a small deer."""

    label = "animal walking by"
    stride_m = 0.9

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        size = rng.uniform(0.85, 1.5)
        high = 0.5 * size
        super().__init__(
            "animal",
            [
                ("fore left", 0.3 * size, 0.1 * size, high, 0.0, 0.5),
                ("fore right", 0.3 * size, -0.1 * size, high, math.pi, 0.5),
                ("hind left", -0.3 * size, 0.1 * size, high, math.pi, 0.5),
                ("hind right", -0.3 * size, -0.1 * size, high, 0.0, 0.5),
            ],
        )
        base = tint(rng, (0.2, 0.7), (0.15, 0.9))
        brown = (base[0], base[0] * 0.6, base[0] * 0.3)
        coat = Surface(
            colour=brown,
            accent=shade(brown, rng.uniform(0.2, 1.0)),
            pattern="blotches",
            scale=0.3,
            alive=0.55,
            emissivity=0.97,
        )
        face = Surface(colour=shade(brown, 0.6), alive=0.8, emissivity=0.97)
        body = stage.actor("animal")
        ends = [-0.32 * size, 0, high + 0.05, 0.32 * size, 0, high + 0.08]
        stage.add(body, CAPSULE, (), (0.15 * size,), coat, fromto=ends, group=ACTOR)
        neck = [0.35 * size, 0, high + 0.1, 0.5 * size, 0, high + 0.32 * size]
        stage.add(body, CAPSULE, (), (0.08 * size,), coat, fromto=neck, group=ACTOR)
        head = (0.57 * size, 0, high + 0.36 * size)
        stage.add(body, ELLIPSOID, head, (0.15 * size, 0.08 * size, 0.08 * size), face, group=ACTOR)
        for side in (-1, 1):
            ear = (0.48 * size, side * 0.06 * size, high + 0.46 * size)
            stage.add(body, ELLIPSOID, ear, (0.03 * size, 0.03 * size, 0.07 * size), face, group=ACTOR)
        tail = [-0.4 * size, 0, high + 0.12, -0.6 * size, 0, high + rng.uniform(-0.1, 0.3)]
        stage.add(body, CAPSULE, (), (0.03 * size,), coat, fromto=tail, group=ACTOR)
        for name, _, _, _, _, _ in self._limbs:
            limb = stage.actor(f"animal {name}")
            stage.add(limb, CAPSULE, (), (0.045 * size,), coat, fromto=[0, 0, 0, 0, 0, 0.05 - high], group=ACTOR)


class Vehicle:
    """A small car, van or cart; the bonnet, the wheels and the exhaust are hot."""

    label = "vehicle passing"

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        body = stage.actor("vehicle")
        long, wide = rng.uniform(1.2, 1.7), rng.uniform(0.62, 0.8)
        low, cabin = rng.uniform(0.25, 0.4), rng.uniform(0.28, 0.6)
        colour = tint(rng, (0.0, 1.0), (0.3, 1.0))
        paint = Surface(colour=colour, accent=shade(colour, 0.7), warmth=4, emissivity=0.9)
        bonnet = Surface(colour=colour, warmth=26, emissivity=0.9)
        glass = Surface(colour=(0.03, 0.04, 0.05), warmth=2, emissivity=0.85)
        lamp, tail = Surface(colour=(1.0, 1.0, 0.9), glow=1.5, warmth=20), Surface(colour=(0.9, 0.02, 0.02), glow=0.4)
        parts: list[tuple[Any, tuple[float, ...], tuple[float, ...], Surface]] = [
            (BOX, (0, 0, 0.3 + low), (long, wide, low), paint),
            (BOX, (long - 0.35, 0, 0.31 + 2 * low), (0.34, wide * 0.9, 0.02), bonnet),
            (BOX, (long + 0.01, 0, 0.3 + low), (0.02, wide * 0.6, low * 0.5), bonnet),
            (BOX, (-0.25, 0, 0.3 + 2 * low + cabin), (long * 0.62, wide * 0.9, cabin), paint),
            (BOX, (-0.25, 0, 0.32 + 2 * low + cabin), (long * 0.64, wide * 0.92, cabin * 0.6), glass),
            (BOX, (-long, wide * 0.5, 0.35), (0.08, 0.06, 0.05), Surface(colour=(0.1, 0.1, 0.1), warmth=60)),
        ]
        for side in (-1, 1):
            parts.append((BALL, (long, side * wide * 0.75, 0.35 + low), (0.1,), lamp))
            parts.append((BALL, (-long, side * wide * 0.75, 0.35 + low), (0.08,), tail))
        for form, pos, size, surface in parts:
            stage.add(body, form, pos, size, surface, group=ACTOR)
        tyre = Surface(colour=(0.015, 0.015, 0.015), warmth=16)
        for x in (-long * 0.62, long * 0.62):
            for y in (-wide, wide):
                flat = [0.7071, 0.7071, 0, 0]
                stage.add(body, CYLINDER, (x, y, 0.3), (0.3, 0.11), tyre, group=ACTOR, quat=flat)

    def bind(self, model: Any) -> None:
        """Look up our body in the compiled model."""
        self._body = int(model.body("vehicle").mocapid[0])

    def pose(self, data: Any, place: Place | None, now: int) -> None:
        """Stand at ``place``, or leave the stage."""
        data.mocap_pos[self._body] = AWAY if place is None else (place.x, place.y, 0.0)
        if place is not None:
            data.mocap_quat[self._body] = turn(place.heading)


class Fire:
    """Logs under seven flames that leap and lean; flames return no structured light, so depth sees only the logs."""

    label = "fire"

    def __init__(self, stage: Stage, rng: np.random.Generator) -> None:
        self._flames = [(rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), rng.uniform(0.2, 0.55)) for _ in range(7)]
        self._tempo = rng.uniform(1.5, 5.0, (7, 3))
        logs = stage.actor("fire")
        coal = Surface(colour=(0.05, 0.02, 0.01), accent=(0.9, 0.15, 0.02), pattern="blotches", scale=0.2, warmth=180)
        for angle in (0.3, 1.4, 2.5):
            x, y = 0.4 * math.cos(angle), 0.4 * math.sin(angle)
            stage.add(logs, CAPSULE, (), (0.08,), coal, fromto=[-x, -y, 0.07, x, y, 0.15], group=ACTOR)
        flame = Surface(colour=(1.0, 0.35, 0.04), accent=(1.0, 0.85, 0.3), glow=3.0, warmth=330, pattern="blotches")
        for index, (_, _, height) in enumerate(self._flames):
            body, thick = stage.actor(f"flame {index}"), rng.uniform(0.09, 0.17)
            stage.add(body, ELLIPSOID, (0, 0, 0), (thick, thick, height), flame, group=FLAME)

    def bind(self, model: Any) -> None:
        """Look up our bodies in the compiled model."""
        self._logs = int(model.body("fire").mocapid[0])
        self._ids = [int(model.body(f"flame {index}").mocapid[0]) for index in range(7)]

    def pose(self, data: Any, place: Place | None, now: int) -> None:
        """Burn at ``place``, or leave the stage."""
        if place is None:
            data.mocap_pos[[self._logs, *self._ids]] = AWAY
            return
        data.mocap_pos[self._logs] = (place.x, place.y, 0.0)
        leap = np.sin(self._tempo * (2 * math.pi * now / NS))
        for mocap, (x, y, height), (a, b, c) in zip(self._ids, self._flames, leap.tolist(), strict=True):
            rise = 0.15 + height * (0.75 + 0.35 * a)
            data.mocap_pos[mocap] = (place.x + x + 0.05 * b, place.y + y + 0.05 * c, rise)
            data.mocap_quat[mocap] = swing(3 * b, 0.15 * c)


class Crate:
    """A real body with mass that hits the robot's flank."""

    def __init__(self, stage: Stage, mass_kg: float) -> None:
        half = 0.18 if mass_kg > 1 else 0.07
        self._half = half
        body = stage.ground.add_body(name="crate", pos=[500, 500, 50])
        body.add_freejoint()
        wood = Surface(colour=(0.4, 0.28, 0.15), accent=(0.2, 0.13, 0.06), pattern="planks", scale=0.1)
        solid = {"contype": 1, "conaffinity": 1, "solref": [0.006, 0.7]}
        stage.add(body, BOX, (0, 0, 0), (half, half, half), wood, group=ACTOR, mass=mass_kg, **solid)

    def bind(self, model: Any) -> None:
        """Look up our joint in the compiled model."""
        body = model.body("crate")
        self._qpos, self._dof = int(model.jnt_qposadr[body.jntadr[0]]), int(body.dofadr[0])

    def park(self, data: Any) -> None:
        """Wait out of sight, at rest."""
        data.qpos[self._qpos : self._qpos + 7] = (500, 500, 50, 1, 0, 0, 0)
        data.qvel[self._dof : self._dof + 6] = 0

    def throw(self, data: Any, side: int, speed: float) -> None:
        """Start 0.75 m beside the robot, flying at it."""
        x, y, z, w, qx, qy, qz = data.qpos[:7].tolist()
        yaw = math.atan2(2 * (w * qz + qx * qy), 1 - 2 * (qy * qy + qz * qz))
        left = (-math.sin(yaw), math.cos(yaw))
        start = (x + side * 0.75 * left[0], y + side * 0.75 * left[1], z + 0.2)
        data.qpos[self._qpos : self._qpos + 7] = (*start, *turn(yaw))
        data.qvel[self._dof : self._dof + 6] = 0
        data.qvel[self._dof : self._dof + 2] = data.qvel[:2] - side * speed * np.array(left)
