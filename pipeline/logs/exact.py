"""A sample as a ROS 2 message in CDR, and back again bit for bit.

======================  ======================  =================================================================
(H, W, 3) uint8         sensor_msgs/Image       ``rgb8``
the same, from a JPEG   sensor_msgs/            ``jpeg``, ``png``: the file as its sender packed it, which unpacks to
or a PNG                CompressedImage         the same array again
(H, W)                  sensor_msgs/Image       uint8 ``mono8``, uint16 ``16UC1``, float32 ``32FC1``, float64
                                                ``64FC1``
imu (6,) or (3,)        sensor_msgs/Imu         float32 or float64; without a gyroscope
                                                ``angular_velocity_covariance[0]`` is -1, as the message's own
                                                definition asks; in the units of the channel's calibration
audio (n,) or (n, C)    foxglove_msgs/RawAudio  interleaved, little-endian; int16 is ``pcm-s16``, the one format that
                                                the message defines; float32 ``pcm-f32`` and float64 ``pcm-f64`` are
                                                names of our own
anything else           rigbind_msgs/Sample     another dtype, shape or byte order, no values at all, ``stamp`` from
                                                2038 on, ``seq`` from 2³² on, an IMU's values that are not finite
======================  ======================  =================================================================

``stamp`` is the header's, ``seq`` the MCAP message's sequence, ``received`` its log time, ``sent`` its publish time.
"""

from functools import cache
from typing import Any

import numpy as np
from mcap.records import Message
from msgspec import Struct
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from pipeline.logs.chunks import Buffer
from pipeline.logs.decode import RAW_AUDIO, frame_of, stamp_of
from pipeline.logs.inertial import pack_imu, unpack_imu
from pipeline.logs.numbers import SAMPLE
from pipeline.messages import NS, Array, Compressed, Received, Sample
from pipeline.wire import picture_in

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
IMU, AUDIO = "sensor_msgs/msg/Imu", "foxglove_msgs/msg/RawAudio"
DEFINITIONS = {
    AUDIO: "builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\n"
    "uint32 number_of_channels",
    SAMPLE: "string session\nint64 stamp\nuint64 seq\nstring frame_id\nstring dtype\nuint64[] shape\nuint8[] data",
}
"""Those that ROS 2 does not bring along; RawAudio as in Foxglove's own schemas for ROS 2."""

PIXELS = {"|u1": "mono8", "<u2": "16UC1", "<f4": "32FC1", "<f8": "64FC1"}
PCM = {dtype: name for name, dtype in RAW_AUDIO.items()}
_DTYPES = {name: dtype for dtype, name in PIXELS.items()} | RAW_AUDIO
_STAMP_END = 2**31 * NS
"""The first stamp that ``builtin_interfaces/Time``, whose seconds are int32, cannot hold."""
_NO_BYTES = np.zeros(0, np.uint8)
"""Of a message whose last field they are: its bytes end with the length, four zeros."""


class Form(Struct, frozen=True, kw_only=True):
    """What one MCAP channel says of all its messages: the parts of a sample that they themselves leave out."""

    topic: str
    type: str
    session: str = ""
    dtype: str = ""
    frame_id: str = ""


def form_of(received: Received, modality: str) -> Form:
    """Return how ``received`` is written."""
    sample = received.sample
    type_ = _type_of(sample, modality)
    if type_ == SAMPLE:
        return loose(sample.topic)
    if type_ == IMAGE and received.compressed:
        type_ = COMPRESSED
    return Form(
        topic=sample.topic,
        type=type_,
        session=received.session,
        dtype=sample.data.dtype.str,
        frame_id=sample.frame_id if type_ == AUDIO else "",
    )


def loose(topic: str) -> Form:
    """Return the form that holds any sample of ``topic``."""
    return Form(topic=topic, type=SAMPLE)


def encode(received: Received, form: Form, sample_rate_hz: float = 0.0) -> list[Buffer]:
    """Return the message that ``form`` promises, in parts: values that come last in it are not copied.

    ``sample_rate_hz`` is of audio, rounded, for other readers.
    """
    sample = received.sample
    if form.type == IMU:
        return [pack_imu(sample.stamp, sample.frame_id, sample.data.tolist())]
    if form.type == AUDIO:
        return [_packed(_audio(sample, sample_rate_hz), form)]
    if form.type == COMPRESSED and received.compressed:
        head, values = _packed(_compressed(sample, received.compressed), form), memoryview(received.compressed.data)
    else:
        head = _packed(_image(sample) if form.type == IMAGE else _any(received), form)
        values = _bytes(sample.data).data
    return [head[:-4], len(values).to_bytes(4, "little"), values]


