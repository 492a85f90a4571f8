"""One microphone: what its clips sound like and what is wrong with them, heard once although windows overlap.

T = samples, S = stretches of a clip, B = bands of a spectrum.
"""

from collections.abc import Mapping

import numpy as np

from operators.signals.sound import BANDS, levels, outline, read_sound, sound_faults, sound_features, stretch_length
from operators.signals.tape import Tape
from pipeline.messages import Array, Clip


class Ear:
    """Keeps the samples of the last clip and the spectra of its stretches.

    Stretches end where a clip ends. Where what is new since the clip before is a number of whole stretches, as with
    chunks of a steady clock, those before it are the same again; otherwise all are new.
    """

    def __init__(self) -> None:
        self._tape = Tape(read_sound)
        self._kind = (0, 0.0)  # length of a stretch and rate that the levels are of
        self._levels_SB = np.zeros((0, BANDS))

    def hear(self, clip: Clip) -> tuple[Mapping[str, float], Array | None]:
        """Return what ``sound_faults`` and ``sound_features`` say of the clip."""
        samples_T, rate_hz = self._tape.play(clip.samples), clip.calibration.sample_rate_hz
        return sound_faults(samples_T, rate_hz), self._features(samples_T, rate_hz)

    def _features(self, samples_T: Array, rate_hz: float) -> Array | None:
        length = stretch_length(len(samples_T), rate_hz)
        if not length or not np.isfinite(samples_T).all():
            self._kind = (0, 0.0)
            return sound_features(samples_T, rate_hz)
        if self._kind != (length, rate_hz):
            self._kind, self._levels_SB = (length, rate_hz), self._levels_SB[:0]
        self._levels_SB = self._renewed(samples_T, length, rate_hz)
        return outline(self._levels_SB)

    def _renewed(self, samples_T: Array, length: int, rate_hz: float) -> Array:
        """Return the levels of all stretches in ``samples_T``, the new ones after those that are known."""
        count, before_SB = len(samples_T) // length, self._levels_SB
        num_new, rest = divmod(self._tape.num_new, length)
        if rest or len(before_SB) + num_new < count:
            before_SB, num_new = before_SB[:0], count
        new_ST = samples_T[len(samples_T) - num_new * length :].reshape(num_new, length)
        return np.concatenate([before_SB, levels(new_ST, rate_hz)])[-count:] if num_new else before_SB
