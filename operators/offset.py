"""What is known of one stream's time beside another's."""

import math

from msgspec import Struct

from operators.curve import BIN, Curve
from operators.lag import lag
from pipeline.messages import NS

CONTRAST = 3.0
"""A correlation that is not so many times that of chance is none. In 166 comparisons of unrelated streams of the
simulator, over one and two minutes, 1.9 was the most. Related ones have 4 to 8 on its rover, 5 to 6 on a real Husky
(turns of wheels and gyroscope), but only 2 to 3 on the simulated drone, which flies too smoothly to be told."""

VAGUE_S = 0.06
"""Estimates less certain than this are kept back."""

RESOLUTION_S = 0.004
"""Standard deviation of what no correlation can tell: a metre of air delays sound by 3 ms, and a stamp may be that of
the beginning, the middle or the end of an exposure or of a filter."""


class Offset(Struct, frozen=True, kw_only=True):
    """How much later ``topic`` has the same events than ``reference``; below 0 is earlier.

    ``uncertainty_s`` is two standard deviations.

    >>> print(Offset(topic="/camera", reference="/imu", offset_s=0.12, uncertainty_s=0.008, correlation=0.4))
    /camera is 120 ms behind /imu ± 8 ms
    """

    topic: str
    reference: str
    offset_s: float
    uncertainty_s: float
    correlation: float

    def __str__(self) -> str:
        behind, ahead = (self.topic, self.reference) if self.offset_s >= 0 else (self.reference, self.topic)
        return f"{behind} is {1000 * abs(self.offset_s):.0f} ms behind {ahead} ± {1000 * self.uncertainty_s:.0f} ms"

    def agrees(self, other: "Offset") -> bool:
        """Say whether both can be true."""
        apart_s = abs(self.offset_s - other.offset_s)
        return self.reference == other.reference and apart_s <= self.uncertainty_s + other.uncertainty_s

    @property
    def score(self) -> float:
        """How many uncertainties it is away from 0; whole ones, so that not every trifle is an update."""
        return float(round(abs(self.offset_s) / self.uncertainty_s))

    @property
    def evidence(self) -> dict[str, float]:
        """The figures, in milliseconds."""
        return {
            "offset_ms": 1000 * self.offset_s,
            "uncertainty_ms": 1000 * self.uncertainty_s,
            "correlation": self.correlation,
        }


def offset(topic: str, curve: Curve, reference: str, other: Curve) -> Offset | None:
    """Return the offset of ``topic`` from ``reference`` by their curves of one sense, or None if they tell of none."""
    numbers = sorted(curve.numbers & other.numbers)
    found = lag(other.spectra(numbers, True), curve.spectra(numbers, False), CONTRAST) if numbers else None
    if found is None:
        return None
    uncertainty_s = 2 * math.hypot(found.deviation * BIN / NS, RESOLUTION_S)
    if uncertainty_s > VAGUE_S:
        return None
    return Offset(
        topic=topic,
        reference=reference,
        offset_s=found.bins * BIN / NS,
        uncertainty_s=uncertainty_s,
        correlation=found.correlation,
    )