def restore(form: Form, message: Message) -> Received:
    """Return what was written."""
    session, seq = form.session, message.sequence
    compressed: Compressed | None = None
    if form.type == IMU:
        stamp, frame_id, readings = unpack_imu(message.data)
        data = np.array(readings, form.dtype)
    elif form.type == SAMPLE:
        fields = store().deserialize_cdr(message.data, SAMPLE)
        session, data = fields.session, _view(fields.data, fields.dtype).reshape(tuple(fields.shape))
        stamp, seq, frame_id = int(fields.stamp), int(fields.seq), fields.frame_id
    else:
        fields = store().deserialize_cdr(message.data, form.type)
        if form.type == COMPRESSED:
            compressed = Compressed(fields.format, fields.data.tobytes())
        stamp, data = stamp_of(fields), picture_in(compressed) if compressed else _values(form, fields)
        frame_id = form.frame_id if form.type == AUDIO else frame_of(fields)
    return Received(
        sample=Sample(topic=form.topic, stamp=stamp, frame_id=frame_id, seq=seq, data=data),
        received=message.log_time,
        sent=message.publish_time,
        session=session,
        compressed=compressed,
    )


@cache
def store() -> Any:
    """The message types; made at first use, which takes some milliseconds."""
    types = get_typestore(Stores.LATEST)
    for name, definition in DEFINITIONS.items():
        types.register(get_types_from_msg(definition, name))
    return types


def definition(type_: str) -> bytes:
    """Return the text of a message type and of all that it is made of."""
    text: str = store().generate_msgdef(type_, ros_version=2)[0]
    return text.encode()


def _type_of(sample: Sample, modality: str) -> str:
    """Return the most common message type that holds all of ``sample``."""
    data, dtype = sample.data, sample.data.dtype.str
    if not 0 <= sample.stamp < _STAMP_END or not 0 <= sample.seq < 2**32 or not data.size:
        return SAMPLE
    if modality == "audio":
        fits = dtype in PCM and (data.ndim == 1 or (data.ndim == 2 and data.shape[1] > 1))
        return AUDIO if fits else SAMPLE
    if modality == "imu":
        fits = dtype in ("<f4", "<f8") and data.shape in ((3,), (6,)) and bool(np.isfinite(data).all())
        return IMU if fits else SAMPLE
    fits = (data.ndim == 2 and dtype in PIXELS) or (data.ndim == 3 and data.shape[2] == 3 and dtype == "|u1")
    return IMAGE if fits else SAMPLE


def _packed(message: Any, form: Form) -> bytes:
    return bytes(store().serialize_cdr(message, form.type))


def _image(sample: Sample) -> Any:
    data = sample.data
    return store().types[IMAGE](
        header=_header(sample),
        height=data.shape[0],
        width=data.shape[1],
        encoding="rgb8" if data.ndim == 3 else PIXELS[data.dtype.str],
        is_bigendian=0,
        step=data.nbytes // data.shape[0],
        data=_NO_BYTES,
    )


def _compressed(sample: Sample, compressed: Compressed) -> Any:
    return store().types[COMPRESSED](header=_header(sample), format=compressed.format, data=_NO_BYTES)


def _audio(sample: Sample, sample_rate_hz: float) -> Any:
    data = sample.data
    return store().types[AUDIO](
        timestamp=_time(sample.stamp),
        data=_bytes(data),
        format=PCM[data.dtype.str],
        sample_rate=round(sample_rate_hz) if 0 < sample_rate_hz < 2**32 - 1 else 0,
        number_of_channels=data.shape[1] if data.ndim == 2 else 1,
    )


def _any(received: Received) -> Any:
    sample = received.sample
    return store().types[SAMPLE](
        session=received.session,
        stamp=sample.stamp,
        seq=sample.seq,
        frame_id=sample.frame_id,
        dtype=sample.data.dtype.str,
        shape=np.array(sample.data.shape, np.uint64),
        data=_NO_BYTES,
    )


def _values(form: Form, fields: Any) -> Array:
    if form.type == AUDIO:
        values = _view(fields.data, _DTYPES[fields.format])
        return values if fields.number_of_channels == 1 else values.reshape(-1, fields.number_of_channels)
    if fields.encoding == "rgb8":
        return _view(fields.data, "|u1").reshape(fields.height, fields.width, 3)
    return _view(fields.data, _DTYPES[fields.encoding]).reshape(fields.height, fields.width)


def _header(sample: Sample) -> Any:
    return store().types["std_msgs/msg/Header"](stamp=_time(sample.stamp), frame_id=sample.frame_id)


def _time(stamp: int) -> Any:
    seconds, nanoseconds = divmod(stamp, NS)
    return store().types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)


def _bytes(data: Array) -> Array:
    """(nbytes,) uint8, in C order; a view where that is possible."""
    return np.ascontiguousarray(data).reshape(-1).view(np.uint8)


def _view(data: Array, dtype: str) -> Array:
    """The values in (nbytes,) uint8; a copy where they do not begin at a multiple of their size."""
    return np.require(data.view(dtype), requirements="A")
