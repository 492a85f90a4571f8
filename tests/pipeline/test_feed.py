"""A line shows itself over a socket, and never waits for who looks on."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
import zmq
from makers import received, sample
from msgspec.structs import replace
from situations import clip, observe

from pipeline.errors import PipelineError, SecurityError
from pipeline.feed import FeedPublisher, FeedSubscriber, Heard, Picture, Seen, Told
from pipeline.health import Health
from pipeline.messages import Event, Observation

MODALITIES = {"/camera": "vision", "/imu": "imu", "/microphone": "audio"}
EVENT = Event(id="a", phase="opened", start=1, end=2, label="bump", score=3.0, source="x", pictures={"/camera": b"j"})


@pytest.fixture
def address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


def observation(number: int = 0) -> Observation:
    seen = observe(number, {topic: np.ones(8) for topic in MODALITIES})
    clips = {topic: replace(clip(modality), topic=topic) for topic, modality in MODALITIES.items()}
    return replace(seen, window=replace(seen.window, clips=clips), scores={"tagging/fire": 0.5})


def heard(subscriber: FeedSubscriber, publisher: FeedPublisher, until: int) -> Iterator[Told]:
    """Yield what comes until there were so many windows, showing new ones meanwhile."""
    windows = number = 0
    deadline = time.monotonic() + 30
    while windows < until and time.monotonic() < deadline:
        publisher.sample(received([sample("/imu", seq=number, data=np.zeros(6))])[0])
        picture = np.full((48, 64, 3), 99, np.uint8)
        publisher.sample(received([sample("/camera", seq=number, data=picture)])[0])
        publisher.write(EVENT)
        publisher.show(observation(number))
        number += 1
        for told in subscriber.hear():
            windows += isinstance(told, Seen)
            yield told


def test_all_that_is_shown_is_heard(address: str) -> None:
    with closing(FeedPublisher(address, MODALITIES)) as publisher, closing(FeedSubscriber(address)) as subscriber:
        publisher.watch(lambda: Health(windows=7))
        told = list(heard(subscriber, publisher, 3))
    kinds = {type(one) for one in told}
    assert kinds == {Picture, Heard, Seen, Event}
    picture = next(one for one in told if isinstance(one, Picture))
    assert (picture.topic, picture.jpeg[:2]) == ("/camera", b"\xff\xd8")
    assert next(one for one in told if isinstance(one, Event)) == EVENT
    seen = next(one for one in told if isinstance(one, Seen))
    assert (seen.health.windows, seen.scores) == (7, {"tagging/fire": 0.5})
    assert set(seen.vectors) == set(MODALITIES)
    np.testing.assert_allclose(np.linalg.norm(np.frombuffer(seen.fused, "<f4")), 1, atol=1e-5)


def test_a_trace_has_each_reading_once(address: str) -> None:
    whole = observation().window.clips["/imu"]
    with closing(FeedPublisher(address, MODALITIES)) as publisher:
        first = publisher._trace(whole)
        again = publisher._trace(whole)
    assert first is not None
    assert again is None
    rows = np.frombuffer(first.values, "<f4").reshape(-1, first.columns)
    late = [one.data for one in whole.samples if one.stamp > whole.end - 10**9]
    np.testing.assert_allclose(rows, np.stack(late), rtol=1e-6)


def test_a_line_does_not_wait_for_readers_that_never_read(address: str) -> None:
    publisher, context = FeedPublisher(address, MODALITIES), zmq.Context()
    with closing(publisher), context, context.socket(zmq.SUB) as silent:
        silent.setsockopt(zmq.LINGER, 0)
        silent.setsockopt(zmq.RCVHWM, 1)
        silent.setsockopt(zmq.SUBSCRIBE, b"")
        silent.connect(address)
        shown = [observation(number) for number in range(3)]
        for number in range(3000):
            publisher.show(shown[number % 3])
        assert len(publisher._said) <= 1000


def test_what_is_no_part_of_a_feed_is_passed_over(address: str) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as stranger, closing(FeedSubscriber(address)) as subscriber:
        stranger.setsockopt(zmq.LINGER, 0)
        stranger.bind(address)
        deadline = time.monotonic() + 20
        told: list[Told] = []
        while not told and time.monotonic() < deadline:
            for frames in ([b"window", b"\x93"], [b"smell", b"x"], [b"event"], [b"heard", b"\x80"]):
                stranger.send_multipart(frames)
            stranger.send_multipart([b"heard", b"\x83\xa5topic\xa2/x\xa5stamp\x01\xa8received\x02"])
            told = list(subscriber.hear())
    assert set(told) == {Heard(topic="/x", stamp=1, received=2)}


def test_an_address_in_use_and_one_open_to_all_are_refused(address: str) -> None:
    with (
        closing(FeedPublisher(address)),
        pytest.raises(PipelineError, match=r"no page can listen there; see bus\.feed"),
    ):
        FeedPublisher(address)
    with pytest.raises(SecurityError):
        FeedPublisher("tcp://0.0.0.0:5573")


def test_nothing_is_drawn_or_kept_while_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def draw(modality: str, *_: object) -> tuple[bytes, None]:
        drawn.append(modality)
        return b"", None

    monkeypatch.setattr("pipeline.feed.scaled_picture", draw)
    with closing(FeedPublisher(address, MODALITIES)) as publisher:
        publisher.sample(received([sample("/camera", data=np.zeros((4, 4, 3), np.uint8))])[0])
        publisher.show(observation())
        wait_until(lambda: not publisher._said)
        assert drawn == []
        with closing(FeedSubscriber(address)) as subscriber:
            assert publisher.wait(10)
            wait_until(lambda: bool(drawn))
            list(subscriber.hear())


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
