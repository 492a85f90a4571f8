"""The lower envelope of delays: what a stream's samples need at least from their stamp to their receipt, and its slope.

Of one-way stamps only the quickest samples tell of the clocks; all others tell of queues. So the smallest delay of
each second is kept, for a minute. The lower convex hull of these says which of them are quick enough to count (Moon,
Skelly and Towsley, "Estimation and removal of clock skew from network delay measurements", 1999): bursts of delay
cannot lift it. The envelope is the line of least squares through those that count.
"""

from collections import deque
from collections.abc import Sequence
from math import sqrt
from statistics import fmean, median

from msgspec import Struct

HORIZON = 60
"""How many smallest delays are kept. In a minute 100 ppm move the envelope by 6 ms, several times what the smallest
delay of a second still jitters by."""

NEAR, QUICK = 4.0, 200_000
"""Smallest delays count up to this many times their median height above the hull, and always up to 0.2 ms."""

SIGNIFICANT, JUMP = 2_000_000, 6.0
"""A slope is believed once it moves the envelope, over what is kept, by this much and by so many standard deviations
of the delays about it, and by more where they are few. So a single jump of delay is never taken for one: the line
through a jump rises by at most 6 of its deviations, √(36 q / (1 − 3 q)) with q = p (1 − p) for one after a share p."""

ENOUGH, FEW = 6, 20
"""Fewer delays than ENOUGH have no slope that can be believed, and fewer than FEW none at all but such a one."""

Point = tuple[float, float]


class Line(Struct, frozen=True):
    """``value`` at ``time``, nanoseconds both, and from there ``slope`` nanoseconds a nanosecond."""

    time: int
    value: int
    slope: float = 0.0
    is_sloping: bool = False  # whether that is more than what jitter makes
    deviation: float = 0.0  # nanoseconds, of the delays that count about the line

    def at(self, time: int) -> int:
        """Return the envelope at ``time``."""
        return self.value + round(self.slope * (time - self.time))


class Envelope:
    """Takes the smallest delay of each second and lays the line; until it shows a slope, it has the one given.

    >>> envelope = Envelope()
    >>> for second in range(30):  # 0.1 ms a second is 100 ppm; every third second is busy
    ...     envelope.add(second * 10**9, 40_000_000 + second * 100_000 + (second % 3 == 2) * 30_000_000)
    >>> line = envelope.line()
    >>> round(line.slope * 1e6), line.is_sloping, line.at(0)
    (100, True, 40000000)
    """

    def __init__(self, slope: float = 0.0) -> None:
        self._slope = slope
        self._points: deque[tuple[int, int]] = deque(maxlen=HORIZON)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def span(self) -> int:
        """Nanoseconds from the oldest delay to the newest."""
        return self._points[-1][0] - self._points[0][0]

    def add(self, time: int, delay: int) -> None:
        """Keep the smallest delay of a second, and when it was; ``time`` rises."""
        self._points.append((time, delay))

    def line(self) -> Line:
        """Return the line through the delays that count."""
        origin, floor = self._points[-1]
        points = [(float(time - origin), float(delay - floor)) for time, delay in self._points]
        if len(points) < 4:
            height = min(delay - self._slope * time for time, delay in points)
            return Line(origin, floor + round(height), self._slope)
        points = _near(points, *_under(points))
        fitted, deviation = _fit(points)
        rise = abs(fitted) * (points[-1][0] - points[0][0])
        is_sloping = len(points) >= ENOUGH and rise > max(SIGNIFICANT, (JUMP + HORIZON / len(points)) * deviation)
        slope = fitted if is_sloping or len(points) >= FEW else self._slope
        height = fmean(delay - slope * time for time, delay in points)
        return Line(origin, floor + round(height), slope, is_sloping, deviation)


def _under(points: Sequence[Point]) -> Point:
    """Return slope and value at 0 of the edge of the points' lower convex hull that lies below their middle."""
    middle = (points[0][0] + points[-1][0]) / 2
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _is_above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    right = next(place for place, (time, _) in enumerate(hull) if time >= middle)
    (t1, d1), (t2, d2) = hull[right - 1], hull[right]
    slope = (d2 - d1) / (t2 - t1)
    return slope, d1 - slope * t1


def _is_above(first: Point, second: Point, third: Point) -> bool:
    """Say whether ``second`` lies on or above the line from ``first`` to ``third``."""
    return (second[1] - first[1]) * (third[0] - first[0]) >= (third[1] - first[1]) * (second[0] - first[0])


def _near(points: Sequence[Point], slope: float, value: float) -> list[Point]:
    """Return the points that count: those near the line."""
    heights = [delay - value - slope * time for time, delay in points]
    limit = max(QUICK, NEAR * median(heights))
    return [point for point, height in zip(points, heights, strict=True) if height <= limit]


def _fit(points: Sequence[Point]) -> Point:
    """Return the slope of least squares and the standard deviation about it."""
    number = len(points)
    mean_t, mean_d = sum(time for time, _ in points) / number, sum(delay for _, delay in points) / number
    variance = sum((time - mean_t) ** 2 for time, _ in points)
    slope = sum((time - mean_t) * (delay - mean_d) for time, delay in points) / variance
    squares = sum((delay - mean_d - slope * (time - mean_t)) ** 2 for time, delay in points)
    return slope, sqrt(squares / max(1, number - 2))
