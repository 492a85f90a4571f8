"""One file as clips for an encoder: pictures, films, sounds, depth and thermal images, inertial measurements."""

from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import torch

from operators.encoders.audio import RATE, RATES, resampled
from operators.encoders.media import ends_of, length_of, sound_of
from operators.encoders.motion import motion_of
from operators.encoders.stills import depth_of, is_deep, picture_of, thermal_of
from pipeline.messages import MODALITIES, NS, Array, Calibration, Clip, Sample

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
FILMS = (".mp4", ".m4v", ".mkv", ".avi", ".webm", ".mov")
SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac")
TABLES = (".csv", ".csv.gz", ".npz")

CLIP_S = 2
"""Seconds of a clip of film or sound, of which a file has (ImageBind's source):"""

FILM_CLIPS, SOUND_CLIPS = 5, 3

MOTION_CLIP_S = 5
"""Seconds of a clip of motion (arXiv 2305.05665, appendix A)."""

SI = Calibration()
"""Of files whose numbers say all there is to know."""


def modality_of(path: str | Path) -> str:
    """Return what a file recorded, by its name. Raise ValueError where a name does not tell.

    >>> modality_of("bark.wav"), modality_of("dog.JPG")
    ('audio', 'vision')
    """
    suffix, possible = Path(path).suffix.lower(), [sense for sense in MODALITIES if sense != "text"]
    if suffix in SOUNDS:
        return "audio"
    if suffix in FILMS:
        return "vision"
    if str(path).lower().endswith(TABLES):
        return "imu"
    if suffix in PICTURES:
        if not is_deep(Path(path)):
            return "vision"
        possible = ["depth", "thermal", "vision"]
    elif suffix == ".npy":
        possible = ["depth", "thermal", "imu"]
    wanted = [f"{sense}:{path}" for sense in possible]
    raise ValueError(f"{path}: its name does not say what it recorded: write {', '.join(wanted[:-1])} or {wanted[-1]}")


def clips_of(path: str | Path, modality: str = "", length_s: float = 0.0) -> list[Clip]:
    """Return the clips of a file, of which there is at least one; their topic is the path and their time begins at 0.

    Film and sound are shown as ImageBind shows them: of a film the first and the last frame in each of 5 clips of 2 s,
    of sound 3 clips of 2 s, evenly over the file and overlapping where it is short; sound at 16 kHz. Motion is cut into
    clips of 5 s, without the rest at the end. ``length_s`` is another length of clips. What is shorter is one clip.

    Raise OSError for a file that cannot be opened, and ValueError for one that is empty, damaged or of another kind.
    """
    if not 0 <= length_s < inf:
        raise ValueError(f"length_s {length_s:g} is no length of a clip")
    path = Path(path)
    modality = modality or modality_of(path)
    with path.open("rb") as file:
        if not file.read(1):
            raise ValueError(f"{path}: the file is empty")
    if modality in ("vision", "thermal") and path.suffix.lower() in FILMS:
        return _film(path, modality, Fraction(length_s or CLIP_S))
    match modality:
        case "vision":
            return [_still(path, modality, picture_of(path))]
        case "depth":
            return [_still(path, modality, depth_of(path))]
        case "thermal":
            return [_still(path, modality, thermal_of(path))]
        case "audio":
            return _sound(path, Fraction(length_s or CLIP_S))
        case "imu":
            return _motion(path, round((length_s or MOTION_CLIP_S) * NS))
        case _:
            raise ValueError(f"{path}: a file has no modality {modality!r}; it is one of {', '.join(MODALITIES)}")


def cuts(duration: Fraction, number: int, length: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Return start and end of ``number`` clips, evenly spread; ends exceed a duration that is shorter than ``length``.

    >>> [(float(start), float(end)) for start, end in cuts(Fraction(5), 3, Fraction(2))]
    [(0.0, 2.0), (1.5, 3.5), (3.0, 5.0)]
    """
    last = max(duration - length, Fraction(0))
    return [(start, start + length) for start in (last * n / max(number - 1, 1) for n in range(number))]


def _still(path: Path, modality: str, data: Array) -> Clip:
    return _clip(path, modality, 0, 1, [(0, data)])


def _film(path: Path, modality: str, length: Fraction) -> list[Clip]:
    clips = []
    for start, end in dict.fromkeys(cuts(length_of(path), FILM_CLIPS, length)):
        frames = [(_ns(time), frame) for time, frame in dict(ends_of(path, start, end)).items()]
        clips.append(_clip(path, modality, _ns(start), _ns(end), frames))
    return clips


def _sound(path: Path, length: Fraction) -> list[Clip]:
    wave, rate = sound_of(path)
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"{path}: its sample rate of {rate} Hz is not within {RATES[0]} to {RATES[1]} Hz")
    # All of it before it is cut: a filter that begins within a sound does not know what came before.
    wave = resampled(torch.from_numpy(wave), rate).numpy()
    calibration = Calibration(sample_rate_hz=RATE)
    clips = []
    for start, end in dict.fromkeys(cuts(Fraction(len(wave), RATE), SOUND_CLIPS, length)):
        first, last = int(start * RATE), min(int(end * RATE), len(wave))
        begin = first * NS // RATE
        clips.append(_clip(path, "audio", begin, last * NS // RATE, [(begin, wave[first:last])], calibration))
    return clips


def _motion(path: Path, length: int) -> list[Clip]:
    motion = motion_of(path)
    period = int(np.median(np.diff(motion.stamps))) if len(motion.stamps) > 1 else NS
    duration = int(motion.stamps[-1]) + period
    length = min(length, duration)
    clips = []
    for start in range(0, duration - length + period // 2 + 1, length):
        first, last = np.searchsorted(motion.stamps, (start, start + length))
        readings = [(int(motion.stamps[n]), motion.readings[n]) for n in range(first, last)]
        if readings:
            clips.append(_clip(path, "imu", start, start + length, readings, motion.calibration))
    return clips


def _clip(
    path: Path,
    modality: str,
    start: int,
    end: int,
    data: list[tuple[int, Array]],
    calibration: Calibration = SI,
) -> Clip:
    """Return a clip of ``data`` by stamp."""
    samples = tuple(
        Sample(topic=str(path), stamp=stamp, frame_id="", seq=seq, data=array)
        for seq, (stamp, array) in enumerate(data)
    )
    return Clip(
        topic=str(path),
        modality=modality,
        start=start,
        end=end,
        samples=samples,
        coverage=1.0,
        calibration=calibration,
    )


def _ns(seconds: Fraction) -> int:
    return round(seconds * NS)
