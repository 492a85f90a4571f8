"""Samples into windows, by the samples' own stamps: pure, no clock, no thread.

A window ends at every multiple of the stride. It closes when the watermark passes its end: the smallest, over all
streams that are waited for, of newest stamp − lateness. Hence any arrival order within the lateness gives the same
windows. A stream is waited for from its first sample on, until it is ``dead_s`` behind the newest of all.
Live, ``tick`` closes what the deadline has overtaken, with what is there.
"""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from operator import attrgetter

from pipeline.config import Channel, Windowing
from pipeline.ledger import Ledger
from pipeline.messages import NS, Clip, Closing, Sample, State, Window

HOLE = 2.5
"""Two stamps further apart than this many periods leave a hole. Between 2, a single lost message beside jitter,
and 3, two lost in a row. The Kinect log of the TUM RGB-D benchmark has spacings of up to 2.3 periods when healthy."""

IDLE = 10 * NS
"""So long a rig without one sample still gives windows, all absent; after that they pause until samples return."""

MAX_BYTES, MAX_SAMPLES = 256_000_000, 100_000
"""What one stream may hold here; beyond, its oldest samples are dropped and booked as overflow."""

STALE_AFTER = NS // 10
"""A stream is stale once it is silent for two periods and this much more (the promise for a killed sensor)."""


