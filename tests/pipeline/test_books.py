"""The ledger closes, exactly and by cause, whatever happens to a million messages on their way."""

import random
from collections import Counter
from contextlib import closing

import numpy as np
import pytest
from makers import IMU, sample

from pipeline.bus import Subscriber
from pipeline.config import Bus, Windowing
from pipeline.gate import refusal
from pipeline.ledger import ENDS, Ledger
from pipeline.messages import NS
from pipeline.sync import Synchronizer
from pipeline.wire import VERSION, Heartbeat, heartbeat_frames, to_frames

NUMBER = 1_000_000
Frames = list[memoryview]


def spoilt(rng: random.Random, truth: Counter[str]) -> list[tuple[int, Frames]]:
    """Return frames with the number of the message that they come after; ``truth`` counts what was done to them."""
    arrivals = []
    broken = np.array([0, 0, np.nan, 0, 0, 0])
    for seq in range(NUMBER):
        fate = rng.random()
        place = seq
        frames = to_frames(sample("/imu", seq / 200, seq), "a")
        if fate < 0.05:
            truth["gap"] += 1
            continue
        if fate < 0.06:
            truth["rejected"] += 1
            frames[1] = b"noise"
        elif fate < 0.07:
            truth["rejected"] += 1
            frames = to_frames(sample("/imu", seq / 200, seq, broken), "a")
        elif fate < 0.10:
            truth["duplicate"] += 1
            arrivals.append((seq + rng.randrange(9), frames))
        elif fate < 0.15:
            place += rng.randrange(9)  # of the ten that fit into the lateness
        elif fate < 0.151:
            truth["late"] += 1
            place += 400
        arrivals.append((place, frames))
    truth["used"] = NUMBER - truth["gap"] - truth["rejected"] - truth["late"]
    arrivals.sort(key=lambda arrival: arrival[0])
    return [(place, [memoryview(frame).cast("B") for frame in frames]) for place, frames in arrivals]


@pytest.mark.slow
def test_the_books_close_exactly_over_a_million_spoilt_messages() -> None:
    truth: Counter[str] = Counter()
    arrivals = spoilt(random.Random(4), truth)
    ledger, synchronizer = Ledger(), Synchronizer(Windowing(), [IMU])
    synchronizer.ledger = ledger
    with closing(Subscriber(Bus(address="tcp://127.0.0.1:*"), [IMU], ledger)) as subscriber:
        for count, (place, frames) in enumerate(arrivals):
            subscriber._admit(frames, place * NS // 200)
            if count % 100 == 99:
                _push(subscriber, synchronizer)
        end = Heartbeat(version=VERSION, session="a", next_seq=NUMBER)
        subscriber._admit([memoryview(frame) for frame in heartbeat_frames("/imu", end)], 0)
        _push(subscriber, synchronizer)
    synchronizer.finish()
    row = ledger.row("/imu")
    assert {cause: row[cause] for cause in truth} == dict(truth)
    assert ledger.in_flight("/imu") == 0
    assert ledger.sent("/imu") == NUMBER + truth["duplicate"] == sum(row[end] for end in ENDS) + row["gap"]


def _push(subscriber: Subscriber, synchronizer: Synchronizer) -> None:
    for received in subscriber.take():
        if refusal(received.sample, "imu"):
            subscriber.ledger.count("/imu", "rejected", detail="not finite")
        else:
            synchronizer.push(received.sample)
