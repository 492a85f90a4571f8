import pickle

import numpy as np
import pytest
from makers import IMU, T0
from msgspec.structs import replace
from shaken import SHAKEN, Motion, observed

from operators.curve import BIN, CHUNK
from operators.witness import Witness
from pipeline.config import Channel
from pipeline.messages import NS, Clip

FIRST = T0 // BIN // CHUNK + 1
"""The first chunk that lies after T0 with its margins."""


def whole_clip(channel: Channel, seconds: float) -> Clip:
    samples = tuple(Motion(seconds).stream(channel))
    return Clip(
        topic=channel.topic,
        modality=channel.modality,
        start=T0,
        end=T0 + round(seconds * NS),
        samples=samples,
        coverage=1.0,
        calibration=channel.calibration,
    )


@pytest.mark.parametrize("channel", SHAKEN, ids=lambda channel: channel.modality)
def test_overlapping_windows_tell_what_one_long_clip_tells(channel: Channel) -> None:
    at_once, by_window = Witness(channel.modality, 9), Witness(channel.modality, 9)
    at_once.listen(whole_clip(channel, 15))
    for observation in observed(Motion(15).stream(channel), [channel]):
        for clip in observation.window.clips.values():
            by_window.listen(clip)
    for witness in (at_once, by_window):
        for curve in witness.curves.values():
            curve.cut(FIRST)
    for sense, curve in at_once.curves.items():
        assert curve.numbers == {FIRST}
        np.testing.assert_allclose(by_window.curves[sense].standard([FIRST]), curve.standard([FIRST]), atol=1e-6)


@pytest.mark.parametrize("channel", SHAKEN, ids=lambda channel: channel.modality)
def test_the_same_clip_again_is_no_news(channel: Channel) -> None:
    witness, again = Witness(channel.modality, 9), Witness(channel.modality, 9)
    clip = whole_clip(channel, 15)
    for _ in range(2):
        again.listen(clip)
    witness.listen(clip)
    assert pickle.dumps(again) == pickle.dumps(witness)


def test_samples_that_come_one_a_clip_tell_the_same() -> None:
    clip = whole_clip(IMU, 15)
    at_once, by_sample = Witness("imu", 9), Witness("imu", 9)
    at_once.listen(clip)
    for number in range(len(clip.samples)):
        by_sample.listen(replace(clip, samples=clip.samples[number : number + 1]))
    for witness in (at_once, by_sample):
        for curve in witness.curves.values():
            curve.cut(FIRST)
    for sense in ("shock", "motion"):
        told = by_sample.curves[sense].standard([FIRST])
        np.testing.assert_allclose(told, at_once.curves[sense].standard([FIRST]), atol=1e-6)
