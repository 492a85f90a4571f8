"""Everything that stands still: ground, hall, and clutter inside and outside, laid out by the seed."""

import math
from typing import Any

import numpy as np

from pipeline.messages import Array
from sensors.simulator.look import PATTERNS, Look, Pattern, Surface, shade, tint
from sensors.simulator.route import CLEAR_M, Route
from sensors.simulator.stage import BALL, BOX, CAPSULE, CYLINDER, ELLIPSOID, PLANE, Stage

SOLID: dict[str, Any] = {"contype": 1, "conaffinity": 1}
HALL_HEIGHT_M = 4.2
DOOR_M = 1.9
"""Half the width of a door."""


class Hall:
    """The roofed half of the world: ``side`` +1 lies at positive x; ``divide`` is the wall with the two doors."""

    def __init__(self, route: Route, rng: np.random.Generator) -> None:
        self.side = float(rng.choice((-1.0, 1.0)))
        self.divide = rng.uniform(-2, 2)
        self.far = self.side * (route.half_x + CLEAR_M + 1)
        self.half_y = route.half_y + CLEAR_M + 1
        self.doors = route.crossings(self.divide)

    @property
    def x_range(self) -> tuple[float, float]:
        """Lower and upper x."""
        return min(self.divide, self.far), max(self.divide, self.far)

    def depth(self, x: float, y: float) -> float:
        """Return how many metres a place lies inside of the nearest wall; outside it is negative."""
        low, high = self.x_range
        return min(x - low, high - x, self.half_y - abs(y))

    def under_roof(self, point_P3: Array) -> Array:
        """Return (P,) bool: whether each point is inside."""
        (low, high), (x, y, z) = self.x_range, point_P3.T
        roofed: Array = (x > low) & (x < high) & (np.abs(y) < self.half_y) & (z < HALL_HEIGHT_M + 0.01)
        return roofed


def build(stage: Stage, route: Route, look: Look, seed: int) -> Hall:
    """Put the scene of ``seed`` on the stage and return its hall."""
    rng = np.random.default_rng([seed, 3])
    hall = Hall(route, rng)
    _ground(stage, rng)
    _walls(stage, hall, rng)
    _fittings(stage, hall, look, rng)
    _bumps(stage, route, hall, rng)
    for x, y in _spots(rng, route, hall, inside=True, number=15):
        _indoor_thing(stage, x, y, rng)
    for x, y in _spots(rng, route, hall, inside=False, number=18):
        _outdoor_thing(stage, x, y, rng)
    _horizon(stage, hall, rng)
    return hall


def _surface(rng: np.random.Generator, *patterns: Pattern, dull: bool = False, **more: Any) -> Surface:
    colour = tint(rng, (0.05, 0.3) if dull else (0.1, 0.9), (0.35, 0.9))
    accent = shade(colour, rng.uniform(0.3, 0.75))
    scale = rng.uniform(0.2, 0.9)
    pattern: Pattern = patterns[rng.integers(len(patterns))] if patterns else "plain"
    return Surface(colour=colour, accent=accent, pattern=pattern, scale=scale, **more)


def _ground(stage: Stage, rng: np.random.Generator) -> None:
    green, grey = rng.uniform(0.1, 0.3), rng.uniform(0.08, 0.3)
    grass = Surface(
        colour=(green * 0.6, green, green * 0.3),
        accent=(green * 0.4, green * 0.5, green * 0.2),
        pattern="blotches",
        scale=rng.uniform(0.4, 1.5),
    )
    paving = Surface(
        colour=(grey, grey, grey * 0.95),
        accent=(grey * 0.7, grey * 0.68, grey * 0.62),
        pattern=PATTERNS[rng.integers(1, 5)],
        scale=rng.uniform(0.4, 1.2),
    )
    surface = grass if rng.random() < 0.5 else paving
    stage.add(stage.ground, PLANE, (0, 0, 0), (0, 0, 1), surface, friction=[1.0, 0.01, 0.001], **SOLID)


