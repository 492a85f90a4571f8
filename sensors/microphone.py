"""A microphone, or a WAV file played as if it were one."""

import time
from collections.abc import Iterator
from logging import getLogger
from queue import Empty, Full, Queue
from typing import Any

import numpy as np
from scipy.io import wavfile

from pipeline.messages import NS, Array, Sample

try:
    import sounddevice
except OSError as error:  # PortAudio, a library of the system, is missing: a file still plays
    sounddevice, missing = None, str(error)

logger = getLogger(__name__)

WAITING_S = 2.0
"""How much sound may wait for its reader before it is lost."""
SILENT_S = 5.0
"""How long a microphone that is open may bring nothing before it counts as gone."""


class Microphone:
    """Chunks of (n,) int16, or (n, C) of ``channels`` C > 1, stamped by their first sample.

    A second of sound comes in ``rate_hz`` chunks. ``device`` is a number or a part of a name, of those that
    ``python -m sounddevice`` lists; empty is the system's own choice. With ``file``, that WAV file is played in real
    time and ends, or begins again if ``loop``; its rate and channels must be those given here, and what is not int16
    in it becomes float32. ``overflows`` counts how often sound was lost, in the driver or before its reader; a chunk
    lost there also misses in ``seq``.

    Raise OSError where the device cannot be opened or falls silent, ValueError where the file is not as said.
    """

    def __init__(
        self,
        topic: str = "/microphone",
        device: str = "",
        sample_rate_hz: float = 16000.0,
        channels: int = 1,
        rate_hz: float = 50.0,
        file: str = "",
        loop: bool = False,
        frame_id: str = "microphone",
    ) -> None:
        if channels < 1 or not 0 < rate_hz <= sample_rate_hz:
            raise ValueError(
                f"channels {channels} must be at least 1, and rate_hz {rate_hz} above 0 and at most "
                f"sample_rate_hz {sample_rate_hz}"
            )
        self.topic = topic
        self.device = device
        self.sample_rate_hz = sample_rate_hz
        self.channels = channels
        self.rate_hz = rate_hz
        self.file = file
        self.loop = loop
        self.frame_id = frame_id
        self.overflows = 0

    def __iter__(self) -> Iterator[Sample]:
        for seq, stamp, chunk in self._play() if self.file else self._listen():
            data = chunk[:, 0] if chunk.ndim == 2 and chunk.shape[1] == 1 else chunk
            yield Sample(topic=self.topic, stamp=stamp, frame_id=self.frame_id, seq=seq, data=data)

    @property
    def chunk(self) -> int:
        """Samples in a chunk."""
        return round(self.sample_rate_hz / self.rate_hz)

    def count_overflow(self) -> None:
        """Count lost sound; say so at the first, second, fourth, eighth … time."""
        self.overflows += 1
        if self.overflows & (self.overflows - 1) == 0:
            logger.warning(
                "%s: sound was lost, %d times so far: the host is too slow for it", self.topic, self.overflows
            )

    @property
    def shown(self) -> str:
        """The device in words."""
        return f"microphone {self.device!r}" if self.device else "the default microphone"

    def _play(self) -> Iterator[tuple[int, int, Array]]:
        """Yield a file's chunks when their last sample is due."""
        sound = self._load()
        start, done, seq = time.time_ns(), 0, 0
        while True:
            for first in range(0, len(sound), self.chunk):
                chunk = sound[first : first + self.chunk]
                due = start + round((done + len(chunk)) * NS / self.sample_rate_hz)
                time.sleep(max(0, due - time.time_ns()) / NS)
                yield seq, start + round(done * NS / self.sample_rate_hz), chunk
                done += len(chunk)
                seq += 1
            if not self.loop:
                return

    def _load(self) -> Array:
        """Return the file as (n,) or (n, C) int16 or float32. Raise OSError or ValueError if it is not as said."""
        try:
            sample_rate_hz, sound = wavfile.read(self.file)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{self.file} is no WAV file that can be read: {error}") from error
        channels = 1 if sound.ndim == 1 else sound.shape[1]
        if (sample_rate_hz, channels) != (self.sample_rate_hz, self.channels):
            raise ValueError(
                f"{self.file} has {sample_rate_hz} samples a second and {channels} channels, not "
                f"{self.sample_rate_hz:g} and {self.channels} as sample_rate_hz and channels say"
            )
        if not len(sound):
            raise ValueError(f"{self.file} holds no sound")
        return _in_range(sound)

    def _listen(self) -> Iterator[tuple[int, int, Array]]:
        """Yield what the driver brings."""
        if sounddevice is None:
            raise OSError(
                f"microphone: {missing}; install it (Debian and Ubuntu: libportaudio2; Fedora: portaudio) "
                "or give `file`, a WAV file to play"
            )
        inbox = Inbox(self)
        with self._open(inbox):
            while True:
                try:
                    yield inbox.queue.get(timeout=SILENT_S)
                except Empty:
                    raise OSError(f"{self.shown} has brought no sound for {SILENT_S:g} s") from None

    def _open(self, inbox: "Inbox") -> Any:
        try:
            return sounddevice.InputStream(
                samplerate=self.sample_rate_hz,
                blocksize=self.chunk,
                device=int(self.device) if self.device.isdigit() else self.device or None,
                channels=self.channels,
                dtype="int16",
                callback=inbox.put,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            present = ", ".join(d["name"] for d in sounddevice.query_devices() if d["max_input_channels"]) or "none"
            raise OSError(
                f"{self.shown} cannot be opened with {self.channels} channels of "
                f"{self.sample_rate_hz:g} Hz: {error}; present are {present}"
            ) from error


class Inbox:
    """Takes chunks from the driver's thread, which must never wait."""

    def __init__(self, microphone: Microphone) -> None:
        self.queue: Queue[tuple[int, int, Array]] = Queue(max(1, round(WAITING_S * microphone.rate_hz)))
        self._microphone = microphone
        self._seq = 0
        self._stamp = 0

    def put(self, indata: Array, frames: int, times: Any, status: Any) -> None:
        """Stamp and keep one chunk; the driver calls this as soon as it has one."""
        now = time.time_ns()
        duration = round(frames * NS / self._microphone.sample_rate_hz)
        self._stamp = first_stamp(times.inputBufferAdcTime, times.currentTime, now, duration, self._stamp)
        try:
            self.queue.put_nowait((self._seq, self._stamp, indata.copy()))  # the driver uses its buffer again
            lost = bool(status.input_overflow)
        except Full:
            lost = True
        if lost:
            self._microphone.count_overflow()
        self._seq += 1


def first_stamp(adc_s: float, current_s: float, now: int, duration: int, previous: int) -> int:
    """Return when a chunk's first sample was taken, in nanoseconds since the epoch.

    ``adc_s`` is that moment and ``current_s`` is ``now``, both by the stream's own clock, in seconds; drivers that do
    not know give 0, and the chunk then ends now. Later than ``previous`` in any case.

    >>> first_stamp(9.97, 10.0, 1_000_000_000, 20_000_000, 0)
    970000000
    >>> first_stamp(0.0, 10.0, 1_000_000_000, 20_000_000, 0)
    980000000
    """
    age = round((current_s - adc_s) * NS) if adc_s > 0 else duration
    return max(now - age, previous + 1)


def _in_range(sound: Array) -> Array:
    """Return int16 as it is, everything else as float32 in [-1, 1]; 24 bits come as the upper ones of int32."""
    if sound.dtype == np.int16:
        return sound
    if sound.dtype == np.uint8:
        return ((sound.astype(np.float32)) - 128) / 128
    if sound.dtype.kind == "i":
        return (sound / 2.0 ** (8 * sound.dtype.itemsize - 1)).astype(np.float32)
    return sound.astype(np.float32)
