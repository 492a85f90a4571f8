"""Tiny folders in the layouts of the sets, with synthetic files, for the tests that read them."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from films import film, sound
from PIL import Image

from pipeline.messages import Array

RATE = 16_000


def noise(path: Path, seconds: float = 1.0, seed: int = 0) -> Path:
    """Write a sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waves = np.random.default_rng(seed).integers(-9000, 9000, (1, round(seconds * RATE)))
    return sound(path, waves.astype(np.int16), RATE)


def picture(path: Path, shape: tuple[int, ...] = (24, 32, 3), seed: int = 0) -> Path:
    """Write a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, shape, np.uint8)).save(path)
    return path


def depth(path: Path, values: Array) -> Path:
    """Write a 16-bit picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint16)).save(path)
    return path


def moving(path: Path, frames: int = 30, fps: int = 10) -> Path:
    """Write a film."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return film(path, frames, fps)


def esc10(folder: Path, labels: Iterable[str] = ("dog_bark", "rain"), takes: int = 2, recordings: int = 2) -> Path:
    """Some recordings of each label, with ``takes`` each."""
    rows = ["file,fold,label"]
    for number, label in enumerate(labels):
        for recording in range(recordings * number, recordings * (number + 1)):
            for take in "ABCD"[:takes]:
                name = f"1-{1000 + recording}-{take}.wav"
                noise(folder / "clips" / name, 0.5, seed=recording)
                rows.append(f"{name},1,{label}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def hituav(folder: Path) -> Path:
    """One picture with a person, a car and a box that nobody cares about."""
    picture(folder / "images" / "1_60_30_0_00112.jpg", (128, 160))
    boxes = {0: [20, 30, 6, 10], 1: [100, 80, 20, 10], 4: [60, 10, 9, 9]}
    annotations = {
        "images": [{"filename": "1_60_30_0_00112.jpg", "height": 128, "width": 160, "id": 3}],
        "categories": [{"id": 0, "name": "Person"}, {"id": 1, "name": "Car"}, {"id": 4, "name": "DontCare"}],
        "annotation": [
            {"image_id": 3, "category_id": category, "bbox": box, "id": number, "area": 1, "segmentation": []}
            for number, (category, box) in enumerate(boxes.items())
        ],
    }
    (folder / "annotations_coco.json").write_text(json.dumps(annotations))
    return folder


def drone(folder: Path) -> Path:
    """Two films of each camera and a sound of two classes, one of them said otherwise by the list."""
    for number, name in enumerate(("BIRD", "DRONE")):
        for take in (1, 2):
            moving(folder / "video_ir" / f"IR_{name}_00{take}.mp4", 25)
            moving(folder / "video_v" / f"V_{name}_00{take}.mp4", 25)
            noise(folder / "audio" / f"{name}_00{take}.wav", seed=number)
    (folder / "video_ir" / "IR_BIRD_001_LABELS.mat").touch()
    (folder / "labels.csv").write_text("file,modality,label\naudio/BIRD_001.wav,audio,background\n")
    return folder


def terrain(path: Path, seconds: float, rate_hz: float = 100, shake: float = 0.1, seed: int = 0) -> Path:
    """Write a run, packed if its name says so."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    rows = np.random.default_rng(seed).normal((0, 0, 0, 0, 0, 9.8), shake, (len(times), 6))
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["time,wx,wy,wz,ax,ay,az", *(",".join(map(str, (t, *row))) for t, row in zip(times, rows, strict=True))]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path


def tum(folder: Path, number: int = 12) -> Path:
    """Pictures at 30 Hz, depth 5 ms later, acceleration at 200 Hz; depth in metre fifths of a thousandth."""
    start = 1305031229.5
    lists: dict[str, list[str]] = {"rgb": [], "depth": []}
    for n in range(number):
        for kind, at in (("rgb", start + n / 30), ("depth", start + n / 30 + 0.005)):
            name = f"{kind}/{at:.6f}.png"
            lists[kind].append(f"{at:.6f} {name}")
            if kind == "rgb":
                picture(folder / name, seed=n)
            else:
                depth(folder / name, np.full((24, 32), 5000 + n))
    for kind, lines in lists.items():
        (folder / f"{kind}.txt").write_text("# maps\n# timestamp filename\n" + "\n".join(lines) + "\n")
    stamps = start - 1 + np.arange(400) / 200
    (folder / "accelerometer.txt").write_text("# a\n" + "".join(f"{t:.6f} 0.1 0.2 -9.8\n" for t in stamps))
    return folder
