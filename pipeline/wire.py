"""A sample as ZeroMQ frames: ``[topic][header: msgpack map][payload]``; any language can write them.

Header, by name:

===========  =========  =================================================================================
version      int        1
session      str        random at each start of the sender; a new one is a restart, not a gap
seq          int        rises by one per sample of this topic and session
stamp_ns     int        capture time, nanoseconds since the epoch
sent_ns      int        time of sending by the same clock; 0 where the sender does not say
frame_id     str        coordinate frame, may be empty
dtype        str        numpy's short form with byte order, kinds b i u f c: ``|u1 <u2 <f4 >i4``
shape        list[int]  at most 4 dimensions
codec        str        ``raw`` (C order), ``zstd`` (of raw), ``jpeg`` or ``png`` (of (H, W) or (H, W, 3))
===========  =========  =================================================================================

Keys that a reader does not know are ignored, so that a later version may add some.

Once a second and at its end a sender says of each topic what it has sent, so that a loss shows even if nothing comes
after it: ``[topic][heartbeat: msgpack map][empty]`` with the keys ``version``, ``session``, ``next_seq`` (the number
that its next sample will have), ``dropped`` (how many of those before it never left the host) and ``sent_ns``. A
sender that does not is served as well; then the ledger knows of its gaps by the numbers alone.

Nothing is allocated before the sizes in the header, in the payload and in the picture's own header agree.
"""

import io
import math
import warnings
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import zstandard
from msgspec import Meta, Struct
from PIL import Image

from pipeline.errors import WireError
from pipeline.messages import Array, Compressed, Sample

VERSION = 1
MAX_BYTES = 32_000_000
"""Default bound of one sample, packed or not: a 4K RGB frame is 25 MB."""
MAX_HEADER_BYTES = 1024
Codec = Literal["raw", "zstd", "jpeg", "png"]
Buffer = bytes | memoryview

Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Header(Struct, frozen=True, kw_only=True):
    """Everything about a sample but its topic and its data."""

    version: int
    session: Annotated[str, Meta(min_length=1, max_length=64)]
    seq: Natural
    stamp_ns: Natural
    sent_ns: Natural = 0
    frame_id: Annotated[str, Meta(max_length=128)] = ""
    dtype: Annotated[str, Meta(pattern=r"^[<>|=]?[biufc][0-9]{1,2}$")]
    shape: Annotated[tuple[Natural, ...], Meta(max_length=4)]
    codec: Codec = "raw"


class Heartbeat(Struct, frozen=True, kw_only=True):
    """What a sender has sent of one topic since its start."""

    version: int
    session: Annotated[str, Meta(min_length=1, max_length=64)]
    next_seq: Natural
    dropped: Natural = 0
    sent_ns: Natural = 0


class _Version(Struct, frozen=True):
    version: int


_header_decoder = msgspec.msgpack.Decoder(Header)
_version_decoder = msgspec.msgpack.Decoder(_Version)
_heartbeat_decoder = msgspec.msgpack.Decoder(Heartbeat)
_header_encoder = msgspec.msgpack.Encoder()


def to_frames(sample: Sample, session: str, sent_ns: int = 0, codec: Codec = "raw") -> list[Buffer]:
    """Return the three frames of ``sample``. With ``raw`` the payload is a view of its data, not a copy.

    Raise WireError for a dtype that may not travel, or a picture codec on what is no picture.
    """
    data = np.asarray(sample.data, order="C")
    if data.dtype.kind not in "biufc":
        raise WireError("dtype", f"{sample.topic}: {data.dtype} may not travel; kinds b i u f c may")
    header = Header(
        version=VERSION,
        session=session,
        seq=sample.seq,
        stamp_ns=sample.stamp,
        sent_ns=sent_ns,
        frame_id=sample.frame_id,
        dtype=data.dtype.str,
        shape=data.shape,
        codec=codec,
    )
    return [sample.topic.encode(), _header_encoder.encode(header), _pack(data, codec)]


def read_header(frames: Sequence[Buffer], max_bytes: int = MAX_BYTES) -> tuple[str, Header]:
    """Return topic and header of received frames, checked; the payload is not looked into.

    Raise WireError: ``truncated``, ``oversized``, ``version``, ``header``, ``dtype`` or ``shape``.
    """
    if len(frames) != 3:
        raise WireError("truncated", f"{len(frames)} frames where topic, header and payload are due")
    if len(frames[1]) > MAX_HEADER_BYTES or len(frames[0]) > MAX_HEADER_BYTES or len(frames[2]) > max_bytes:
        raise WireError("oversized", f"frames of {[len(frame) for frame in frames]} bytes, {max_bytes} are allowed")
    try:
        topic = str(frames[0], "utf-8")
        header = _header_decoder.decode(frames[1])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(_header_cause(frames[1]), str(error)) from error
    if header.version != VERSION:
        raise WireError("version", f"{topic}: version {header.version}, this is {VERSION}")
    try:
        dtype = np.dtype(header.dtype)
    except TypeError as error:
        raise WireError("dtype", f"{topic}: {header.dtype!r} is no dtype") from error
    size = math.prod(header.shape) * dtype.itemsize
    if size > max_bytes:
        raise WireError("oversized", f"{topic}: {header.shape} of {dtype} is {size} bytes, {max_bytes} are allowed")
    if header.codec == "raw" and size != len(frames[2]):
        raise WireError("shape", f"{topic}: {header.shape} of {dtype} is {size} bytes, the payload {len(frames[2])}")
    return topic, header


