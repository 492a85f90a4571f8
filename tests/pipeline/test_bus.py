"""Samples cross real sockets; what does not is booked by cause."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq
from makers import CAMERA, IMU, sample

from pipeline.bus import UNKNOWN, EventPublisher, Publisher, Subscriber
from pipeline.config import Bus, Security
from pipeline.errors import PipelineError
from pipeline.ledger import Ledger
from pipeline.messages import Event, Received
from pipeline.security import make_keys
from pipeline.wire import Heartbeat, heartbeat_frames, picture_in, to_frames

ANYWHERE = Bus(address="tcp://127.0.0.1:*")


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with closing(Subscriber(ANYWHERE, [IMU, CAMERA], Ledger())) as listening:
        yield listening


@pytest.fixture
def publisher(subscriber: Subscriber) -> Iterator[Publisher]:
    with closing(connected(subscriber.address)) as sending:
        yield sending


def connected(address: str, security: Security | None = None) -> Publisher:
    publisher = Publisher(address, security)
    assert publisher.wait(5)
    return publisher


def until(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def take(subscriber: Subscriber, number: int) -> list[Received]:
    """Take until ``number`` samples have come."""
    return take_until(subscriber, lambda got: len(got) >= number)


def take_until(subscriber: Subscriber, enough: Callable[[list[Received]], bool]) -> list[Received]:
    got: list[Received] = []

    def taken() -> bool:
        got.extend(subscriber.take())
        return enough(got)

    until(taken)
    return got


def test_samples_arrive_whole_and_in_order(subscriber: Subscriber, publisher: Publisher) -> None:
    for seq in range(50):
        publisher.publish(sample("/imu", seq / 200, seq, np.arange(6.0) + seq))
    got = take(subscriber, 50)
    assert [item.sample.seq for item in got] == list(range(50))
    np.testing.assert_array_equal(got[7].sample.data, np.arange(6.0) + 7)
    assert got[0].session == publisher.session
    assert 0 <= got[0].received - got[0].sent < 5e9
    assert subscriber.ledger.row("/imu")["received"] == 50


@pytest.mark.parametrize("codec", ["raw", "zstd", "png", "jpeg"])
def test_pictures_arrive_by_every_codec(subscriber: Subscriber, publisher: Publisher, codec: str) -> None:
    publisher.publish(sample("/camera", data=np.full((48, 64, 3), 90, np.uint8)), codec)  # type: ignore[arg-type]
    (got,) = take(subscriber, 1)
    assert got.sample.data.shape == (48, 64, 3)
    assert np.abs(got.sample.data.astype(int) - 90).max() <= 1
    assert (got.compressed.format if got.compressed else None) == (codec if codec in ("png", "jpeg") else None)
    assert got.compressed is None or np.array_equal(picture_in(got.compressed), got.sample.data)


def test_missing_numbers_are_a_gap_and_may_still_come(subscriber: Subscriber, publisher: Publisher) -> None:
    for seq in (0, 1, 5, 3, 3):
        publisher.publish(sample(seq=seq))
    take(subscriber, 4)
    until(lambda: subscriber.ledger.total("/imu", "duplicate"))
    row = subscriber.ledger.row("/imu")
    assert (row["received"], row["gap"], row["duplicate"]) == (5, 2, 1)


def test_a_restart_is_no_gap(subscriber: Subscriber, publisher: Publisher) -> None:
    publisher.publish(sample(seq=700))
    take(subscriber, 1)
    with closing(connected(subscriber.address)) as again:
        again.publish(sample(seq=0))
        take(subscriber, 1)
        publisher.publish(sample(seq=701))  # the old one is not dead after all
        until(lambda: subscriber.ledger.details("/imu"))
    row = subscriber.ledger.row("/imu")
    assert (row["restart"], row["gap"], row["duplicate"]) == (1, 0, 0)
    assert subscriber.ledger.details("/imu") == {"rejected session": 1}


def test_what_waits_too_long_is_superseded_by_what_is_newer(publisher: Publisher, subscriber: Subscriber) -> None:
    for seq in range(1000):
        while not publisher.publish(sample(seq=seq)):
            time.sleep(0.001)
    until(lambda: subscriber.ledger.total("/imu", "received") == 1000)
    got = subscriber.take()
    assert [item.sample.seq for item in got] == list(range(600, 1000))  # queue_s × rate_hz
    assert subscriber.ledger.row("/imu")["superseded"] == 600
    assert subscriber.ledger.lost("/imu") == 600


def test_hostile_frames_are_booked_and_disturb_nobody(subscriber: Subscriber, publisher: Publisher) -> None:
    rng = np.random.default_rng(0)
    whole = [bytes(frame) for frame in to_frames(sample(seq=1), "hostile")]
    raw = [
        [rng.bytes(20)],
        [b"/imu", rng.bytes(30), rng.bytes(99)],
        [b"/imu", *whole[1:2], whole[2][:-1]],
        [b"/other", *whole[1:]],
        [b"/camera", whole[1].replace(b"raw", b"png"), whole[2]],
    ]
    ledger = subscriber.ledger
    hostile: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
    with hostile:
        hostile.setsockopt(zmq.LINGER, 0)
        hostile.connect(subscriber.address)
        assert hostile.poll(5000)
        for frames in raw:
            hostile.send_multipart(frames)
        publisher.publish(sample(seq=5))
        got = take_until(
            subscriber, lambda got: bool(got) and sum(ledger.total(t, "rejected") for t in ledger.topics) == 5
        )
    assert [item.sample.seq for item in got] == [5]
    assert ledger.details(UNKNOWN) == {"rejected truncated": 1, "rejected topic": 1}
    assert ledger.details("/imu") == {"rejected header": 1, "rejected shape": 1}
    assert ledger.details("/camera") == {"rejected payload": 1}


def test_arrivals_tell_when_nothing_comes_and_end_when_stopped(subscriber: Subscriber, publisher: Publisher) -> None:
    async def listen() -> list[int]:
        sizes = []
        publisher.publish(sample(seq=0))
        async for batch in subscriber.arrivals():
            sizes.append(len(batch))
            if sum(sizes) and sizes[-1] == 0:
                subscriber.stop()
        return sizes

    sizes = asyncio.run(asyncio.wait_for(listen(), 5))
    assert sum(sizes) == 1
    assert 0 in sizes


def test_the_ledger_closes(subscriber: Subscriber, publisher: Publisher) -> None:
    rng = np.random.default_rng(1)
    for seq in rng.integers(0, 300, 2000):
        publisher.publish(sample(seq=int(seq)))
        time.sleep(0)
    got = take_until(subscriber, lambda _: subscriber.ledger.total("/imu", "received") == publisher.sent)
    got += subscriber.take()
    row = subscriber.ledger.row("/imu")
    assert row["received"] == len(got) + row["duplicate"] + row["superseded"] + row["rejected"]


def test_an_address_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PipelineError, match=f"{address}: Address already in use"):
            Subscriber(Bus(address=address), [IMU], Ledger())


def test_an_open_address_needs_keys_or_a_word() -> None:
    with pytest.raises(PipelineError, match="can be reached from other hosts"):
        Subscriber(Bus(address="tcp://0.0.0.0:*"), [IMU], Ledger())
    Subscriber(Bus(address="tcp://0.0.0.0:*"), [IMU], Ledger(), Security(insecure=True)).close()


def test_only_known_keys_get_in(tmp_path: Path) -> None:
    make_keys(tmp_path / "rig", "front")
    make_keys(tmp_path / "stranger", "front")
    for name in ("ingest.key", "ingest.key_secret"):
        (tmp_path / "stranger" / name).write_bytes((tmp_path / "rig" / name).read_bytes())
    with closing(Subscriber(ANYWHERE, [IMU], Ledger(), Security(keys=str(tmp_path / "rig")))) as subscriber:
        with closing(connected(subscriber.address, Security(keys=str(tmp_path / "rig")))) as known:
            known.publish(sample(seq=1))
            assert len(take(subscriber, 1)) == 1
        for security in (Security(keys=str(tmp_path / "stranger")), Security()):
            with closing(Publisher(subscriber.address, security)) as stranger:
                assert not stranger.wait(0.5)
                stranger.publish(sample(seq=2))
        time.sleep(0.2)
        assert subscriber.take() == []


def test_events_can_be_listened_to(tmp_path: Path) -> None:
    event = Event(id="a@1", phase="opened", start=1, end=2, label="novelty", score=3.0, source="a", evidence={"x": 1})
    address = f"ipc://{tmp_path}/events"
    listener: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    with closing(EventPublisher(address)) as events, listener:
        listener.setsockopt(zmq.LINGER, 0)
        listener.connect(address)
        listener.subscribe(b"/events")

        def heard() -> bool:
            events.write(event)
            return bool(listener.poll(20))

        until(heard)
        topic, payload = listener.recv_multipart()
        assert topic == b"/events"
        assert msgspec.msgpack.decode(payload, type=Event) == event


def raw(socket: zmq.Socket[bytes], *frames: bytes) -> None:
    socket.send_multipart(list(frames))


@pytest.fixture
def plain(subscriber: Subscriber) -> Iterator[zmq.Socket[bytes]]:
    """A sender that writes its frames by hand."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
    with socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(subscriber.address)
        assert socket.poll(5000)
        yield socket


