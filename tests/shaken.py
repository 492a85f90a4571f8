"""A rig that is turned and knocked at random: gyroscope, pictures and sound of one and the same motion."""

from collections.abc import Iterable, Iterator

import numpy as np
from makers import CAMERA, IMU, MICROPHONE, T0
from msgspec.structs import replace
from scipy.ndimage import uniform_filter

from pipeline.config import Channel, Windowing
from pipeline.messages import NS, Array, Observation, Sample, Window
from pipeline.sync import Synchronizer

SHAKEN = [CAMERA, IMU, MICROPHONE]
HALF_SECONDS = Windowing()

MOTION_HZ = 200
PIXELS_A_RAD = 100.0


class Motion:
    """Turns to and fro, one to five times a second, and a knock about every second; others for another seed."""

    def __init__(self, seconds: float, seed: int = 0) -> None:
        self.seconds = seconds
        self._rng = np.random.default_rng([seed, 7])
        self._at = np.arange(round((seconds + 1) * MOTION_HZ)) / MOTION_HZ
        hertz = np.fft.rfftfreq(len(self._at), 1 / MOTION_HZ)
        spectrum = np.fft.rfft(self._rng.standard_normal((3, len(self._at)))) * ((hertz > 1) & (hertz < 5))
        rate = np.fft.irfft(spectrum, len(self._at))
        self._rate = 0.8 * rate / rate.std()  # rad/s
        self._angle = np.cumsum(self._rate, axis=1) / MOTION_HZ
        self._knocks = np.cumsum(self._rng.uniform(0.2, 2.0, round(2 * seconds) + 9))
        wall = np.repeat(np.repeat(self._rng.standard_normal((60, 60)), 8, 0), 8, 1)
        self._wall = uniform_filter(wall, 8) * 3

    def stream(self, channel: Channel) -> Iterator[Sample]:
        """Yield what the sensor of ``channel`` takes of it."""
        take = {"imu": self._felt, "vision": self._seen, "audio": self._heard}[channel.modality]
        for seq in range(int(self.seconds * channel.rate_hz)):
            stamp = T0 + round(seq * NS / channel.rate_hz)
            yield Sample(topic=channel.topic, stamp=stamp, frame_id="", seq=seq, data=take(seq / channel.rate_hz))

    def _felt(self, at_s: float) -> Array:
        rate = [np.interp(at_s, self._at, axis) for axis in self._rate]
        shaking = 0.05 + 3 * float(self._ringing(np.array([at_s]))[0])
        return np.array([0, 0, 9.81, *rate]) + self._rng.normal(0, [shaking] * 3 + [0.02] * 3)

    def _seen(self, at_s: float) -> Array:
        """Return (48, 64) grey: a patch of a wall, which moves as the camera turns."""
        right, down = (int(200 + PIXELS_A_RAD * np.interp(at_s, self._at, self._angle[axis])) for axis in (2, 1))
        picture: Array = self._wall[down : down + 48, right : right + 64]
        grainy = 128 + 40 * picture + self._rng.normal(0, 3, picture.shape)
        return grainy.clip(0, 255).astype(np.uint8)

    def _heard(self, at_s: float) -> Array:
        loud = 200 + 5000 * self._ringing(at_s + np.arange(320) / 16_000)
        return np.clip(self._rng.normal(0, loud), -32768, 32767).astype(np.int16)

    def _ringing(self, at_s: Array) -> Array:
        """Return how much is left of the knock before, 1 to 0; it is over in a few hundredths of a second."""
        last = np.searchsorted(self._knocks, at_s, side="right") - 1
        return np.where(last < 0, 0.0, np.exp(np.minimum(self._knocks[last] - at_s, 0) / 0.02))


def shifted(samples: Iterable[Sample], offset_s: float) -> list[Sample]:
    """The samples of a sensor whose clock is ``offset_s`` ahead, so that all comes behind by it."""
    return [replace(sample, stamp=sample.stamp + round(offset_s * NS)) for sample in samples]


def observed(
    samples: Iterable[Sample], channels: Iterable[Channel] = SHAKEN, windowing: Windowing = HALF_SECONDS
) -> Iterator[Observation]:
    """The windows of ``samples``, in order of their stamps, with nothing embedded."""
    sync = Synchronizer(windowing, channels)
    for sample in sorted(samples, key=lambda sample: sample.stamp):
        yield from map(_unembedded, sync.push(sample))
    yield from map(_unembedded, sync.finish())


def _unembedded(window: Window) -> Observation:
    return Observation(window=window, embeddings={}, fused=np.zeros(0, np.float32), weights={})
