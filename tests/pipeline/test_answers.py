"""Senders are asked for the time over real sockets: answers are believed, lies counted, the silent not missed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq
from fakes import Counting, Marking
from makers import CAMERA, IMU

import pipeline.bus
from operators.fusion import CrossAttention
from pipeline.bus import UNKNOWN, Publisher, Subscriber
from pipeline.config import Bus, Config, Model, Security, Windowing
from pipeline.engine import Engine, Local
from pipeline.errors import PipelineError
from pipeline.exchange import Exchange
from pipeline.ledger import Ledger
from pipeline.line import Line, Step
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import Recorder
from pipeline.messages import Received, Sample
from pipeline.question import ANSWERS, read_question
from pipeline.run import paced, run
from pipeline.security import make_keys
from pipeline.wire import to_frames

ANYWHERE = Bus(address="tcp://127.0.0.1:*")
BEHIND = 100_000_000


def behind() -> int:
    return time.time_ns() - BEHIND


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask ten times a second, and answer soon."""
    monkeypatch.setattr(pipeline.bus, "ASK_S", 0.1)
    monkeypatch.setattr(pipeline.bus, "HEARTBEAT_S", 0.05)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with closing(Subscriber(ANYWHERE, [IMU, CAMERA], Ledger())) as listening:
        yield listening


class Stream:
    """Sends a reading each time that it is told to, stamped by the clock ``now``."""

    def __init__(
        self,
        subscriber: Subscriber,
        now: Callable[[], int] = time.time_ns,
        topic: str = "/imu",
        security: Security | None = None,
        stamps: Callable[[], int] | None = None,
    ) -> None:
        self.publisher = Publisher(subscriber.address, security, now=now)
        self.topic, self.stamps, self.seq = topic, stamps or now, 0
        assert self.publisher.wait(5)

    def send(self) -> None:
        data = np.array([0, 0, 9.81, 0, 0, 0])
        self.publisher.publish(Sample(topic=self.topic, stamp=self.stamps(), frame_id="", seq=self.seq, data=data))
        self.seq += 1

    def close(self) -> None:
        self.publisher.close()


def steps_until(
    subscriber: Subscriber,
    streams: Sequence[Stream],
    enough: Callable[[list[Received | Exchange]], object],
    timeout_s: float = 10.0,
) -> list[Received | Exchange]:
    """Let ``streams`` send until ``enough`` has come of it."""
    steps: list[Received | Exchange] = []
    end = time.monotonic() + timeout_s
    while not enough(steps):
        assert time.monotonic() < end, "nothing happened"
        for stream in streams:
            stream.send()
        time.sleep(0.005)
        steps += subscriber.steps()
    return steps


def exchanges(steps: Sequence[Received | Exchange], session: str = "") -> list[Exchange]:
    return [step for step in steps if isinstance(step, Exchange) and session in ("", step.session)]


def test_a_sender_is_asked_and_tells_its_clock(subscriber: Subscriber) -> None:
    with closing(Stream(subscriber, behind)) as stream:
        end = time.monotonic() + 10
        while len(subscriber._exchanges) < 3:
            assert time.monotonic() < end
            stream.send()
            time.sleep(0.005)
        steps = subscriber.steps()
    for one in exchanges(steps):
        half = ((one.t4 - one.t1) - (one.t3 - one.t2)) / 2
        assert one.session == stream.publisher.session
        assert abs((one.t2 - one.t1 + one.t3 - one.t4) / 2 + BEHIND) <= half
    assert [step.received for step in steps] == sorted(step.received for step in steps)
    assert steps.index(exchanges(steps)[0]) > 0
    assert UNKNOWN not in subscriber.ledger.topics
    assert subscriber.ledger.row("/imu")["rejected"] == 0


def test_take_gives_samples_alone(subscriber: Subscriber) -> None:
    with closing(Stream(subscriber)) as stream:
        steps_until(subscriber, [stream], exchanges)
        stream.send()
        end = time.monotonic() + 5
        while not (taken := subscriber.take()):
            assert time.monotonic() < end
    assert all(isinstance(one, Received) for one in taken)


@pytest.mark.parametrize("off_s", [-1.0, 0.3], ids=["from the future", "too old"])
def test_a_sender_whose_stamps_are_of_another_clock_does_not_answer(subscriber: Subscriber, off_s: float) -> None:
    right = Stream(subscriber)
    wrong = Stream(subscriber, topic="/camera", stamps=lambda: time.time_ns() - round(off_s * 1e9))
    with closing(right), closing(wrong):
        steps = steps_until(subscriber, [right, wrong], lambda steps: len(exchanges(steps)) >= 4)
    assert not exchanges(steps, wrong.publisher.session)


