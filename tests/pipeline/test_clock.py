"""A sender's clock is estimated, followed, corrected and told about; a healthy one is left alone."""

import msgspec
import pytest
from makers import CAMERA, IMU, MICROPHONE, T0, sample
from senders import arrivals, kept, quick, stepping, taking

from pipeline.clock import Clock
from pipeline.config import Channel
from pipeline.messages import NS, Calibration, Received, Sample

MS = 1_000_000
CHANNELS = [CAMERA, IMU, MICROPHONE]


def errors_ms(channel: Channel, stream: list[Received], after_s: float, clock: Clock | None = None) -> list[float]:
    """Return how far each corrected stamp is from the truth, from ``after_s`` on."""
    clock = clock or Clock([channel])
    errors = []
    for received in stream:
        corrected = clock.correct(received)
        if isinstance(corrected, Sample) and received.received - T0 > after_s * NS:
            errors.append((corrected.stamp - T0 - received.sample.seq * channel.period) / MS)
    return errors


def told(channel: Channel, stream: list[Received]) -> dict[str, str]:
    """Return the kinds and the texts of what happened."""
    clock = Clock([channel])
    for received in stream:
        clock.correct(received)
    return {incident.kind: incident.text for incident in clock.incidents()}


def test_the_calibrated_offset_is_added() -> None:
    late = msgspec.structs.replace(IMU, calibration=Calibration(time_offset_s=-0.05))
    corrected = Clock([late]).correct(Received(sample=sample(), received=T0))
    assert isinstance(corrected, Sample)
    assert corrected.stamp == T0 - 50 * MS


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.modality)
@pytest.mark.parametrize("delay_s", [0.0, 0.04, 0.15])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_healthy_clock_is_left_alone_whatever_its_delay(channel: Channel, delay_s: float, seed: int) -> None:
    stream = arrivals(channel, 60, delay=taking(delay_s, 0.004), seed=seed)
    assert max(map(abs, errors_ms(channel, stream, 0))) < 1
    assert not told(channel, stream)


@pytest.mark.parametrize("offset_s", [-0.25, 0.25, 3.0, -3600.0])
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.modality)
def test_another_clocks_offset_is_found_within_ten_seconds(channel: Channel, offset_s: float) -> None:
    """T1: within 2 ms under 1 ms of jitter; the smallest delay, 0.5 ms, cannot be told from an offset."""
    chunk_s = 0.02 if channel is MICROPHONE else 0.0  # sound is sent once it has been heard to its end
    stream = arrivals(channel, 20, kept(offset_s), lambda rng, number: quick(rng, number) + chunk_s)
    assert max(map(abs, errors_ms(channel, stream, 10))) < 2
    assert "offset" in told(channel, stream)


@pytest.mark.parametrize("ppm", [100, -100])
@pytest.mark.parametrize("channel", [CAMERA, IMU], ids=lambda channel: channel.modality)
def test_a_crystals_skew_is_followed(channel: Channel, ppm: float) -> None:
    """T2: 100 ppm are 12 ms after two minutes; 2 ms at most remain, after the first minute."""
    stream = arrivals(channel, 120, kept(0.0, ppm))
    assert max(map(abs, errors_ms(channel, stream, 60))) < 2
    assert "skew" not in told(channel, stream)


def test_a_skew_beyond_crystals_is_told_and_corrected() -> None:
    """T2: 2000 ppm are 120 ms a minute."""
    stream = arrivals(IMU, 120, kept(0.0, 2000))
    assert "beyond what crystals do" in told(IMU, stream)["skew"]
    assert max(map(abs, errors_ms(IMU, stream, 60))) < 5


@pytest.mark.parametrize("by_s", [1.0, -1.0])
def test_a_step_is_told_and_followed_within_five_seconds(by_s: float) -> None:
    """T3."""
    stream = arrivals(IMU, 40, stepping(20, by_s))
    assert max(map(abs, errors_ms(IMU, stream, 25))) < 2
    assert "step" in told(IMU, stream)


@pytest.mark.parametrize(("unit", "divisor"), [("us", 1000), ("ms", 1_000_000)])
def test_stamps_in_another_unit_are_corrected_and_told(unit: str, divisor: int) -> None:
    """T5."""
    stream = [
        msgspec.structs.replace(
            received, sample=msgspec.structs.replace(received.sample, stamp=received.sample.stamp // divisor)
        )
        for received in arrivals(CAMERA, 20)
    ]
    assert max(map(abs, errors_ms(CAMERA, stream, 0))) < 2
    assert "not ns" in told(CAMERA, stream)["unit"]


def test_frozen_stamps_are_refused_and_told() -> None:
    stream = arrivals(CAMERA, 20)
    frozen = [
        msgspec.structs.replace(
            received, sample=msgspec.structs.replace(received.sample, stamp=min(received.sample.stamp, T0 + 10 * NS))
        )
        for received in stream
    ]
    clock = Clock([CAMERA])
    answers = [clock.correct(received) for received in frozen]
    assert answers.count("frozen") > 100
    assert "stands still" in told(CAMERA, frozen)["frozen"]


def test_a_sender_without_stamps_gets_the_time_of_receipt() -> None:
    """T10."""
    stream = [
        msgspec.structs.replace(received, sample=msgspec.structs.replace(received.sample, stamp=0))
        for received in arrivals(CAMERA, 20)
    ]
    clock = Clock([CAMERA])
    stamps = [(received, clock.correct(received)) for received in stream]
    late = [
        corrected.stamp - received.received for received, corrected in stamps[100:] if isinstance(corrected, Sample)
    ]
    assert len(late) == len(stamps) - 100
    assert max(map(abs, late)) < 100 * MS
    assert clock.report(CAMERA.topic).method == "receipt"
    assert "no stamps" in told(CAMERA, stream)


def test_a_single_stamp_far_in_the_future_is_refused() -> None:
    stream = arrivals(IMU, 20)
    odd = stream[2000]
    stream[2000] = msgspec.structs.replace(
        odd, sample=msgspec.structs.replace(odd.sample, stamp=odd.sample.stamp + 600 * NS)
    )
    clock = Clock([IMU])
    answers = [clock.correct(received) for received in stream]
    assert answers[2000] == "future"
    assert sum(isinstance(answer, str) for answer in answers) == 1
