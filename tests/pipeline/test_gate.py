"""Only readings that their modality can mean get to the synchronizer."""

import numpy as np
import pytest
from makers import sample

from pipeline.gate import refusal
from pipeline.messages import Array, Modality


@pytest.mark.parametrize(
    ("modality", "data"),
    [
        ("vision", np.zeros((2, 3, 3), np.uint8)),
        ("vision", np.zeros((2, 3), np.uint8)),
        ("thermal", np.zeros((2, 3), np.uint16)),
        ("thermal", np.zeros((2, 3), np.uint8)),
        ("depth", np.zeros((2, 3), np.uint16)),
        ("depth", np.full((2, 3), np.nan, np.float32)),
        ("imu", np.zeros(6)),
        ("imu", np.zeros(3, np.float32)),
        ("imu", np.array([0, 0, 1e7, 0, 0, 0])),
        ("audio", np.zeros(9, np.int16)),
        ("audio", np.zeros((9, 2), np.float32)),
        ("audio", np.full(9, 32767.0, np.float32)),  # its encoder says that this was never divided by its full scale
    ],
)
def test_readings_pass(modality: Modality, data: Array) -> None:
    assert refusal(sample(data=data), modality) is None


@pytest.mark.parametrize(
    ("modality", "data", "cause"),
    [
        ("vision", np.zeros((2, 3, 4), np.uint8), "shape"),
        ("vision", np.zeros((0, 3, 3), np.uint8), "shape"),
        ("vision", np.zeros((2, 3, 3), np.float32), "dtype"),
        ("thermal", np.zeros((2, 3, 3), np.uint8), "shape"),
        ("thermal", np.zeros((2, 3), np.int16), "dtype"),
        ("depth", np.full((2, 3), np.inf, np.float32), "not finite"),
        ("depth", np.zeros((2, 3), np.uint8), "dtype"),
        ("imu", np.zeros(5), "shape"),
        ("imu", np.zeros(6, np.int32), "dtype"),
        ("imu", np.array([0, 0, np.inf, 0, 0, 0]), "not finite"),
        ("imu", np.array([0, -1e12, 0, 0, 0, 0]), "implausible"),
        ("audio", np.zeros(0, np.int16), "shape"),
        ("audio", np.array([0.1, -1e30], np.float32), "implausible"),
        ("audio", np.zeros(9, np.uint8), "dtype"),
        ("audio", np.array([0.1, np.nan]), "not finite"),
        ("text", np.zeros(9, np.uint8), "shape"),
    ],
)
def test_everything_else_is_refused_by_name(modality: Modality, data: Array, cause: str) -> None:
    assert refusal(sample(data=data), modality) == cause
