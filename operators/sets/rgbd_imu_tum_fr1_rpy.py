"""TUM RGB-D (Sturm et al., IROS 2012): a Kinect in the hand, pictures and depth at 30 Hz, acceleration at 500 Hz.

As published: ``rgb.txt`` and ``depth.txt`` list stamps and files, ``accelerometer.txt`` stamps and three accelerations
in m/s²; depth has 5000 steps to the metre. Windows are a tenth of a second apart, each with the picture nearest to it,
the depth nearest to that, and the five seconds of motion before. The whole is one recording; 2 s of it are a group.

A repacked log of such a recording is read by the command, through the synchronizer.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from operators.encoders.stills import depth_of, picture_of
from operators.sets.item import Item
from operators.sets.reading import clip_of, some, still
from pipeline.messages import NS, Array, Clip

STEPS_PER_M = 5000
EVERY = NS // 10
"""From window to window."""

NEAR = NS // 50
"""A picture and a depth image this far apart, more than half a frame, are no pair."""

CONTEXT, GROUP = 5 * NS, 2 * NS

Listed = tuple[Array, list[list[str]]]
"""Stamps (T,) int64 rising, and the other words of each line."""


def items(folder: Path) -> list[Item]:
    """Return the windows whose picture and depth are there. Raise ValueError if ``folder`` is no such set."""
    root = folder / "original_png" if (folder / "original_png").is_dir() else folder
    stamps, pictures = _present(root, _listed(folder / "rgb.txt", 1))
    depths = _present(root, _listed(folder / "depth.txt", 1))
    motion = _listed(folder / "accelerometer.txt", 3) if (folder / "accelerometer.txt").is_file() else None
    found, last = [], -EVERY
    for stamp, (picture, *_) in zip(stamps.tolist(), pictures, strict=True):
        depth = _nearest(depths, stamp)
        if stamp - last >= EVERY - NS // 100 and depth is not None:
            found.append(_window(root, stamp, picture, depth, motion, int(stamps[0])))
            last = stamp
    return some(found, folder, "picture of rgb.txt with a depth image of depth.txt beside it")


def _window(root: Path, stamp: int, picture: str, depth: str, motion: Listed | None, first: int) -> Item:
    senses = {
        "vision": partial(_picture, root / picture, stamp),
        "depth": partial(_depth, root / depth, stamp),
    }
    if motion is not None and np.any((motion[0] > stamp - CONTEXT) & (motion[0] <= stamp)):
        senses["imu"] = partial(_motion, motion, stamp)
    return Item(name=Path(picture).stem, senses=senses, group=f"{(stamp - first) // GROUP}")


def _listed(path: Path, number: int) -> Listed:
    """Return what a list of TUM's says; lines that begin with # are remarks."""
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        stamps = np.array([round(float(line[0]) * NS) for line in lines], np.int64)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, and this set has one") from error
    except ValueError as error:
        raise ValueError(f"{path}: no list of stamps: {error}") from error
    if short := [n for n, line in enumerate(lines) if len(line) <= number]:
        raise ValueError(f"{path}: line {short[0] + 1} has {len(lines[short[0]])} words instead of {number + 1}")
    order = np.argsort(stamps, kind="stable")
    return stamps[order], [lines[place][1:] for place in order]


def _present(root: Path, listed: Listed) -> Listed:
    stamps, names = listed
    there = [place for place, (name, *_) in enumerate(names) if (root / name).is_file()]
    return stamps[there], [names[place] for place in there]


def _nearest(listed: Listed, stamp: int) -> str | None:
    stamps, names = listed
    if not len(stamps):
        return None
    place = int(np.abs(stamps - stamp).argmin())
    return names[place][0] if abs(int(stamps[place]) - stamp) <= NEAR else None


def _picture(path: Path, stamp: int) -> list[Clip]:
    return still(str(path), "vision", picture_of(path), stamp)


def _depth(path: Path, stamp: int) -> list[Clip]:
    metres = depth_of(path).astype(np.float32) / STEPS_PER_M  # 0 is no return, here as there
    return still(str(path), "depth", metres, stamp)


def _motion(listed: Listed, stamp: int) -> list[Clip]:
    stamps, rows = listed
    first, last = np.searchsorted(stamps, (stamp - CONTEXT, stamp), "right")
    readings: Sequence[tuple[int, Array]] = [
        (int(stamps[n]), np.array(rows[n][:3], np.float64)) for n in range(first, last)
    ]
    return [clip_of("accelerometer.txt", "imu", stamp - CONTEXT + 1, stamp + 1, readings)]
