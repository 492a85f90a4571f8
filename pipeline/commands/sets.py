"""The sets by name: whose folders can be learned from and tested on."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from operators.sets import (
    audio_esc10,
    audiocaps,
    audioset,
    clotho,
    drone_ir_visible_audio,
    drone_motor_prop_audio,
    ego4d,
    esc50,
    imu_terrain_borealtc,
    llvip,
    nyu_depth,
    rgb_thermal_roadscene,
    rgb_thermal_tno,
    rgbd_imu_tum_fr1_rpy,
    sun_rgbd,
    thermal_uav_hituav,
)
from operators.sets.item import Item
from pipeline.commands.console import refusing
from pipeline.config import Windowing
from pipeline.logs import Log
from pipeline.messages import NS, Clip, Window
from pipeline.sync import Synchronizer

LOGS = (".mcap", ".bag", ".db3")

EVERY_S, MOST = 0.1, 200
"""From window to window of a log, and how many there may be: of a longer log they are further apart."""

COVERED = 0.25
"""A clip of motion or sound that covers less of what it should is left out."""

GROUP = 2 * NS
"""So much of a log is a group."""


def log_items(folder: Path) -> list[Item]:
    """Return the windows of the first log in ``folder``, cut by the synchronizer.

    A picture, a depth image and a thermal one are those nearest to the window's centre, motion is the five seconds
    before its end, sound two. Raise PipelineError for a log that cannot be read.
    """
    with Log(next(_logs(folder))) as log:
        channels = log.channels()
        every = max(EVERY_S, log.duration / NS / MOST)
        context = {"vision": 0.0, "depth": 0.0, "thermal": 0.0, "audio": max(2.0, every), "imu": max(5.0, every)}
        windowing = Windowing(length_s=every, stride_s=every, context_s=context, dead_s=max(2.0, every))
        synchronizer, start = Synchronizer(windowing, channels), log.start
        windows = [window for received in log.samples(channels) for window in synchronizer.push(received.sample)]
        windows += synchronizer.finish()
    return [_item(window, start) for window in windows if window.clips]


def _item(window: Window, start: int) -> Item:
    at = max(window.start - start, 0)
    senses: dict[str, list[Clip]] = {}
    for clip in window.clips.values():
        if clip.coverage >= COVERED:
            senses.setdefault(clip.modality, [clip])  # of two topics of a modality, the first
    return Item(
        name=f"{at / NS:.2f} s",
        senses={modality: clips.copy for modality, clips in senses.items()},
        group=f"{at // GROUP}",
    )


def _tum(folder: Path) -> list[Item]:
    """Return the windows of a repacked log if there is one, else those of the files as published."""
    return log_items(folder) if next(_logs(folder), None) else rgbd_imu_tum_fr1_rpy.items(folder)


def _logs(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in LOGS)


SETS: Mapping[str, Callable[[Path], list[Item]]] = {
    "audio_esc10": audio_esc10.items,
    "rgb_thermal_roadscene": rgb_thermal_roadscene.items,
    "rgb_thermal_tno": rgb_thermal_tno.items,
    "rgbd_imu_tum_fr1_rpy": _tum,
    "thermal_uav_hituav": thermal_uav_hituav.items,
    "drone_ir_visible_audio": drone_ir_visible_audio.items,
    "drone_motor_prop_audio": drone_motor_prop_audio.items,
    "imu_terrain_borealtc": imu_terrain_borealtc.items,
    "esc50": esc50.items,
    "audioset": audioset.items,
    "clotho": clotho.items,
    "audiocaps": audiocaps.items,
    "sun_rgbd": sun_rgbd.items,
    "nyu_depth": nyu_depth.items,
    "llvip": llvip.items,
    "ego4d": ego4d.items,
}


def items_of(name: str, folder: Path) -> list[Item]:
    """Return the items of a folder in the layout of the set ``name``; their names tell the set.

    Raise InputError for a set that is not known, or a folder that does not look like it, saying what is missing.
    """
    with refusing():
        if name not in SETS:
            close = get_close_matches(name, SETS, 1)
            raise ValueError(
                f"there is no set {name!r}; "
                + (f"did you mean {close[0]}?" if close else f"there is {', '.join(SETS)}")
            )
        if not folder.is_dir():
            raise ValueError(f"{folder}: there is no such folder")
        return [replace(item, name=f"{name}/{item.name}") for item in SETS[name](folder)]