def beat(next_seq: int, session: str = "s", dropped: int = 0) -> list[bytes]:
    heartbeat = Heartbeat(version=1, session=session, next_seq=next_seq, dropped=dropped)
    return [bytes(frame) for frame in heartbeat_frames("/imu", heartbeat)]


def frames(seq: int, session: str = "s") -> list[bytes]:
    return [bytes(frame) for frame in to_frames(sample(seq=seq), session)]


def test_what_is_lost_at_the_end_is_known_from_the_heartbeat(subscriber: Subscriber, plain: zmq.Socket[bytes]) -> None:
    raw(plain, *frames(0))
    raw(plain, *beat(5, dropped=3))
    until(lambda: subscriber.ledger.total("/imu", "gap"))
    assert subscriber.ledger.row("/imu")["gap"] == 4
    assert subscriber.ledger.sent("/imu") == 5
    raw(plain, *frames(5))
    raw(plain, *beat(6, dropped=3))
    raw(plain, *frames(6))
    take(subscriber, 3)
    until(lambda: subscriber.ledger.details("/imu"))
    assert subscriber.ledger.details("/imu") == {"gap at the source": 3}
    assert subscriber.ledger.sent("/imu") == 7


def test_a_heartbeat_of_what_was_sent_before_we_listened_is_no_gap(
    subscriber: Subscriber, plain: zmq.Socket[bytes]
) -> None:
    raw(plain, *beat(1000))
    raw(plain, *frames(1000))
    take(subscriber, 1)
    assert subscriber.ledger.row("/imu")["gap"] == 0


def test_a_frame_that_cannot_be_read_is_rejected_and_no_gap_besides(
    subscriber: Subscriber, plain: zmq.Socket[bytes]
) -> None:
    raw(plain, *frames(0))
    raw(plain, b"/imu", b"broken", b"payload")  # number 1
    raw(plain, *frames(4))
    take(subscriber, 2)
    row = subscriber.ledger.row("/imu")
    assert (row["received"], row["rejected"], row["gap"]) == (3, 1, 2)
    assert subscriber.ledger.sent("/imu") == 5


def test_a_publisher_tells_what_it_has_sent(subscriber: Subscriber) -> None:
    with closing(connected(subscriber.address)) as publisher:
        publisher.publish(sample(seq=0))
        take(subscriber, 1)
        publisher._told["/imu"].next_seq = 12  # as if eleven more had been lost on their way
    until(lambda: subscriber.ledger.total("/imu", "gap"))
    assert subscriber.ledger.sent("/imu") == 12