class Synchronizer:
    """Cuts the streams of ``channels`` into windows; emits them in order, each once.

    Every window with at least one sample between its last stride and its end is emitted, none is made up.
    """

    def __init__(self, window: Windowing, channels: Iterable[Channel], ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._length, self._stride = _ns(window.length_s), _ns(window.stride_s)
        self._lateness, self._deadline, self._dead = _ns(window.lateness_s), _ns(window.deadline_s), _ns(window.dead_s)
        self._streams = {
            channel.topic: _Stream(channel, _ns(_context_s(window, channel)), self._length) for channel in channels
        }
        self._closed = 0  # end of the last window that closed, emitted or not
        self._next = 0  # end of the next one; 0 is not known, before the first sample
        self._due = 0  # no stamp below can let the watermark pass that end
        self._slowest: _Stream | None = None  # of those that were waited for when the watermark was last looked at
        self._last_seen = 0  # end of the last window that held a sample

    @property
    def position(self) -> tuple[int, int]:
        """Ends of the last window that closed and of the next one; 0 where there is none yet."""
        return self._closed, self._next

    def push(self, sample: Sample) -> list[Window]:
        """Take one sample; return the windows that it completes, mostly none."""
        stream, stamp, size = self._streams[sample.topic], sample.stamp, sample.data.nbytes
        if stamp < self._closed:
            self.ledger.count(sample.topic, "late")
            return []
        if stamp > stream.newest:  # as nearly always; not a method, for its call is 7 % of a message's cost
            if stamp - stream.newest > stream.hole:
                stream.holes.add(stamp)
            stream.newest = stamp
            stream.stamps.append(stamp)
            stream.samples.append(sample)
            stream.sizes.append(size)
        elif not stream.insert(sample):
            self.ledger.count(sample.topic, "duplicate")
            return []
        stream.size += size
        if (stream.size > MAX_BYTES or len(stream.samples) > MAX_SAMPLES) and (dropped := stream.shed()):
            self.ledger.count(sample.topic, "overflow", dropped)
        if not self._closed:
            first = self._end_after(stamp)
            self._await(min(self._next or first, first))
        if stamp < self._due or stamp < stream.newest or self._is_held(stamp):
            return []  # the watermark has not passed the next end
        return self._advance(self._watermark(), "watermark")

    def tick(self, now: int) -> list[Window]:
        """Return the windows whose deadline has passed at ``now``, on the reference clock. For live use only."""
        return self._advance(now - self._deadline, "deadline")

    def finish(self) -> list[Window]:
        """The stream has ended: return the windows up to the one that holds the newest sample."""
        newest = self._newest()
        return self._advance(self._end_after(newest), "end") if newest >= self._closed else []

    def _newest(self) -> int:
        return max((stream.newest for stream in self._streams.values()), default=-1)

    def _end_after(self, stamp: int) -> int:
        return (stamp // self._stride + 1) * self._stride

    def _await(self, end: int) -> None:
        """Have the window that ends at ``end`` close next."""
        self._next, self._due = end, end + self._lateness

    def _watermark(self) -> int:
        armed = [stream for stream in self._streams.values() if stream.newest >= 0]
        alive = max(stream.newest for stream in armed) - self._dead
        self._slowest = min((stream for stream in armed if stream.newest >= alive), key=attrgetter("newest"))
        return self._slowest.newest - self._lateness

    def _is_held(self, stamp: int) -> bool:
        """Say, at less cost than the watermark's, that the stream that held it back last still does at ``stamp``."""
        if self._slowest is None:
            return False
        newest = self._slowest.newest
        return newest < self._due and newest >= stamp - self._dead

    def _advance(self, upto: int, why: Closing) -> list[Window]:
        windows = []
        while 0 < self._next <= upto:
            window = self._cut(self._next, why)
            self._closed = self._next
            self._await(self._next + self._stride)
            if window.clips:
                self._last_seen = window.end
            elif window.end - self._last_seen > IDLE:
                self._await(self._skip_to(upto))
                continue
            windows.append(window)
        return windows

    def _skip_to(self, upto: int) -> int:
        """Return the end of the next window that can hold a sample: the first one waiting, or one after ``upto``."""
        waiting = [stream.stamps[0] for stream in self._streams.values() if stream.stamps]
        return self._end_after(min(waiting) if waiting else upto)

    def _cut(self, end: int, why: Closing) -> Window:
        clips, coverage, states = {}, {}, {}
        heard = end if why != "end" else min(end, self._newest() + 1)  # at the end of all, nobody is silent yet
        used = max(self._closed, end - self._stride)
        for topic, stream in self._streams.items():
            last = bisect_left(stream.stamps, end)
            states[topic] = stream.look(heard, last, self._dead)
            if fresh := last - bisect_left(stream.stamps, used, 0, last):
                self.ledger.count(topic, "used", fresh)
            clip = stream.clip(end, last)
            coverage[topic] = clip.coverage if clip else 0.0
            if clip:
                clips[topic] = clip
            stream.forget(end + self._stride)
        return Window(start=end - self._length, end=end, clips=clips, coverage=coverage, closed_by=why, states=states)


class _Stream:
    """The samples of one topic that a coming window may need, by stamp."""

    def __init__(self, channel: Channel, context: int, length: int) -> None:
        self.channel = channel
        self.newest = -1  # before the first sample nobody waits for this stream
        self.size = 0  # bytes of all
        self.state: State = "init"
        self.stamps: list[int] = []
        self.samples: list[Sample] = []
        self.sizes: list[int] = []  # bytes of each
        self._last = -1  # newest stamp before the last window's end
        self._nearest = context == 0
        self._reach = context or length
        self._period = channel.period
        self.hole = int(HOLE * channel.period)
        self.holes: set[int] = set()  # of stamps, those that had a hole before them; others may have filled it since

    def insert(self, sample: Sample) -> bool:
        """Put an older ``sample`` in its place, by stamp and then by number; return whether it is new."""
        stamps, stamp = self.stamps, sample.stamp
        place = bisect_left(stamps, stamp)
        while place < len(stamps) and stamps[place] == stamp:
            if self.samples[place].seq == sample.seq:
                return False
            if self.samples[place].seq > sample.seq:
                break
            place += 1
        stamps.insert(place, stamp)
        self.samples.insert(place, sample)
        self.sizes.insert(place, sample.data.nbytes)
        for before, after in pairwise(stamps[max(place - 1, 0) : place + 2]):
            if after - before > self.hole:
                self.holes.add(after)
        return True

    def shed(self) -> int:
        """Drop the oldest until the bounds hold; return how many."""
        dropped = 0
        held = len(self.samples)
        while (self.size > MAX_BYTES and held > dropped + 1) or held - dropped > MAX_SAMPLES:
            self.size -= self.sizes[dropped]
            dropped += 1
        self._drop(dropped)
        return dropped

    def forget(self, next_end: int) -> None:
        """Drop what no window from the one ending at ``next_end`` on will need."""
        old = bisect_left(self.stamps, next_end - self._reach)
        self.size -= sum(self.sizes[:old])
        self._drop(old)

    def look(self, end: int, last: int, dead: int) -> State:
        """Return the state of this stream at ``end``, by its newest sample before, in front of place ``last``."""
        if last:
            self._last = max(self._last, self.stamps[last - 1])
        silent, period = end - self._last, self._period
        if self._last < 0:
            self.state = "init"
        elif silent > dead:
            self.state = "dead"
        elif silent > 2 * period + STALE_AFTER:
            self.state = "stale"
        elif silent > self.hole:
            self.state = "late"
        else:
            self.state = "recovered" if self.state in ("stale", "dead") else "ok"
        return self.state

    def clip(self, end: int, last: int) -> Clip | None:
        """Return what the window that ends at ``end``, before place ``last``, has for the encoder, or None."""
        start = end - self._reach
        first = bisect_left(self.stamps, start, 0, last)
        if first == last:
            return None
        centre = (start + end) // 2
        nearest = self._place_nearest(centre, first, last)
        samples = tuple(self.samples[nearest : nearest + 1] if self._nearest else self.samples[first:last])
        return Clip(
            topic=self.channel.topic,
            modality=self.channel.modality,
            start=start,
            end=end,
            samples=samples,
            coverage=self._coverage(first, last, start, end),
            pairing_error=abs(self.stamps[nearest] - centre),
            calibration=self.channel.calibration,
        )

    def _place_nearest(self, centre: int, first: int, last: int) -> int:
        """Return the place of the sample nearest to ``centre`` in ``[first, last)``; of two the earlier one."""
        after = bisect_left(self.stamps, centre, first, last)
        if after == last or (after > first and centre - self.stamps[after - 1] <= self.stamps[after] - centre):
            after = bisect_left(self.stamps, self.stamps[after - 1], first, after)
        return after

    def _coverage(self, first: int, last: int, start: int, end: int) -> float:
        """Share of ``[start, end)`` without holes; each sample covers one period from its stamp on, and never 0."""
        stamps, period = self.stamps, self._period
        spacing = [stamps[first] - start + period, end - stamps[last - 1]]
        for stamp in self.holes:
            if stamps[first] < stamp < end:
                spacing.append(stamp - stamps[bisect_left(stamps, stamp, first) - 1])
        missing = 0
        for gap in spacing:
            if gap > self.hole:
                missing += gap - period
        return max(1e-9, 1 - missing / (end - start))

    def _drop(self, number: int) -> None:
        if self.holes:
            self.holes.difference_update(self.stamps[:number])
        del self.stamps[:number], self.samples[:number], self.sizes[:number]


def _context_s(window: Windowing, channel: Channel) -> float:
    if channel.context_s is not None:
        return channel.context_s
    return window.context_s.get(channel.modality, window.length_s)


def _ns(seconds: float) -> int:
    return round(seconds * NS)
