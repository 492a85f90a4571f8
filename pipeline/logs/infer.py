"""What a topic can be read as: inferred from its type, its name, and what its first message says."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.logs.decode import BARE_AUDIO, PICTURES, RAW_PICTURES, READABLE, VIDEOS, AudioFormat
from pipeline.logs.pictures import ENCODINGS

NO_SAMPLE_RATE = "carries no sample rate; give one in a rig file's channel (calibration.sample_rate_hz)"
NOT_READ = "this message type is not read"
AUDIO_INFO = "audio_common_msgs/msg/AudioInfo"
_THERMAL_WORDS = {"thermal", "lwir", "ir", "flir", "lepton"}
_SAMPLE_FORMATS = {"S16LE": "<i2", "S16BE": ">i2", "F32LE": "<f4", "F32BE": ">f4", "": "<i2"}  # GStreamer's names


def modality_of(topic: str, type_: str, message: Any) -> str:
    """Return the modality of a topic of a readable type. Raise ValueError where its pictures are not read."""
    if type_ in RAW_PICTURES:
        return _raw_modality(topic, message.encoding)
    if type_ in PICTURES:
        return _packed_modality(topic, message.format)
    return "thermal" if type_ in VIDEOS and is_thermal(topic) else READABLE[type_][0]


def audio_format(type_: str, message: Any, info: Any) -> AudioFormat:
    """Return what an audio topic's first message, or the AudioInfo beside it, tells.

    Raise ValueError for packed audio.
    """
    if type_ not in BARE_AUDIO:
        return AudioFormat(sample_rate_hz=message.sample_rate, num_channels=message.number_of_channels)
    if info is None:
        return AudioFormat()
    if info.coding_format.lower() not in ("wave", "wav", "pcm", "raw", "") or info.sample_format not in _SAMPLE_FORMATS:
        raise ValueError(f"audio of format {info.coding_format!r} {info.sample_format!r} is not read")
    return AudioFormat(
        sample_rate_hz=info.sample_rate, num_channels=info.channels, dtype=_SAMPLE_FORMATS[info.sample_format]
    )


def info_beside(topic: str, infos: Mapping[str, Any]) -> Any:
    """Return the AudioInfo for an audio ``topic``: ``/audio_info`` for ``/audio``, or ``audio_info`` beside it."""
    for name in (f"{topic}_info", re.sub(r"[^/]*$", "audio_info", topic)):
        if name in infos:
            return infos[name]
    return None


def is_thermal(topic: str) -> bool:
    """Say whether a topic's name speaks of long-wave infrared.

    >>> is_thermal("/flir/image_raw"), is_thermal("/stairs/image")
    (True, False)
    """
    return not _THERMAL_WORDS.isdisjoint(re.split(r"[^a-z]+", topic.lower()))


def _raw_modality(topic: str, name: str) -> str:
    if name not in ENCODINGS:
        raise ValueError(f"encoding {name!r} is not read")
    encoding = ENCODINGS[name]
    if encoding.colours != "v":
        return "vision"  # also where the name says thermal: a false-colour picture holds no temperatures
    if encoding.dtype == "u1":
        return "thermal" if is_thermal(topic) else "vision"
    if not is_thermal(topic):
        return "depth"
    if encoding.dtype.startswith("f"):
        raise ValueError(f"thermal pictures in {name} do not say their unit")
    return "thermal"


def _packed_modality(topic: str, name: str) -> str:
    if name.startswith(("16UC1", "mono16")):
        return "thermal" if is_thermal(topic) else "depth"
    if "compressedDepth" in name or name.startswith("32FC1"):
        raise ValueError(f"compressed format {name!r} is not read")
    return "thermal" if is_thermal(topic) else "vision"