def heartbeat_frames(topic: str, heartbeat: Heartbeat) -> list[Buffer]:
    """Return the three frames of a heartbeat."""
    return [topic.encode(), _header_encoder.encode(heartbeat), b""]


def read_heartbeat(frames: Sequence[Buffer]) -> tuple[str, Heartbeat] | None:
    """Return topic and heartbeat, or None for frames that are none; those are for ``read_header``."""
    if len(frames) != 3 or len(frames[2]) or len(frames[1]) > MAX_HEADER_BYTES or len(frames[0]) > MAX_HEADER_BYTES:
        return None
    try:
        heartbeat = _heartbeat_decoder.decode(frames[1])
        return (str(frames[0], "utf-8"), heartbeat) if heartbeat.version == VERSION else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode(topic: str, header: Header, payload: Buffer) -> Sample:
    """Return the sample of a checked header and its payload. With ``raw`` its data is a read-only view of it.

    Raise WireError: ``payload`` when it does not unpack to what the header says.
    """
    dtype = np.dtype(header.dtype)
    try:
        data = _unpack(header, dtype, payload)
    except (zstandard.ZstdError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise WireError("payload", f"{topic}: {header.codec}: {error}") from error
    if not dtype.isnative:
        data = data.astype(dtype.newbyteorder("="))
    data.flags.writeable = False
    return Sample(topic=topic, stamp=header.stamp_ns, frame_id=header.frame_id, seq=header.seq, data=data)


def picture_in(compressed: Compressed) -> Array:
    """Return what ``decode`` makes of the same bytes. Raise OSError, SyntaxError or ValueError of no picture."""
    return np.array(_opened(compressed.format, compressed.data))


def from_frames(frames: Sequence[Buffer], max_bytes: int = MAX_BYTES) -> tuple[Sample, Header]:
    """Return the sample in ``frames`` and its header. Raise WireError if there is none."""
    topic, header = read_header(frames, max_bytes)
    return decode(topic, header, frames[2]), header


def _opened(format_: str, payload: Buffer) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own bound is lower
        return Image.open(io.BytesIO(payload), formats=[format_])


def _header_cause(raw: Buffer) -> str:
    """Tell a header of another version from a broken one: its other fields may well differ."""
    try:
        version = _version_decoder.decode(raw).version
    except msgspec.DecodeError:
        return "header"
    return "header" if version == VERSION else "version"


def _pack(data: Array, codec: Codec) -> Buffer:
    if codec == "raw":
        return data.reshape(-1).view(np.uint8).data
    if codec == "zstd":
        return zstandard.ZstdCompressor(level=1).compress(data.reshape(-1).view(np.uint8).data)
    packed = io.BytesIO()
    try:
        Image.fromarray(data).save(packed, codec, **({"quality": 90} if codec == "jpeg" else {"compress_level": 1}))
    except (TypeError, OSError) as error:
        raise WireError("dtype", f"{codec} cannot hold {data.dtype} of shape {data.shape}: {error}") from error
    return packed.getbuffer()


def _unpack(header: Header, dtype: "np.dtype[Any]", payload: Buffer) -> Array:
    if header.codec == "raw":
        return np.frombuffer(payload, dtype).reshape(header.shape)
    size = math.prod(header.shape) * dtype.itemsize
    if header.codec == "zstd":
        said = zstandard.frame_content_size(payload)
        if said != size:
            raise ValueError(f"frame says {said} bytes, the header {size}")
        return np.frombuffer(zstandard.decompress(payload, max_output_size=size), dtype).reshape(header.shape)
    picture = _opened(header.codec, payload)
    if picture.size[::-1] != header.shape[:2]:
        raise ValueError(f"picture is {picture.size[::-1]}, the header says {header.shape}")
    data = np.array(picture)
    if data.shape != header.shape or data.dtype != dtype.newbyteorder("="):
        raise ValueError(f"picture holds {data.dtype} {data.shape}, the header says {dtype} {header.shape}")
    return data
