"""Cameras as they are: a Kinect in an office, and thermal cameras in the field, on the road and in the air."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from makers import SHARED
from PIL import Image
from scipy import ndimage
from situations import clip_of

from operators.encoders.depth import DepthEncoder
from operators.encoders.thermal import ThermalEncoder
from operators.encoders.vision import VisionEncoder
from pipeline.logs import Log
from pipeline.messages import Array

DATA = SHARED / "data"
KINECT = DATA / "rgbd_imu_tum_fr1_rpy" / "tum_fr1_rpy_a"

with_kinect = pytest.mark.skipif(not KINECT.exists(), reason="needs ../shared/data/rgbd_imu_tum_fr1_rpy")


@cache
def kinect(modality: str) -> list[Array]:
    """Return every tenth frame."""
    with Log(KINECT) as log:
        channels = [channel for channel in log.channels() if channel.modality == modality]
        return [received.sample.data for received in log.samples(channels)][::10]


def middle(frame: Array) -> Array:
    """Return the centre square."""
    height, width = frame.shape[:2]
    side = min(height, width)
    return frame[(height - side) // 2 :, (width - side) // 2 :][:side, :side]


@with_kinect
def test_pictures_of_a_kinect_keep_their_colours() -> None:
    frames = kinect("vision")
    ready = VisionEncoder().prepare(clip_of(frames, "vision"))
    for number, frame in ((0, frames[0]), (1, frames[-1])):
        np.testing.assert_allclose(ready[:, number].mean((1, 2)), middle(frame).mean((0, 1)), atol=0.5)


@with_kinect
def test_depths_of_a_kinect_survive_their_holes() -> None:
    places = ((np.arange(224) + 0.5) * 480 / 224).astype(int)
    for frame in kinect("depth"):
        metres = middle(frame) / 1000
        assert (metres == 0).mean() > 0.02
        disparity = 200 * DepthEncoder().prepare(clip_of([frame], "depth"))[0].astype(np.float64)
        far_from_holes = ndimage.binary_erosion(metres > 0, iterations=4)[np.ix_(places, places)]
        due = 518.86 * 0.075 / metres[np.ix_(places, places)][far_from_holes]
        assert np.median(np.abs(disparity[far_from_holes] / due - 1)) < 0.01
        assert disparity.min() > 0.98 * 518.86 * 0.075 / metres.max()
        assert disparity.max() < 1.02 * 518.86 * 0.075 / metres[metres > 0].min()


@with_kinect
@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param(DepthEncoder(), id="placeholders"),
        pytest.param(
            DepthEncoder(near_m=0.00125, far_m=6.25, max_disparity=600, mean=0.0418, std=0.0295),
            id="Omnivore's constants, on depths that count eightfold",
        ),
    ],
)
def test_an_office_fills_the_range_of_the_tower(encoder: DepthEncoder) -> None:
    seen = np.stack([encoder.prepare(clip_of([frame], "depth")) for frame in kinect("depth")]).astype(np.float64)
    assert abs((seen.mean() - encoder.mean) / encoder.std) < 0.5
    assert 0.5 < seen.std() / encoder.std < 1.5


@pytest.mark.parametrize(
    "folder", ["rgb_thermal_tno/ir", "rgb_thermal_roadscene/infrared", "thermal_uav_hituav/images"]
)
def test_grey_thermal_pictures_keep_their_greys(folder: str) -> None:
    if not (DATA / folder).exists():
        pytest.skip(f"needs ../shared/data/{folder}")
    for path in thermal_pictures(DATA / folder):
        frame = np.array(Image.open(path))
        heat = ThermalEncoder().prepare(clip_of([frame], "thermal")).astype(np.float64)
        due = middle(frame) / 255
        assert heat.mean() == pytest.approx(due.mean(), abs=0.005), path.name
        assert heat.std() == pytest.approx(due.std(), rel=0.1), path.name


def thermal_pictures(folder: Path) -> list[Path]:
    """Return about a dozen from all over the folder."""
    paths = sorted(folder.iterdir())
    return paths[:: max(1, len(paths) // 12)]