@pytest.mark.parametrize("off_s", [1.0, -0.3], ids=["ahead", "behind"])
def test_a_sender_stops_answering_when_its_stamps_leave_the_clock(subscriber: Subscriber, off_s: float) -> None:
    right, leaving = Stream(subscriber), Stream(subscriber, topic="/camera")
    session = leaving.publisher.session
    with closing(right), closing(leaving):
        steps_until(subscriber, [right, leaving], lambda steps: len(exchanges(steps, session)) >= 2)
        leaving.stamps = lambda: time.time_ns() + round(off_s * 1e9)
        steps_until(subscriber, [right, leaving], lambda _: not leaving.publisher._answerer.may_answer.is_set())
        steps_until(subscriber, [right, leaving], exchanges)
        steps = steps_until(subscriber, [right, leaving], lambda steps: len(exchanges(steps)) >= 2)
    assert not exchanges(steps, session)


def test_who_cannot_answer_is_served_as_well(subscriber: Subscriber) -> None:
    plain: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUB)
    with plain, closing(Stream(subscriber)) as stream:
        plain.setsockopt(zmq.LINGER, 0)
        plain.connect(subscriber.address)
        sent = iter(range(10**6))

        def both(steps: list[Received | Exchange]) -> bool:
            plain.send_multipart(
                to_frames(
                    Sample(
                        topic="/camera",
                        stamp=time.time_ns(),
                        frame_id="",
                        seq=next(sent),
                        data=np.zeros((4, 4), np.uint8),
                    ),
                    "p",
                )
            )
            of_plain = [step for step in steps if isinstance(step, Received) and step.session == "p"]
            return len(of_plain) > 20 and len(exchanges(steps)) > 3

        steps = steps_until(subscriber, [stream], both)
    assert {one.session for one in exchanges(steps)} == {stream.publisher.session}
    assert UNKNOWN not in subscriber.ledger.topics
    assert subscriber.ledger.row("/camera")["gap"] == 0


@pytest.fixture
def liar(subscriber: Subscriber) -> Iterator[zmq.Socket[bytes]]:
    """A connected sender that answers what it likes."""
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
    with socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(subscriber.address)
        assert socket.poll(5000)
        yield socket


def lies(socket: zmq.Socket[bytes], **fields: object) -> None:
    told = {"version": 1, "session": "s", "asked_ns": 1, "heard_ns": 1, "sent_ns": 1} | fields
    socket.send_multipart([ANSWERS, msgspec.msgpack.encode(told), b""])


def rejected(subscriber: Subscriber) -> dict[str, int]:
    return subscriber.ledger.details(UNKNOWN)


def test_false_answers_are_counted_by_cause_and_believed_by_nobody(
    subscriber: Subscriber, liar: zmq.Socket[bytes]
) -> None:
    with closing(Stream(subscriber)) as stream:
        session = stream.publisher.session
        steps = steps_until(subscriber, [stream], exchanges)
        lies(liar)
        lies(liar, session=session)
        lies(liar, session=session, sent_ns="now")
        liar.send_multipart([ANSWERS])
        liar.send_multipart([ANSWERS, np.random.default_rng(0).bytes(5000), b"", b""])
        liar.send_multipart([b"", b""])
        due = {"rejected answer session": 1, "rejected answer late": 1, "rejected answer": 3, "rejected truncated": 1}
        steps += steps_until(subscriber, [stream], lambda _: rejected(subscriber) == due)
        steps += steps_until(subscriber, [stream], exchanges)
    assert all(one.t2 > 10**18 for one in exchanges(steps))
    assert subscriber.ledger.row(UNKNOWN)["received"] == subscriber.ledger.row(UNKNOWN)["rejected"] == 6
    assert subscriber.ledger.row("/imu")["rejected"] == subscriber.ledger.row("/imu")["gap"] == 0


def test_who_answers_twice_or_in_times_that_cannot_be_is_counted(
    subscriber: Subscriber, liar: zmq.Socket[bytes]
) -> None:
    sample = Sample(topic="/camera", stamp=time.time_ns(), frame_id="", seq=0, data=np.zeros((4, 4), np.uint8))
    liar.send_multipart(to_frames(sample, "s"))

    def heard(steps: list[Received | Exchange]) -> bool:
        if liar.poll(0) and (question := read_question(liar.recv())):
            now = question.asked_ns
            lies(liar, asked_ns=now, heard_ns=now, sent_ns=now - 1)
            lies(liar, asked_ns=now, heard_ns=now + 5, sent_ns=now + 6)
            lies(liar, asked_ns=now, heard_ns=now + 7, sent_ns=now + 8)
        return {"rejected answer time", "rejected answer twice"} <= rejected(subscriber).keys() and bool(
            exchanges(steps)
        )

    steps = steps_until(subscriber, [], heard)
    assert {one.t2 - one.t1 for one in exchanges(steps)} == {5}


