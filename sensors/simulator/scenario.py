"""What happens and when: the ground truth, a pure function of scenario, seed and variant."""

from collections.abc import Iterator
from itertools import count, takewhile
from typing import Literal, get_args
from zlib import crc32

import numpy as np
from msgspec import Struct

from pipeline.messages import NS

Variant = Literal["rover", "drone"]
Way = Literal["stays", "meets", "crosses", "overtakes"]
VARIANTS: tuple[str, ...] = get_args(Variant)
SENSED = ("vision", "depth", "thermal", "audio", "imu")
"""The modalities of the simulated rig, each with one sensor."""

CALM_S = 15.0
"""Nothing happens before, so that detectors can learn what is normal."""
TOUR_S = 10.0
"""From one start to the next on the tour."""


class Happening(Struct, frozen=True, kw_only=True):
    """One true thing in ``[start, end)``, nanoseconds since the start of the simulation.

    ``modalities`` are those that can tell. ``kind`` "fault" means that the sensor of modality ``target`` lies,
    "event" that the world or the robot itself is unusual. The rest is how it is played: ``route`` through the
    field of view, ``distance_m`` from the robot at half time, ``side`` +1 from the left and -1 from the right,
    ``intensity`` around 1, and ``draw``, the seed of its looks and its sound.
    """

    label: str
    start: int
    end: int
    modalities: tuple[str, ...]
    kind: Literal["event", "fault"] = "event"
    target: str = ""
    route: Way = "stays"
    distance_m: float = 0.0
    side: int = 1
    intensity: float = 1.0
    draw: int = 0


class _Kind(Struct, frozen=True):
    """How one label is drawn: ranges are (low, high)."""

    label: str
    modalities: tuple[str, ...]
    length_s: tuple[float, float]
    distance_m: tuple[float, float] = (0.0, 0.0)
    routes: tuple[Way, ...] = ("stays",)
    targets: tuple[str, ...] = ()  # a fault of one of these sensors
    variants: tuple[str, ...] = VARIANTS


_WAYS: tuple[Way, ...] = ("meets", "crosses", "overtakes")
_KINDS = (
    # rotors drown footsteps
    _Kind("person walking by", ("vision", "depth", "thermal", "audio"), (4.0, 5.5), (4.0, 5.5), _WAYS, (), ("rover",)),
    _Kind("person walking by", ("vision", "depth", "thermal"), (4.0, 5.5), (4.0, 5.5), _WAYS, (), ("drone",)),
    _Kind("animal walking by", ("vision", "depth", "thermal", "audio"), (3.5, 5.0), (3.2, 4.5), ("meets", "crosses")),
    _Kind("vehicle passing", ("vision", "depth", "thermal", "audio"), (4.0, 5.5), (6.5, 8.5), ("meets", "overtakes")),
    _Kind("fire", ("vision", "thermal", "audio"), (4.5, 6.0), (4.0, 6.0)),
    _Kind("alarm", ("audio",), (3.0, 6.0), (3.0, 12.0)),
    _Kind("glass breaking", ("audio",), (1.0, 1.5), (2.0, 8.0)),
    _Kind("collision", ("imu", "audio"), (1.5, 2.0)),
    _Kind("stuck wheel", ("imu", "audio"), (4.0, 6.0), variants=("rover",)),
    _Kind("damaged bearing", ("imu", "audio"), (4.0, 6.0), variants=("rover",)),
    _Kind("damaged rotor", ("imu", "audio"), (4.0, 6.0), variants=("drone",)),
    _Kind("frozen camera", (), (4.0, 6.0), targets=("vision",)),
    _Kind("covered camera", (), (3.0, 6.0), targets=("vision",)),
    _Kind("dead imu axis", (), (4.0, 6.0), targets=("imu",)),
    _Kind("unplugged microphone", (), (3.0, 6.0), targets=("audio",)),
    _Kind("clock jump", (), (4.0, 6.0), targets=SENSED),
)


def labels(variant: Variant = "rover") -> tuple[str, ...]:
    """Return every label that can happen to this robot, in the order of the tour.

    >>> labels("drone")[7]
    'damaged rotor'
    """
    return tuple(kind.label for kind in _kinds(variant))


def scenarios(variant: Variant = "rover") -> tuple[str, ...]:
    """Return the names that `timetable` knows."""
    return ("patrol", "calm", "tour", *labels(variant))


def timetable(
    scenario: str = "patrol", seed: int = 0, variant: Variant = "rover", until_s: float = 60.0
) -> tuple[Happening, ...]:
    """Return all that starts before ``until_s``, by start; a longer ``until_s`` only appends.

    ``patrol`` draws from all labels without end, ``calm`` is empty, ``tour`` plays every label in turn, over and
    over, and a label's own name plays it once, at 15 s.

    >>> timetable("fire", until_s=20)[0].start
    15000000000
    >>> timetable("fire", until_s=15)
    ()
    """
    return tuple(takewhile(lambda happening: happening.start < until_s * NS, happenings(scenario, seed, variant)))


def happenings(scenario: str, seed: int, variant: Variant) -> Iterator[Happening]:
    """Yield the timetable's rows one after another, perhaps without end.

    Raise ValueError for a scenario or variant that does not exist.
    """
    if variant not in VARIANTS:
        raise ValueError(f"The variant {variant!r} does not exist; there are {', '.join(VARIANTS)}.")
    if scenario not in scenarios(variant):
        known = ", ".join(scenarios(variant))
        raise ValueError(f"The scenario {scenario!r} does not exist for the {variant}; there are {known}.")
    rng = np.random.default_rng([seed, crc32(scenario.encode()), crc32(variant.encode())])
    return _play(scenario, rng, _kinds(variant))


def _play(scenario: str, rng: np.random.Generator, kinds: tuple[_Kind, ...]) -> Iterator[Happening]:
    if scenario == "patrol":
        yield from _patrol(rng, kinds)
    elif scenario == "tour":
        for turn in count():
            yield _draw(kinds[turn % len(kinds)], CALM_S + TOUR_S * turn, rng)
    elif scenario != "calm":
        yield _draw(next(kind for kind in kinds if kind.label == scenario), CALM_S, rng)


def _patrol(rng: np.random.Generator, kinds: tuple[_Kind, ...]) -> Iterator[Happening]:
    """Yield a happening every 6 to 10 s; all labels come once before any comes again."""
    start_s = CALM_S
    while True:
        for index in rng.permutation(len(kinds)):
            yield _draw(kinds[index], start_s, rng)
            start_s += rng.uniform(6.0, 10.0)


def _draw(kind: _Kind, start_s: float, rng: np.random.Generator) -> Happening:
    start = round(start_s * NS)
    target = str(rng.choice(kind.targets)) if kind.targets else ""
    return Happening(
        label=kind.label,
        start=start,
        end=start + round(rng.uniform(*kind.length_s) * NS),
        modalities=(target,) if target else kind.modalities,
        kind="fault" if target else "event",
        target=target,
        route=kind.routes[rng.integers(len(kind.routes))],
        distance_m=rng.uniform(*kind.distance_m),
        side=int(rng.choice((-1, 1))),
        intensity=rng.uniform(0.8, 1.25),
        draw=int(rng.integers(2**31)),
    )


def _kinds(variant: str) -> tuple[_Kind, ...]:
    return tuple(kind for kind in _KINDS if variant in kind.variants)
