"""BorealTC (LaRocque et al., 2024): what a Husky's IMU feels on five kinds of ground, 100 Hz.

``TERRAIN_imu_NUMBER.csv.gz``, or as published ``TERRAIN/imu_NUMBER.csv``; columns ``time, wx, wy, wz, ax, ay, az`` in
s, rad/s and m/s². A run is cut into windows of 5 s without overlap; two windows, 10 s, are a group.
"""

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from operators.encoders.files import MOTION_CLIP_S, clips_of
from operators.sets.item import Item
from operators.sets.reading import some, words
from pipeline.messages import Clip

BLOCK = 2
"""Windows in a group."""

NAME = re.compile(r"(?:(.+)_)?imu_\w+\.csv(\.gz)?")


def items(folder: Path) -> list[Item]:
    """Return the windows. Raise ValueError if ``folder`` is no such set, or a run cannot be read."""
    return some(_windows(folder), folder, "TERRAIN_imu_NUMBER.csv.gz nor TERRAIN/imu_NUMBER.csv")


def _windows(folder: Path) -> Iterator[Item]:
    for path in sorted([*folder.glob("*.csv*"), *folder.glob("*/*.csv*")]):
        named = NAME.fullmatch(path.name)
        terrain = (named[1] or path.parent.name) if named else ""
        if not terrain or (path.parent == folder and not (named and named[1])):
            continue
        for number in range(len(_clips(path))):
            yield Item(
                name=f"{path.relative_to(folder)} {number * MOTION_CLIP_S} s",
                senses={"imu": partial(_clip, path, number)},
                label=words(terrain),
                group=f"{path.relative_to(folder)} {number // BLOCK}",
            )


def _clip(path: Path, number: int) -> list[Clip]:
    return [_clips(path)[number]]


@lru_cache(8)
def _clips(path: Path) -> list[Clip]:
    """Keep the runs that were read last: all windows of a run follow each other."""
    return clips_of(path, "imu", MOTION_CLIP_S)
