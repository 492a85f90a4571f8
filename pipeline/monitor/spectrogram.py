"""The last seconds of a sound as a picture. F = frequencies, T = times."""

import io

import numpy as np
from PIL import Image

from pipeline.messages import Array
from pipeline.thumbnail import INFERNO, Scale, coloured

SIZE = 512
"""Samples of one spectrum, half of them new."""

COLUMNS = 312
"""T: ten seconds at 16 kHz."""

ROWS = 160
FLOOR_DB = -90.0


class Spectrogram:
    """Levels in dB of full scale, from ``FLOOR_DB`` up, low frequencies below."""

    def __init__(self, sample_rate_hz: float) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._rest = np.zeros(0, np.float32)
        self._level_FT = np.full((SIZE // 2, COLUMNS), FLOOR_DB, np.float32)
        self.loudness_db = FLOOR_DB
        """Root mean square of the samples that came last, in dB of full scale: a sine that just fits has -3."""

    def hear(self, samples_N: Array) -> None:
        """Take the next samples, in [-1, 1]."""
        samples_N = np.nan_to_num(samples_N)
        if len(samples_N):
            self.loudness_db = max(FLOOR_DB, 20 * float(np.log10(np.sqrt(np.mean(samples_N**2)) + 1e-9)))
        sound = np.concatenate([self._rest, samples_N])
        number = max(0, (len(sound) - SIZE) // (SIZE // 2) + 1)
        if number:
            frames_TN = np.lib.stride_tricks.sliding_window_view(sound, SIZE)[:: SIZE // 2][:number]
            power_TF = np.abs(np.fft.rfft(frames_TN * np.hanning(SIZE))[:, 1:]) / (SIZE / 4)
            level_TF = np.maximum(20 * np.log10(power_TF + 1e-9), FLOOR_DB).astype(np.float32)
            self._level_FT = np.hstack([self._level_FT, level_TF.T])[:, -COLUMNS:]
            self._rest = sound[number * (SIZE // 2) :]
        else:
            self._rest = sound

    def picture(self) -> tuple[bytes, Scale]:
        """Return a JPEG, the newest on the right, and what the ends of its colours stand for."""
        colours, low, high = coloured(self._level_FT[::-1], INFERNO)
        image = Image.fromarray(colours).resize((COLUMNS, ROWS))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=80)
        return buffer.getvalue(), Scale(low=low, high=high, unit="dB")
