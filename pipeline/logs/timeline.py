"""Stamps for sound whose messages carry none."""

from pipeline.messages import NS

MAX_JITTER = NS // 10
"""How far a message may come from when its sound is due and still be the next of it; beyond, sound is missing.
Sound cards hand over in bursts: audio_capture's of 44.1 kHz stereo, four or five messages of 10 ms, are 45 ms apart."""


class Timeline:
    """Samples follow each other without a hole, however irregularly their messages come."""

    def __init__(self, sample_rate_hz: float) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._next = 0

    def stamp(self, num_samples: int, log_time: int) -> int:
        """Return the time of the first of the next samples: the first message's log time, and on from there.

        >>> timeline = Timeline(16000.0)
        >>> [timeline.stamp(160, log_time) for log_time in (0, 30_000_000, 30_100_000, 900_000_000)]
        [0, 10000000, 20000000, 900000000]
        """
        start = self._next if abs(log_time - self._next) <= MAX_JITTER else log_time
        self._next = start + round(num_samples * NS / self._sample_rate_hz)
        return start
