"""SUN RGB-D (Song et al., CVPR 2015): rooms seen by four depth cameras; as published.

Below ``folder`` each scene has ``scene.txt``, ``image/*.jpg``, ``depth_bfx/*.png`` (filled in) or ``depth/*.png``,
and ``intrinsics.txt``. Depth is in millimetres, its bits turned left by three. What is tested is said in
``SUNRGBDtoolbox/traintestSplit/allsplit.mat``; without it, everything is an item. The folder of scenes that were taken
together is a group.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from operators.encoders.files import clips_of
from operators.encoders.stills import depth_of
from operators.sets.item import Item
from operators.sets.reading import some, still, words
from pipeline.messages import Calibration, Clip

CLASSES = (
    *("bathroom", "bedroom", "classroom", "computer room", "conference room", "corridor", "dining area", "dining room"),
    *("discussion area", "furniture store", "home office", "kitchen", "lab", "lecture theatre", "library"),
    *("living room", "office", "rest space", "study space"),
)
"""The 19 that are asked for: those with more than 80 pictures (Song et al., section 4.1)."""

BASELINES_M = {"kv1": 0.075, "kv2": 0.075, "realsense": 0.095, "xtion": 0.095}
"""Between the eyes of each camera, by its folder (Girdhar et al., arXiv 2201.08377)."""

SPLIT = Path("SUNRGBDtoolbox", "traintestSplit", "allsplit.mat")


def items(folder: Path, split: str = "test") -> list[Item]:
    """Return the scenes of ``split``, test or train, with picture and depth.

    A label is the scene's own, also if it is none of the 19. Raise ValueError if ``folder`` is no such set.
    """
    scenes = some_scenes(folder)
    listed = _listed(folder, split)
    found = [item for scene in scenes for item in _item(folder, scene) if listed is None or _key(scene) in listed]
    return some(found, folder, f"scene of the {split} split with image/*.jpg and depth_bfx/*.png or depth/*.png")


def some_scenes(folder: Path) -> list[Path]:
    """Return the folders of all scenes. Raise ValueError if there are none."""
    scenes = sorted(path.parent for path in folder.rglob("scene.txt"))
    if not scenes:
        raise ValueError(
            f"{folder}: no scene.txt below it; each scene of this set has one, beside image/ and depth_bfx/"
        )
    return scenes


def _item(folder: Path, scene: Path) -> Iterator[Item]:
    pictures = sorted((scene / "image").glob("*.jpg"))
    depths = sorted((scene / "depth_bfx").glob("*.png")) or sorted((scene / "depth").glob("*.png"))
    if pictures and depths:
        label = words((scene / "scene.txt").read_text(errors="replace"))
        name = str(scene.relative_to(folder))
        senses = {"vision": partial(clips_of, pictures[0], "vision"), "depth": partial(_depth, depths[0], scene)}
        yield Item(name=name, senses=senses, label=label, group=str(scene.parent.relative_to(folder)))


def _depth(path: Path, scene: Path) -> list[Clip]:
    turned = depth_of(path)
    if turned.dtype != np.uint16:
        raise ValueError(f"{path}: depth of this set is a 16-bit picture, this one is {turned.dtype}")
    millimetres = (turned >> 3) | (turned << 13)
    calibration = Calibration(
        focal_px=_focal_px(scene / "intrinsics.txt"),
        baseline_m=next((BASELINES_M[part] for part in scene.parts[::-1] if part in BASELINES_M), 0.0),
    )
    return [replace(clip, calibration=calibration) for clip in still(str(path), "depth", millimetres)]


def _focal_px(path: Path) -> float:
    """Return the first of the nine numbers of a camera matrix; 0, which is not known, without the file."""
    if not path.is_file():
        return 0.0
    try:
        return float(path.read_text().split()[0])
    except (ValueError, IndexError) as error:
        raise ValueError(f"{path}: no camera matrix: {error}") from error


def _listed(folder: Path, split: str) -> set[str] | None:
    """Return the scenes of ``split``, or None without a list."""
    path = folder / SPLIT
    if not path.is_file():
        return None
    try:
        paths: Any = loadmat(path)[f"all{split}"].ravel()
    except (MatReadError, OSError, LookupError, ValueError, TypeError, NotImplementedError) as error:
        raise ValueError(f"{path}: no list all{split}: {error}") from error
    return {_key(Path(str(np.ravel(one)[0]).rstrip("/"))) for one in paths}


def _key(scene: Path) -> str:
    """Return the part of a path that both the list and this machine have: camera, recording, scene."""
    parts = scene.parts
    camera = next((place for place in range(len(parts) - 1, -1, -1) if parts[place] in BASELINES_M), 0)
    return "/".join(parts[camera:])
