"""Stamps are moved by what calibration found, and refused when they lie in the future."""

import msgspec
from makers import IMU, T0, sample

from pipeline.clock import MAX_AHEAD, Clock
from pipeline.messages import Calibration, Received


def test_the_calibrated_offset_is_added() -> None:
    late = msgspec.structs.replace(IMU, calibration=Calibration(time_offset_s=-0.05))
    corrected = Clock([late]).correct(Received(sample=sample(), received=T0))
    assert corrected is not None
    assert corrected.stamp == T0 - 50_000_000


def test_a_stamp_from_the_future_is_refused() -> None:
    clock = Clock([IMU])
    assert clock.correct(Received(sample=sample(), received=T0 - MAX_AHEAD)) is not None
    assert clock.correct(Received(sample=sample(), received=T0 - MAX_AHEAD - 1)) is None
