"""Faults of one stream, by their number in the catalogue: they cost that stream, and nothing else of its windows.

The rig of five runs live, by a clock of the test's own; the camera's stream is spoilt. What the windows hold of the
other four is then the same to the byte, and no window leaves later than its deadline. T7, T9 and Z2 over a real socket
are in ``test_time_faults.py``, T8 in ``test_line.py``.
"""

import random
from collections.abc import Callable, Iterable

import pytest
from makers import CAMERA, RIG, T0, stream
from msgspec.structs import replace
from senders import Reading, arrivals, kept, stepping
from test_time_faults import OTHERS, fingerprint, line_of

from pipeline.config import Channel
from pipeline.ledger import ENDS
from pipeline.line import Line
from pipeline.messages import NS, Received, Window

SECONDS = 30
POLL = NS // 50
"""How often a live line looks at its deadlines."""

Spoil = Callable[[list[Received]], list[Received]]


def coming(channel: Channel, clock: Reading | None = None, seed: int = 1) -> list[Received]:
    """What comes of a stream of ``channel``, data that its modality can mean."""
    data = next(stream(channel, 0, 1)).data
    items = arrivals(channel, SECONDS, clock, seed=seed)
    return [replace(item, sample=replace(item.sample, data=data)) for item in items]


def of_camera(clock: Reading) -> Spoil:
    """The camera's clock says something else."""
    return lambda _: coming(CAMERA, clock)


def stamped(change: Callable[[int, int], int]) -> Spoil:
    """The stamp of each number becomes ``change(stamp, seq)``."""
    return lambda items: [
        replace(item, sample=replace(item.sample, stamp=change(item.sample.stamp, item.sample.seq))) for item in items
    ]


def asleep(at_s: float, for_s: float) -> Reading:
    """A clock that stands still while its host sleeps."""
    return lambda time: time if time < at_s else time - for_s


def dropped_while(at_s: float, for_s: float) -> Spoil:
    """Nothing comes of this time."""
    return lambda items: [item for item in items if not at_s <= (item.received - T0) / NS < at_s + for_s]


def stopped(at_s: float, for_s: float) -> Spoil:
    """What was taken in this time comes at its end, all at once."""
    end = T0 + round((at_s + for_s) * NS)

    def spoil(items: list[Received]) -> list[Received]:
        return [
            replace(item, received=end) if at_s <= (item.received - T0) / NS < at_s + for_s else item for item in items
        ]

    return spoil


def lossy(share: float) -> Spoil:
    """``share`` is lost, 2 of 100 come twice, and neighbours of up to twenty change places."""

    def spoil(items: list[Received]) -> list[Received]:
        rng = random.Random(round(100 * share))
        times = sorted(item.received for item in items)
        places = sorted(range(len(items)), key=lambda place: place + rng.randrange(20))
        mixed = [replace(items[place], received=time) for place, time in zip(places, times, strict=True)]
        twice = [item for item in mixed for _ in range(2 if rng.random() < 0.02 else 1)]
        return [item for item in twice if rng.random() >= share]

    return spoil


def turned(stamp: int, seq: int) -> int:
    """Every fifth stamp is that before it, every seventh older than the one before."""
    return stamp - (seq % 5 == 0) * CAMERA.period - (seq % 7 == 0) * 3 * CAMERA.period


FAULTS: dict[str, Spoil] = {
    "T1 a clock 250 ms behind": of_camera(kept(-0.25)),
    "T1 a clock 250 ms ahead": of_camera(kept(0.25)),
    "T1 a clock ten seconds ahead": of_camera(kept(10.0)),
    "T1 a clock an hour behind": of_camera(kept(-3600.0)),
    "T2 a clock 100 ppm fast": of_camera(kept(skew_ppm=100)),
    "T2 a clock 2000 ppm fast": of_camera(kept(skew_ppm=2000)),
    "T2 a clock 2000 ppm slow": of_camera(kept(skew_ppm=-2000)),
    "T3 a step of a second forward": of_camera(stepping(12, 1.0)),
    "T3 a step of a second back": of_camera(stepping(12, -1.0)),
    "T3 a step of a year": of_camera(stepping(12, 3.2e7)),
    "T4 stamps that repeat and turn back": stamped(turned),
    "T4 a stamp that stands still": stamped(lambda stamp, seq: stamp if seq < 150 else T0 + 10 * NS),
    "T5 microseconds for nanoseconds": stamped(lambda stamp, _: stamp // 1000),
    "T5 seconds for nanoseconds": stamped(lambda stamp, _: stamp // NS),
    "T6 a clock that stood still for 5 s of sleep": of_camera(asleep(12, 5.0)),
    "T6 a host that slept for 5 s": dropped_while(12, 5.0),
    "T10 no stamps": stamped(lambda *_: 0),
    "T10 stamps of the future": stamped(lambda stamp, seq: stamp + (seq % 3 == 0) * 86_400 * NS),
    "Z2 a sensor that is stopped for 3 s": stopped(12, 3.0),
    "Z3 1 of 100 lost": lossy(0.01),
    "Z3 10 of 100 lost": lossy(0.1),
    "Z3 half of all lost": lossy(0.5),
}


def live(streams: Iterable[list[Received]]) -> tuple[Line, list[Window], list[int]]:
    """Run a line on what comes in; return it, its windows, and when each left, on the line's clock."""
    line = line_of(RIG)
    items = sorted((item for of_topic in streams for item in of_topic), key=lambda item: item.received)
    done: list[Window] = []
    left: list[int] = []
    now, place = T0, 0
    while now < T0 + (SECONDS + 1) * NS:
        now += POLL
        while place < len(items) and items[place].received <= now:
            line.ledger.count(items[place].sample.topic, "received")
            done += line.take(items[place])
            place += 1
        done += line.tick(now)
        left += [now] * (len(done) - len(left))
    return line, done, left


def sound() -> dict[str, list[Received]]:
    return {channel.topic: coming(channel, seed=number + 1) for number, channel in enumerate(RIG)}


BASELINE = live(sound().values())


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_stream_changes_and_delays_nothing_of_the_others(name: str) -> None:
    streams = sound()
    streams[CAMERA.topic] = FAULTS[name](streams[CAMERA.topic])
    line, done, left = live(streams.values())
    assert fingerprint(done, OTHERS) == fingerprint(BASELINE[1], OTHERS)
    deadline = round(line.config.window.deadline_s * NS)
    of_others = [pair for pair in zip(left, done, strict=True) if pair[1].clips.keys() - {CAMERA.topic}]
    assert max(at - window.end for at, window in of_others) <= deadline + POLL


@pytest.mark.parametrize("name", FAULTS)
def test_every_sample_of_a_broken_stream_is_booked_once(name: str) -> None:
    streams = sound()
    streams[CAMERA.topic] = FAULTS[name](streams[CAMERA.topic])
    line, _, _ = live(streams.values())
    row = line.ledger.row(CAMERA.topic)
    ends = sum(row[end] for end in ENDS if end not in ("gap", "superseded"))
    assert row["received"] == len(streams[CAMERA.topic])
    assert 0 <= row["received"] - ends <= 2 * CAMERA.rate_hz  # what waits for its window is in flight


def test_the_rig_without_a_fault_has_windows_at_once() -> None:
    _, done, left = BASELINE
    assert len(done) >= 2 * SECONDS - 2
    assert max(at - window.end for at, window in zip(left[4:-2], done[4:-2], strict=True)) < 0.19 * NS
    assert all(len(window.clips) == len(RIG) for window in done[12:-2])
