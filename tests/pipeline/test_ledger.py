"""Every sample meets exactly one end, whatever is done to the stream."""

import random

from makers import IMU, RIG, streams

from pipeline.config import Windowing
from pipeline.ledger import ENDS, Ledger
from pipeline.sync import Synchronizer


def test_lost_is_what_was_sent_and_not_used() -> None:
    ledger = Ledger()
    for cause, number in (
        ("received", 100),
        ("used", 60),
        ("late", 5),
        ("superseded", 6),
        ("duplicate", 7),
        ("gap", 8),
    ):
        ledger.count("/imu", cause, number)
    assert ledger.lost("/imu") == 5 + 6 + 8
    assert ledger.in_flight("/imu") == 100 - 60 - 5 - 6 - 7


def test_the_books_close_however_the_stream_is_shuffled_doubled_and_cut() -> None:
    rng = random.Random(0)
    samples = streams(RIG, 0, 30)
    sent = [item for item in samples if rng.random() > 0.1]
    sent += rng.sample(sent, len(sent) // 10)
    sent.sort(key=lambda item: item.stamp + rng.randrange(400_000_000))
    synchronizer = Synchronizer(Windowing(), RIG)
    ledger = synchronizer.ledger
    for item in sent:
        ledger.count(item.topic, "received")
        synchronizer.push(item)
    synchronizer.finish()
    for channel in RIG:
        assert ledger.in_flight(channel.topic) == 0
        assert sum(ledger.total(channel.topic, cause) for cause in ENDS) == sum(
            item.topic == channel.topic for item in sent
        )
    assert ledger.total(IMU.topic, "late") > 0
    assert ledger.total(IMU.topic, "duplicate") > 0
