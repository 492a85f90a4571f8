"""From a message's fields to a sample's data, by the conventions of ``messages.Sample``."""

from typing import Any

import numpy as np
from msgspec import Struct

from pipeline.logs.pictures import decompress, unpack
from pipeline.logs.raw import MessageError
from pipeline.messages import NS, Array, Compressed


class AudioFormat(Struct, frozen=True, kw_only=True):
    """What audio messages leave unsaid."""

    sample_rate_hz: float = 0.0  # 0: unknown
    num_channels: int = 0  # 0: unknown
    dtype: str = "<i2"


RAW_PICTURES = ("sensor_msgs/msg/Image", "foxglove_msgs/msg/RawImage", "foxglove.RawImage")
PICTURES = (
    *RAW_PICTURES,
    "sensor_msgs/msg/CompressedImage",
    "foxglove_msgs/msg/CompressedImage",
    "foxglove.CompressedImage",
)
VIDEOS = ("foxglove_msgs/msg/CompressedVideo", "foxglove.CompressedVideo")
BARE_AUDIO = ("audio_common_msgs/msg/AudioData", "audio_common_msgs/msg/AudioDataStamped")
RAW_AUDIO = {"pcm-s16": "<i2", "pcm-f32": "<f4", "pcm-f64": "<f8"}
"""Formats of foxglove_msgs/RawAudio; it defines the first, the others are what our recorder adds for float."""
READABLE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(PICTURES, ("vision", "depth", "thermal")),
    **dict.fromkeys(VIDEOS, ("vision", "thermal")),
    **dict.fromkeys((*BARE_AUDIO, "foxglove_msgs/msg/RawAudio", "foxglove.RawAudio"), ("audio",)),
    "sensor_msgs/msg/Imu": ("imu",),
}
"""The modalities that each message type can be read as."""


def decode(type_: str, message: Any, modality: str, audio: AudioFormat) -> tuple[Array, Compressed | None]:
    """Return the data of one message, and the file they came in. Raise MessageError where there is none in it."""
    try:
        if type_ in RAW_PICTURES:
            return unpack(message, modality), None
        if type_ in PICTURES:
            return decompress(message, modality)
        if type_ == "sensor_msgs/msg/Imu":
            return _imu(message), None
        return _audio(message, audio), None
    except (AttributeError, TypeError) as error:  # the type's name is known, its definition is another one
        raise MessageError("fields", str(error)) from error


def stamp_of(message: Any) -> int:
    """Return when the message says it was taken, in nanoseconds since the epoch; 0 where it does not say."""
    stamp = getattr(getattr(message, "header", message), "stamp", None) or getattr(message, "timestamp", None)
    if stamp is None:
        return 0
    try:
        time = stamp if isinstance(stamp, int) else int(stamp.sec) * NS + int(stamp.nanosec)  # rigbind_msgs/Sample's
    except (AttributeError, TypeError, ValueError) as error:  # JSON holds anything
        raise MessageError("stamp", f"{stamp!r} is no stamp") from error
    if time < 0:
        raise MessageError("stamp", f"stamp {time} ns is before 1970")
    return time


def frame_of(message: Any) -> str:
    """Return the coordinate frame that the message names, or an empty string."""
    return str(getattr(getattr(message, "header", message), "frame_id", ""))


def _imu(message: Any) -> Array:
    """(6,) or (3,) float64. A covariance that begins with -1 says "not measured" (sensor_msgs/Imu)."""
    if message.linear_acceleration_covariance[0] == -1:
        raise MessageError("acceleration", "the message says that it has no acceleration")
    a = message.linear_acceleration
    if message.angular_velocity_covariance[0] == -1:
        return np.array([a.x, a.y, a.z])
    g = message.angular_velocity
    return np.array([a.x, a.y, a.z, g.x, g.y, g.z])


def _audio(message: Any, audio: AudioFormat) -> Array:
    """(n,) or (n, C), from interleaved bytes."""
    num_channels = getattr(message, "number_of_channels", audio.num_channels) or 1
    form = getattr(message, "format", "pcm-s16")
    if form not in RAW_AUDIO:
        raise MessageError("encoding", f"audio format {form!r} is not read")
    data = np.ascontiguousarray(getattr(message, "audio", message).data)
    dtype = np.dtype(RAW_AUDIO[form] if hasattr(message, "format") else audio.dtype)
    if data.size == 0 or data.nbytes % (dtype.itemsize * num_channels):
        raise MessageError("sizes", f"{data.nbytes} bytes are no whole {num_channels}-channel {dtype} samples")
    values = data.view(dtype).astype(dtype.newbyteorder("="), copy=False)
    return values if num_channels == 1 else values.reshape(-1, num_channels)
