"""The simulated IMU feels gravity and has the limits of a chip."""

import numpy as np
import pytest

from pipeline.messages import NS
from sensors.simulator import Imu
from sensors.simulator.imu import ACCEL_RANGE, GYRO_RANGE, Chip
from sensors.simulator.scenario import Variant
from sensors.simulator.world import Trace, World


@pytest.mark.parametrize("variant", ["rover", "drone"])
def test_true_acceleration_at_rest_is_gravity(variant: Variant) -> None:
    world = World(0, variant, "calm")
    world.advance(NS // 2)
    accel = world.trace(0, NS // 2)[:, Trace.accel].mean(axis=0)
    assert np.linalg.norm(accel) == pytest.approx(9.81, abs=0.1)


def test_measured_acceleration_at_rest_is_gravity_and_an_offset() -> None:
    readings = np.array([sample.data for sample in Imu(scenario="calm", duration_s=1.0, realtime=False)])
    assert np.linalg.norm(readings[:, :3].mean(axis=0)) == pytest.approx(9.81, abs=1.0)
    assert 0.005 < readings[:, :3].std(axis=0).max() < 0.1
    assert np.abs(readings[:, 3:]).max() < 0.1


def test_chip_saturates_at_16_g_and_2000_degrees_a_second() -> None:
    chip = Chip(np.random.default_rng(0), 200.0)
    assert chip.measure(np.full(6, 1e6)).tolist() == pytest.approx([ACCEL_RANGE] * 3 + [GYRO_RANGE] * 3)
    assert chip.measure(np.full(6, -1e6)).tolist() == pytest.approx([-ACCEL_RANGE] * 3 + [-GYRO_RANGE] * 3)


def test_noise_has_the_density_of_the_data_sheet() -> None:
    chip = Chip(np.random.default_rng(0), 200.0)
    readings = np.array([chip.measure(np.zeros(6)) for _ in range(4000)])
    steps = np.diff(readings, axis=0).std(axis=0) / np.sqrt(2)  # differences do not see the offset
    assert steps[:3] == pytest.approx(230e-6 * 9.80665 * 10, rel=0.1)
    assert steps[3:] == pytest.approx(np.radians(0.015) * 10, rel=0.1)


def test_offsets_wander() -> None:
    chip = Chip(np.random.default_rng(0), 1.0)
    readings = np.array([chip.measure(np.zeros(6)) for _ in range(4000)])
    drift = readings[3000:].mean(axis=0) - readings[:1000].mean(axis=0)
    assert np.linalg.norm(drift[:3]) > 0.01
    assert np.linalg.norm(drift[3:]) > 0.0005
