"""Ego4D (Grauman et al., CVPR 2022): what people with a camera on their head do, and the IMU in it; as published.

``ego4d.json`` names the scenarios of every film, ``VERSION/annotations/narration.json`` what happens when, and
``VERSION/imu/UID.csv`` has ``canonical_timestamp_ms, gyro_x … accl_z``; films, if there are any, are
``VERSION/full_scale/UID.mp4``. ``VERSION/`` may be missing. A narration is five seconds around its stamp
(arXiv 2305.05665, appendix A); a film is a group.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from operators.encoders.media import ends_of
from operators.encoders.table import table_of
from operators.sets.item import Item
from operators.sets.reading import clip_of, some
from pipeline.messages import NS, Array, Clip

CLIP = 5 * NS

AXES = ("accl_x", "accl_y", "accl_z", "gyro_x", "gyro_y", "gyro_z")
TIME = "canonical_timestamp_ms"


class _Film(Struct):
    video_uid: str
    scenarios: list[str] | None = None


class _Manifest(Struct):
    videos: list[_Film]


class _Narration(Struct):
    timestamp_sec: float
    narration_text: str = ""


class _Pass(Struct):
    narrations: list[_Narration] = []


class _Narrated(Struct):
    narration_pass_1: _Pass | None = None
    narration_pass_2: _Pass | None = None


class _Narrations(Struct):
    videos: dict[str, _Narrated]


def scenarios(folder: Path) -> list[str]:
    """Return every scenario that a film has, by the alphabet."""
    return sorted({name for film in _manifest(folder).videos for name in film.scenarios or ()})


def items(folder: Path) -> list[Item]:
    """Return the narrations of the films with an IMU, labelled by their film's first scenario.

    Raise ValueError if ``folder`` is no such set.
    """
    labels = {film.video_uid: (film.scenarios or [""])[0] for film in _manifest(folder).videos}
    tables = {path.stem: path for path in sorted([*folder.glob("imu/*.csv"), *folder.glob("*/imu/*.csv")])}
    films = {path.stem: path for path in sorted([*folder.glob("full_scale/*.mp4"), *folder.glob("*/full_scale/*.mp4")])}
    narrations = _decoded(_one(folder, "annotations/narration.json"), _Narrations).videos
    found = [
        item
        for uid, table in tables.items()
        if uid in narrations
        for item in _of_film(uid, labels.get(uid, ""), narrations[uid], table, films.get(uid))
    ]
    return some(found, folder, "imu/UID.csv of a film with narrations")


def _of_film(uid: str, label: str, narrated: _Narrated, table: Path, film: Path | None) -> Iterator[Item]:
    one = narrated.narration_pass_1 or narrated.narration_pass_2 or _Pass()
    for number, narration in enumerate(one.narrations):
        middle = round(narration.timestamp_sec * NS)
        senses = {"imu": partial(_motion, table, middle)}
        if film is not None:
            senses["vision"] = partial(_seen, film, middle)
        captions = (narration.narration_text,) if narration.narration_text else ()
        yield Item(name=f"{uid} {number}", senses=senses, label=label, captions=captions, group=uid)


def _motion(path: Path, middle: int) -> list[Clip]:
    stamps, readings = _table(path)
    start, end = middle - CLIP // 2, middle + CLIP // 2
    first, last = np.searchsorted(stamps, (start, end))
    if first == last:
        raise ValueError(f"{path}: no reading from {start / NS:g} to {end / NS:g} s")
    frames = [(int(stamps[place]), readings[place]) for place in range(first, last)]
    return [clip_of(str(path), "imu", start, end, frames)]


@lru_cache(2)
def _table(path: Path) -> tuple[Array, Array]:
    """Return stamps (T,) in nanoseconds, rising, and (T, 6); stamps may go back, and what is missing is NaN."""
    table = table_of(path, ())
    if missing := [name for name in (TIME, *AXES) if name not in table]:
        raise ValueError(f"{path}: no column {' nor '.join(missing)}; there is {', '.join(table)}")
    known = np.isfinite(table[TIME])
    stamps = (table[TIME][known] * 1e6).round().astype(np.int64)
    order = np.argsort(stamps, kind="stable")
    return stamps[order], np.stack([table[name][known] for name in AXES], axis=1)[order]


def _seen(path: Path, middle: int) -> list[Clip]:
    start, end = max(middle - CLIP // 2, 0), middle + CLIP // 2
    frames = [(round(time * NS), frame) for time, frame in ends_of(path, Fraction(start, NS), Fraction(end, NS))]
    return [clip_of(str(path), "vision", start, end, frames)]


def _manifest(folder: Path) -> _Manifest:
    manifest: _Manifest = _decoded(_one(folder, "ego4d.json"), _Manifest)
    return manifest


def _one(folder: Path, name: str) -> Path:
    return next(iter(sorted([*folder.glob(name), *folder.glob(f"*/{name}")])), folder / name)


def _decoded(path: Path, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, and this set has one") from error
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: not in the form of Ego4D: {error}") from error