def test_with_keys_only_the_known_are_asked(tmp_path: Path) -> None:
    make_keys(tmp_path / "rig", "front")
    keys = Security(keys=str(tmp_path / "rig"))
    with closing(Subscriber(ANYWHERE, [IMU], Ledger(), keys)) as subscriber:
        stranger: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
        with stranger, closing(Stream(subscriber, behind, security=keys)) as stream:
            stranger.setsockopt(zmq.LINGER, 0)
            stranger.connect(subscriber.address)
            steps = steps_until(subscriber, [stream], lambda steps: len(exchanges(steps)) >= 3)
            assert not stranger.poll(0)
    assert {one.session for one in exchanges(steps)} == {stream.publisher.session}


def test_questions_do_not_gather_at_the_sender(subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.bus, "ASK_S", 0.0)
    with closing(Stream(subscriber)) as stream:
        steps_until(subscriber, [stream], lambda steps: len(exchanges(steps)) >= 2)
        monkeypatch.setattr(pipeline.bus, "ASK_S", 3600.0)
        monkeypatch.setattr(pipeline.bus, "HEARTBEAT_S", 0.0)
        steps_until(subscriber, [stream], lambda _: stream.seq > 100 and not stream.publisher._socket.poll(0))
    assert stream.publisher.dropped == 0


def bound_again(address: str) -> Subscriber:
    """Listen where somebody has just ceased to: ZeroMQ lets go of an address in its own time."""
    end = time.monotonic() + 5
    while True:
        try:
            return Subscriber(Bus(address=address), [IMU], Ledger())
        except PipelineError:
            assert time.monotonic() < end


def test_a_sender_answers_an_ingest_that_came_back(subscriber: Subscriber) -> None:
    with closing(Stream(subscriber)) as stream:
        steps_until(subscriber, [stream], exchanges)
        subscriber.close()
        with closing(bound_again(subscriber.address)) as again:
            steps = steps_until(again, [stream], exchanges)
    assert exchanges(steps, stream.publisher.session)


class Stopping:
    """The steps of a subscriber, until the exchanges have told and a few windows have gone."""

    def __init__(self, subscriber: Subscriber, stream: Stream, line: Line) -> None:
        self.subscriber, self.stream, self.line = subscriber, stream, line

    async def steps(self) -> AsyncIterator[Sequence[Step]]:
        end, due = time.monotonic() + 20, 0
        async for batch in self.subscriber.arrivals():
            assert time.monotonic() < end
            self.stream.send()
            yield batch
            if not due and self.line.clock.report("/imu").offset_ns:
                due = self.line.windows + 5
            if due and self.line.windows >= due:
                self.subscriber.stop()


def test_a_run_in_which_an_exchange_set_a_clock_right_is_repeated_bit_for_bit(tmp_path: Path) -> None:
    window = Windowing(length_s=0.5, stride_s=0.1, dead_s=1.0, context_s={"imu": 0.5})
    config = Config(channels=[IMU], window=window, model=Model(max_in_flight=50))

    def line_of(recorder: Recorder | None = None) -> Line:
        encoders = {"imu": Counting("imu")}
        return Line(config, Engine(encoders, Local(encoders), 30.0), CrossAttention(), [Marking()], [], recorder)

    async def runs(source: AsyncIterator[Sequence[Step]], line: Line, now: Callable[[], int] | None = None) -> None:
        async for _ in run(source, line, now):
            pass
        await line.close()

    live = line_of(Recorder(tmp_path / "run.mcap", config))
    with (
        closing(Subscriber(ANYWHERE, [IMU], live.ledger)) as subscriber,
        closing(Stream(subscriber, behind)) as stream,
    ):
        asyncio.run(runs(Stopping(subscriber, stream, live).steps(), live, time.time_ns))
    report = live.clock.report("/imu")
    assert report.method == "exchange"
    assert abs(report.offset_ns - BEHIND) < 20_000_000
    recorded = Recorded(tmp_path / "run.mcap")
    again, without = line_of(), line_of()
    asyncio.run(runs(paced(recorded.steps(), again, None), again))
    asyncio.run(runs(paced(recorded.samples(), without, None), without))
    assert again.digest.hex() == live.digest.hex() == recorded.digests
    assert without.digest.hex()["windows"] != live.digest.hex()["windows"]
    assert without.clock.report("/imu").method == "trusted"
