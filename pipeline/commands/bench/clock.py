"""What the clock costs a message: figures of ``rigbind bench sync``."""

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter_ns

import numpy as np
from msgspec.structs import replace

from pipeline.clock import Clock
from pipeline.config import Channel
from pipeline.messages import NS, Received, Sample

DELAY, JITTER, AHEAD = 5_000_000, 1_000_000, 5 * NS
"""From stamp to receipt, and by how much the sender's clock is ahead: each stamp is then corrected, which costs more
than to trust it."""


def clock_figures(samples: Iterable[Sample], channels: Sequence[Channel]) -> dict[str, float]:
    """Return median and 99th percentile of the microseconds that each of ``samples`` costs the clock of one sender."""
    costs = np.array(_costs(list(received(samples)), Clock(channels)))
    return {f"clock_us_per_message_p{share}": float(np.percentile(costs, share)) / 1e3 for share in (50, 99)}


def received(samples: Iterable[Sample], seed: int = 2) -> Iterator[Received]:
    """Yield ``samples``, which rise by stamp, as they come from a host whose clock is ahead."""
    delays = np.random.default_rng(seed)
    newest = 0
    for sample in samples:
        newest = max(newest, sample.stamp + DELAY + round(delays.exponential(JITTER)))
        yield Received(sample=replace(sample, stamp=sample.stamp + AHEAD), received=newest, session="host")


def _costs(arrivals: Sequence[Received], clock: Clock) -> list[int]:
    costs = []
    for arrival in arrivals:
        before = perf_counter_ns()
        clock.correct(arrival)
        costs.append(perf_counter_ns() - before)
    return costs
