"""Pictures that are told by their difference from the last: ``foxglove.CompressedVideo``."""

from typing import Any

import av

from pipeline.logs.raw import MessageError
from pipeline.messages import Array

CODECS = {"h264": "h264", "h265": "hevc", "vp9": "vp9", "av1": "av1"}
"""FFmpeg's names for those of the message's ``format``."""


class Film:
    """The decoder of one topic, whose messages must come in order from a key frame on."""

    def __init__(self) -> None:
        self._codec: Any = None
        self._number = 0  # of the message

    def picture(self, message: Any, modality: str) -> Array:
        """Return (H, W, 3) uint8 RGB, or (H, W) of thermal. Raise MessageError where the message alone tells none."""
        if message.format not in CODECS:
            raise MessageError("encoding", f"video format {message.format!r} is not read")
        try:
            if self._codec is None:
                self._codec = av.CodecContext.create(CODECS[message.format], "r")
                self._codec.thread_count = 1  # threads would hold frames back
            self._number += 1
            packet = av.Packet(message.data.tobytes())
            packet.pts = self._number
            frames = self._codec.decode(packet)
        except (av.error.FFmpegError, ValueError) as error:
            raise MessageError("picture", f"{message.format}: {error}") from error
        if not frames or frames[-1].pts != self._number:  # the message allows none that a later one must complete
            raise MessageError("picture", f"{message.format}: the message alone does not complete its frame")
        picture: Array = frames[-1].to_ndarray(format="gray" if modality == "thermal" else "rgb24")
        return picture
