"""What one topic of a log holds, and when its messages come; pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from pipeline.logs.decode import AudioFormat
from pipeline.messages import NS, Array

USUAL = 0.9
"""Share of the periods that are not longer than the usual one. Not the median: messages that come in bursts, as audio
and transforms do, have most periods near zero, and every pause between two bursts would be a gap."""
GAP_PERIODS = 3
GAP_MIN = NS // 200
"""A gap is longer than three usual periods, and than 5 ms, below which it is a scheduler's jitter."""


class Gap(NamedTuple):
    """No message in ``[start, start + length)`` but the one at ``start``; nanoseconds."""

    start: int
    length: int


class Topic(Struct, frozen=True, kw_only=True):
    """One topic of a log, its times being the log's own."""

    name: str
    type: str
    count: int
    first: int  # nanoseconds of the first message, and of the last; 0 where there is none
    last: int
    rate_hz: float  # messages a second, gaps left out; 0 where fewer than two tell no rate
    gaps: tuple[Gap, ...]
    num_bytes: int
    modality: str = ""  # what it is read as; empty where it is skipped
    skipped: str = ""  # why it is
    audio: AudioFormat = AudioFormat()  # what the log tells of it


class Timing(NamedTuple):
    """When the messages of one topic came."""

    first: int
    last: int
    rate_hz: float
    gaps: tuple[Gap, ...]


def timing(times: Sequence[int]) -> Timing:
    """Sum up log times in nanoseconds.

    >>> timing([0, 10_000_000, 20_000_000, 30_000_000, 530_000_000, 540_000_000])
    Timing(first=0, last=540000000, rate_hz=100.0, gaps=(Gap(start=30000000, length=500000000),))
    """
    if len(times) == 0:
        return Timing(0, 0, 0.0, ())
    sorted_times: Array = np.sort(np.asarray(times, np.int64))
    periods = np.diff(sorted_times)
    gaps = _gaps(sorted_times, periods)
    num_periods, covered = len(periods) - len(gaps), int(periods.sum()) - sum(gap.length for gap in gaps)
    rate_hz = num_periods * NS / covered if covered > 0 else 0.0
    return Timing(int(sorted_times[0]), int(sorted_times[-1]), rate_hz, gaps)


def _gaps(times: Array, periods: Array) -> tuple[Gap, ...]:
    if len(periods) == 0:
        return ()
    usual = np.quantile(periods, USUAL, method="lower")
    where = np.flatnonzero((periods > GAP_PERIODS * usual) & (periods > GAP_MIN))
    return tuple(Gap(int(times[i]), int(periods[i])) for i in where)
