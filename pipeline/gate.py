"""What a channel lets in: shapes, dtypes and finite values that its modality can mean."""

import numpy as np

from pipeline.messages import Sample

LARGEST = {"imu": 1e7, "audio": 2.0**31}
"""Magnitudes beyond are broken bits and no readings: in no unit does a sensor of motion go so far (a shock
accelerometer ends at 2e6 m/s²), nor has sound a larger full scale. What was never divided by one, its encoder tells."""


def refusal(sample: Sample, modality: str, shape: tuple[int, ...] = ()) -> str | None:
    """Return why ``sample`` is no reading of ``modality``, in the ledger's words, or None if it is one.

    A modality of a rig's own has finite numbers of the ``shape`` that its calibration gives.
    NaN is a reading only for depth, where it says that nothing came back, and for temperatures: a dead pixel.

    >>> import numpy as np
    >>> turn = Sample(topic="/imu", stamp=0, frame_id="", seq=0, data=np.array([0, 0, np.nan, 0, 0, 0]))
    >>> refusal(turn, "imu"), refusal(turn, "audio"), refusal(turn, "vision")
    ('not finite', 'not finite', 'shape')
    >>> refusal(Sample(topic="/imu", stamp=0, frame_id="", seq=0, data=np.array([0, 0, 1e30])), "imu")
    'implausible'
    """
    data = sample.data
    if not _fits(data.shape, modality, shape):
        return "shape"
    if not _means(data.dtype, modality):
        return "dtype"
    if data.dtype.kind != "f":
        return None
    if modality in ("depth", "thermal"):
        return "not finite" if np.isinf(data).any() else None
    largest = np.abs(data).max()  # NaN where any is
    if not np.isfinite(largest):
        return "not finite"
    return "implausible" if largest > LARGEST.get(modality, np.inf) else None


def _fits(shape: tuple[int, ...], modality: str, own: tuple[int, ...]) -> bool:
    if 0 in shape:
        return False
    match modality:
        case "vision":
            return len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)
        case "depth" | "thermal":
            return len(shape) == 2
        case "imu":
            return shape in ((3,), (6,))
        case "audio":
            return len(shape) in (1, 2)
        case "text":
            return False
        case _:
            return shape == own


def _means(dtype: "np.dtype[np.generic]", modality: str) -> bool:
    match modality:
        case "vision":
            return dtype == np.uint8
        case "thermal":
            return dtype in (np.uint8, np.uint16) or dtype.kind == "f"
        case "depth":
            return dtype == np.uint16 or dtype.kind == "f"
        case "audio":
            return dtype == np.int16 or dtype.kind == "f"
        case "imu" | "text":
            return dtype.kind == "f"
        case _:
            return dtype.kind in "biuf"