def _walls(stage: Stage, hall: Hall, rng: np.random.Generator) -> None:
    wall, inner = _surface(rng, *PATTERNS[:4], dull=True), _surface(rng, "plain", "bricks", "planks", dull=True)
    (low, high), height = hall.x_range, HALL_HEIGHT_M / 2
    middle, half_x = (low + high) / 2, (high - low) / 2
    floor = _surface(rng, "plain", "tiles", "planks", "blotches", dull=True)
    stage.add(stage.ground, BOX, (middle, 0, -0.047), (half_x, hall.half_y, 0.05), floor)
    stage.add(stage.ground, BOX, (middle, 0, 2 * height + 0.1), (half_x, hall.half_y, 0.1), inner)
    stage.add(stage.ground, BOX, (hall.far, 0, height), (0.1, hall.half_y, height), wall, **SOLID)
    for side in (-1, 1):
        stage.add(stage.ground, BOX, (middle, side * hall.half_y, height), (half_x, 0.1, height), wall, **SOLID)
    edges = [-hall.half_y, *(y + d for y in hall.doors for d in (-DOOR_M, DOOR_M)), hall.half_y]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        pos, size = (hall.divide, (start + end) / 2, height), (0.1, (end - start) / 2, height)
        stage.add(stage.ground, BOX, pos, size, inner, **SOLID)
    for y in hall.doors:
        stage.add(stage.ground, BOX, (hall.divide, y, 3.7), (0.1, DOOR_M, 0.5), inner)


def _fittings(stage: Stage, hall: Hall, look: Look, rng: np.random.Generator) -> None:
    """Add lamps, windows, posters, radiators and pillars."""
    (low, high), white = hall.x_range, (1.0, 1.0, 1.0)
    lamp = Surface(colour=white, glow=2.0, warmth=15)
    window = Surface(colour=white, pattern="windows", scale=0.7, glow=0.05 + 1.2 * look.day, emissivity=0.85)
    radiator = Surface(colour=(0.7, 0.7, 0.7), accent=(0.4, 0.4, 0.4), pattern="planks", scale=0.1, warmth=25)
    for x in np.linspace(low + 2, high - 2, 4):
        for y in (-hall.half_y / 2, hall.half_y / 2):
            stage.add(stage.ground, BOX, (x, y, HALL_HEIGHT_M - 0.05), (0.6, 0.1, 0.05), lamp)
        side = rng.choice((-1, 1))
        stage.add(stage.ground, BOX, (x, side * (hall.half_y - 0.1), 2.0), (0.8, 0.05, 0.6), window)
        stage.add(stage.ground, BOX, (x, side * (hall.half_y - 0.15), 0.4), (0.7, 0.06, 0.3), radiator)
        stage.add(stage.ground, BOX, (x, -side * (hall.half_y - 0.1), 1.6), (0.5, 0.03, 0.4), _surface(rng, "tiles"))
    for y in rng.uniform(-hall.half_y, hall.half_y, 3):
        stage.add(stage.ground, BOX, (hall.far - hall.side * 0.12, y, 1.7), (0.03, 0.7, 0.5), _surface(rng, "blotches"))


def _bumps(stage: Stage, route: Route, hall: Hall, rng: np.random.Generator) -> None:
    """Add low ridges across the loop: the door sills, and cable covers here and there."""
    sill = Surface(colour=(0.3, 0.3, 0.1), emissivity=0.5)
    places = [(hall.divide, y, 0.0) for y in hall.doors]  # the robot goes through doors along x
    places += [route.at(s) for s in rng.uniform(0, route.length, 3)]
    for x, y, heading in places:
        dx, dy = 1.5 * math.sin(heading), -1.5 * math.cos(heading)
        ends = [x - dx, y - dy, -0.04, x + dx, y + dy, -0.04]
        stage.add(stage.ground, CAPSULE, (), (0.05,), sill, fromto=ends, **SOLID)


def _spots(
    rng: np.random.Generator, route: Route, hall: Hall, *, inside: bool, number: int
) -> list[tuple[float, float]]:
    """Return places for clutter, clear of the loop."""
    spots: list[tuple[float, float]] = []
    while len(spots) < number:
        x = rng.uniform(-route.half_x - 9, route.half_x + 9)
        y = rng.uniform(-route.half_y - 9, route.half_y + 9)
        fits = hall.depth(x, y) > 0.7 if inside else hall.depth(x, y) < -1.5
        if fits and route.clearance(x, y) > CLEAR_M:
            spots.append((x, y))
    return spots


