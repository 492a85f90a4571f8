"""What a page is told reaches Foxglove and Rerun too, in a form that they draw."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from makers import CAMERA, DEPTH, IMU, MICROPHONE, THERMAL
from msgspec.structs import replace
from situations import clip
from test_monitor_page import free_port
from test_rerun import columns
from viewing import CHANNELS, FIRE, observation, received

from pipeline.feed import FeedPublisher, FeedSubscriber, Seen, Told
from pipeline.gate import refusal
from pipeline.messages import Event, Observation, Received
from pipeline.monitor.relay import Relay, relayed

pytest.importorskip("rerun")
from pipeline.monitor.rerun import Rerun


class Eyes:
    """A viewer that remembers."""

    def __init__(self) -> None:
        self.samples: list[Received] = []
        self.said: list[Observation | Event] = []
        self.show = self.write = self.said.append
        self.sample = self.samples.append

    def close(self) -> None:
        self.said.clear()


@pytest.fixture(scope="module")
def told() -> list[Told]:
    """What a feed tells of a sample of each sense, a window and an event."""
    clips = {channel.topic: replace(clip(channel.modality), topic=channel.topic) for channel in (IMU, MICROPHONE)}
    window = replace(observation().window, clips=clips)
    address = f"tcp://127.0.0.1:{free_port()}"
    modalities = {channel.topic: channel.modality for channel in CHANNELS}
    with closing(FeedPublisher(address, modalities)) as feed, closing(FeedSubscriber(address)) as subscriber:
        assert list(subscriber.hear()) == []
        assert feed.wait(10)
        for channel in CHANNELS:
            feed.sample(received(channel))
        feed.write(FIRE)
        feed.show(replace(observation(), window=window))
        return list(_until_a_window(subscriber))


def _until_a_window(subscriber: FeedSubscriber) -> Iterator[Told]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for one in subscriber.hear():
            yield one
            if isinstance(one, Seen):
                return


def test_every_sample_is_one_that_its_channel_lets_in(told: list[Told]) -> None:
    eyes, shown = Eyes(), {channel.topic: channel for channel in relayed(CHANNELS)}
    relay = Relay(list(shown.values()), [eyes])
    for word in told:
        relay.take(word)
    assert {one.sample.topic for one in eyes.samples} == {c.topic for c in (CAMERA, DEPTH, THERMAL, IMU, MICROPHONE)}
    for one in eyes.samples:
        channel = shown[one.sample.topic]
        assert refusal(one.sample, channel.modality, channel.calibration.shape) is None
    picture = next(one.sample for one in eyes.samples if one.sample.topic == THERMAL.topic)
    assert (picture.data.ndim, picture.stamp) == (3, received(THERMAL).sample.stamp)
    readings = [one.sample.data for one in eyes.samples if one.sample.topic == IMU.topic]
    late = [one.data for one in clip("imu").samples if one.stamp > clip("imu").end - 10**9]
    np.testing.assert_allclose(readings, late, rtol=1e-6)
    event, window = eyes.said
    assert event == FIRE
    assert isinstance(window, Observation)
    assert window.weights == {"/camera": 1.0}
    assert window.window.states == {"/camera": "ok", "/imu": "stale"}


def test_rerun_reads_back_what_a_page_was_told(told: list[Told], tmp_path: Path) -> None:
    path, shown = tmp_path / "page.rrd", relayed(CHANNELS)
    with closing(Relay(shown, [Rerun(str(path), shown, complete=True)])) as relay:
        for word in told:
            relay.take(word)
    logged = columns(path)
    for topic in (CAMERA.topic, DEPTH.topic, THERMAL.topic):
        assert bytes(logged[topic]["blob"][0][0])[:2] == b"\xff\xd8"
    assert len(logged[f"{IMU.topic}/acceleration"]["scalars"]) > 10
    assert f"{MICROPHONE.topic}/level" in logged
    assert logged["/rigbind/events"]["text"] == [["opened fire <b>, score 0.75"]]
