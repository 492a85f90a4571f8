"""An encoder that is slow, broken or nonsensical costs its own modality and nothing else."""

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest
from fakes import Broken, Counting
from makers import CAMERA, IMU, MICROPHONE, RIG, streams

from pipeline.config import Channel, Model, Part, Windowing
from pipeline.engine import Engine, Local, blank_window, build_encoders
from pipeline.errors import ConfigError, EngineError
from pipeline.messages import Embedding, Encoder, Window
from pipeline.sync import Synchronizer


def last_window(channels: list[Channel]) -> Window:
    synchronizer = Synchronizer(Windowing(), channels)
    for item in streams(channels, 0, 6):
        synchronizer.push(item)
    return synchronizer.finish()[0]


def encode(encoders: Mapping[str, Encoder], window: Window, times: int = 1) -> tuple[list[list[Embedding]], Engine]:
    async def session() -> tuple[list[list[Embedding]], Engine]:
        engine = Engine(encoders, Local(encoders), deadline_s=0.2)
        answers = [await engine.encode(window) for _ in range(times)]
        await engine.close()
        return answers, engine

    return asyncio.run(session())


def test_every_topic_gets_its_vector() -> None:
    window = last_window(RIG)
    ((*embeddings,),), engine = encode({channel.modality: Counting(channel.modality) for channel in RIG}, window)
    assert [embedding.topic for embedding in embeddings] == [channel.topic for channel in RIG]
    for embedding in embeddings:
        angle = len(window.clips[embedding.topic].samples) / 1000
        np.testing.assert_allclose(embedding.vector[:2], [np.cos(angle), np.sin(angle)], rtol=1e-6)
        assert embedding.stamp == window.end
    assert not engine.faults


def test_the_topics_of_a_modality_are_one_batch() -> None:
    class Watching(Counting):
        rows: list[int] = []  # noqa: RUF012

        def embed(self, batch: np.ndarray) -> np.ndarray:
            self.rows.append(len(batch))
            return super().embed(batch)

    cameras = [Channel(f"/camera/{side}", "vision", 15.0) for side in ("left", "right", "rear")]
    ((*embeddings,),), _ = encode({"vision": Watching("vision")}, last_window(cameras))
    assert len(embeddings) == 3
    assert Watching.rows == [3]


@pytest.mark.parametrize(
    ("how", "cause", "detail"),
    [
        ("raises", "error", "RuntimeError: out of order"),
        ("nan", "output", "embed gave rows that are not of unit length"),
        ("shape", "output", r"embed gave (1, 2), (1, 4) was due"),
        ("rows", "output", r"embed gave (2, 4), (1, 4) was due"),
        ("slow", "deadline", "no answer within 0.2 s"),
        ("input", "input", "/imu: cannot read this clip"),
        ("named input", "input", "/imu: cannot read this clip"),
    ],
)
def test_a_broken_encoder_is_absent_and_named(how: str, cause: str, detail: str) -> None:
    encoders: dict[str, Encoder] = {"imu": Broken("imu", how=how), "audio": Counting("audio")}
    answers, engine = encode(encoders, last_window([MICROPHONE, IMU]))
    assert "/imu" not in {embedding.topic for embedding in answers[0]}
    if how != "slow":  # one thread embeds in this process: who waits behind a slow encoder may be late as well
        assert [embedding.topic for embedding in answers[0]] == ["/microphone"]
    assert engine.faults["imu", cause] == 1
    assert engine.last_error["imu"] == detail


def test_an_encoder_that_recovers_is_present_again() -> None:
    class Stumbling(Counting):
        calls = 0

        def embed(self, batch: np.ndarray) -> np.ndarray:
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("stumbled")
            return super().embed(batch)

    answers, engine = encode({"imu": Stumbling()}, last_window([IMU]), times=3)
    assert [len(answer) for answer in answers] == [1, 0, 1]
    assert engine.faults["imu", "error"] == 1


@pytest.mark.parametrize(("how", "cause"), [("raises", "RuntimeError: out of"), ("named input", "cannot read")])
def test_an_encoder_that_cannot_answer_at_all_is_told_at_the_start(how: str, cause: str) -> None:
    async def start() -> None:
        encoders = {"imu": Broken("imu", how=how)}
        await Engine(encoders, Local(encoders), 1.0).start([IMU])

    with pytest.raises(EngineError, match=rf"model\.encoders\.imu: no embedding of a blank /imu: {cause}"):
        asyncio.run(start())


def test_one_space_has_one_dimension() -> None:
    parts = {"imu": Part("fakes:Counting"), "audio": Part("fakes:Counting", {"modality": "audio", "dim": 8})}
    with pytest.raises(ConfigError, match=r"one space needs one dimension, these have imu 4, audio 8"):
        build_encoders(Model(), parts, parts)


def test_an_encoder_of_another_modality_is_told() -> None:
    with pytest.raises(ConfigError, match=r"model\.encoders\.audio: fakes:Counting encodes imu"):
        build_encoders(Model(), {"audio": Part("fakes:Counting")}, ["audio"])


def test_a_blank_window_has_a_clip_of_every_channel() -> None:
    window = blank_window(RIG)
    assert {topic: len(clip.samples) for topic, clip in window.clips.items()} == {
        "/camera": 30,
        "/thermal": 18,
        "/depth": 20,
        "/imu": 400,
        "/microphone": 100,
    }
    assert CAMERA.topic in window.coverage