def _indoor_thing(stage: Stage, x: float, y: float, rng: np.random.Generator) -> None:
    ground, yaw = stage.ground, rng.choice((0.0, rng.uniform(0, 3.1)))
    match rng.integers(5):
        case 0:
            half = rng.uniform(0.2, 0.6, 3)
            crate = _surface(rng, "planks", "plain", "tiles")
            stage.add(ground, BOX, (x, y, half[2]), half, crate, yaw=yaw, **SOLID)
            stage.add(ground, BOX, (x, y, 2.6 * half[2]), half * 0.6, _surface(rng, "planks"), yaw=yaw + 0.4)
        case 1:
            drum = _surface(rng, "plain", "planks", emissivity=0.6)
            stage.add(ground, CYLINDER, (x, y, 0.45), (0.3, 0.45), drum, **SOLID)
        case 2:
            shelf = _surface(rng, "windows", "tiles")
            stage.add(ground, BOX, (x, y, 1.0), (rng.uniform(0.5, 1.1), 0.25, 1.0), shelf, yaw=yaw, **SOLID)
        case 3:
            pillar = _surface(rng, "bricks", "plain", dull=True)
            stage.add(ground, CYLINDER, (x, y, HALL_HEIGHT_M / 2), (0.2, HALL_HEIGHT_M / 2), pillar, **SOLID)
        case _:
            machine = _surface(rng, "plain", "tiles", warmth=rng.uniform(0, 18), emissivity=0.8)
            half = rng.uniform((0.3, 0.3, 0.5), (0.7, 0.5, 0.9))
            stage.add(ground, BOX, (x, y, half[2]), half, machine, yaw=yaw, **SOLID)


def _outdoor_thing(stage: Stage, x: float, y: float, rng: np.random.Generator) -> None:
    ground, yaw, leaf = stage.ground, rng.uniform(0, 3.1), rng.uniform(0.05, 0.25)
    leaves = Surface(
        colour=(leaf * rng.uniform(0.3, 1.2), leaf, leaf * 0.25),
        accent=(leaf * 0.25, leaf * 0.4, leaf * 0.1),
        pattern="blotches",
        scale=0.2,
        emissivity=0.97,
    )
    bark = Surface(colour=(0.12, 0.08, 0.05), accent=(0.05, 0.03, 0.02), pattern="planks", scale=0.1)
    match rng.integers(6):
        case 0 | 1:
            height, crown = rng.uniform(1.2, 2.5), rng.uniform(0.8, 1.7)
            stage.add(ground, CYLINDER, (x, y, height / 2), (rng.uniform(0.1, 0.25), height / 2), bark, **SOLID)
            stage.add(ground, ELLIPSOID, (x, y, height + crown * 0.7), (crown, crown, crown * 1.1), leaves)
        case 2:
            size = rng.uniform(0.4, 1.0, 3)
            stage.add(ground, ELLIPSOID, (x, y, size[2] * 0.6), size, leaves)
        case 3:
            size = rng.uniform(0.2, 0.8, 3)
            stage.add(ground, ELLIPSOID, (x, y, size[2] * 0.3), size, _surface(rng, "blotches", dull=True), yaw=yaw)
        case 4:
            half = rng.uniform(0.3, 0.9, 3)
            stage.add(ground, BOX, (x, y, half[2]), half, _surface(rng, "planks", "plain"), yaw=yaw, **SOLID)
        case _:
            pole = _surface(rng, dull=True, emissivity=0.5)
            stage.add(ground, CYLINDER, (x, y, 2.0), (0.06, 2.0), pole, **SOLID)
            stage.add(ground, BALL, (x, y, 4.1), (0.2,), Surface(colour=(1.0, 0.9, 0.7), glow=0.6, warmth=8))


def _horizon(stage: Stage, hall: Hall, rng: np.random.Generator) -> None:
    """Add houses in the distance and a fence, on the open side."""
    for _ in range(6):
        angle = rng.uniform(-1.4, 1.4)
        distance, half = rng.uniform(26, 45), rng.uniform(3, 7, 3)
        x, y = -hall.side * distance * math.cos(angle), distance * math.sin(angle)
        house = _surface(rng, "windows", "bricks", dull=True)
        stage.add(stage.ground, BOX, (x, y, half[2]), half, house, yaw=rng.uniform(0, 3.1))
    fence = _surface(rng, "planks", "plain", "tiles")
    stage.add(stage.ground, BOX, (-hall.far - hall.side * 9, 0, 0.5), (0.05, hall.half_y + 6, 0.5), fence)
