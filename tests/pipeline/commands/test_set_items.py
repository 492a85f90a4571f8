"""Logs become items by the synchronizer, and the sets that lie beside the checkout are read as they are."""

from collections import Counter
from pathlib import Path

import pytest
from makers import CAMERA, DEPTH, IMU, RIG, SHARED, received, streams

from pipeline.commands.sets import SETS, items_of
from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.logs.writer import LogWriter

DATA = SHARED / "data"


def log(folder: Path, seconds: float) -> Path:
    """Write a log of five steady streams."""
    writer = LogWriter(folder / "deep" / "run.mcap", Config(channels=RIG))
    for one in received(streams(RIG, 0, seconds)):
        writer.sample(one)
    writer.finish({})
    return folder


def test_windows_of_a_log_are_a_tenth_of_a_second_apart(tmp_path: Path) -> None:
    items = items_of("rgbd_imu_tum_fr1_rpy", log(tmp_path, 4))
    assert 38 <= len(items) <= 42
    assert all(item.name.startswith("rgbd_imu_tum_fr1_rpy/") for item in items)
    assert {item.group for item in items} == {"0", "1"}
    for item in items[5:-5]:
        (picture,), (depth,) = item.senses["vision"](), item.senses["depth"]()
        assert (picture.topic, depth.topic) == (CAMERA.topic, DEPTH.topic)
        assert abs(picture.samples[0].stamp - depth.samples[0].stamp) < 0.1e9


def test_motion_that_has_hardly_begun_is_left_out(tmp_path: Path) -> None:
    items = items_of("rgbd_imu_tum_fr1_rpy", log(tmp_path, 4))
    assert "imu" not in items[2].senses
    (motion,) = items[-1].senses["imu"]()
    assert motion.topic == IMU.topic
    assert motion.coverage > 0.5


def test_of_a_long_log_windows_are_further_apart(tmp_path: Path) -> None:
    assert len(items_of("rgbd_imu_tum_fr1_rpy", log(tmp_path, 25))) <= 205


def test_names_tell_the_set_and_mistakes_are_told(tmp_path: Path) -> None:
    for name, told in (("audio_esc01", "did you mean audio_esc10"), ("audio_esc10", "labels.csv")):
        with pytest.raises(InputError, match=told):
            items_of(name, tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        items_of("audio_esc10", tmp_path / "nowhere")


COUNTS = {
    "audio_esc10": (160, {"audio": 160}),
    "rgb_thermal_roadscene": (142, {"vision": 142, "thermal": 142}),
    "rgb_thermal_tno": (9, {"vision": 9, "thermal": 9}),
    "rgbd_imu_tum_fr1_rpy": (21, {"depth": 21, "vision": 20, "imu": 9}),
    "thermal_uav_hituav": (1030, {"thermal": 1030}),
    "drone_ir_visible_audio": (44, {"thermal": 20, "vision": 12, "audio": 12}),
    "drone_motor_prop_audio": (11, {"audio": 11}),
    "imu_terrain_borealtc": (70, {"imu": 70}),
}


@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings beside the checkout are not there")
@pytest.mark.parametrize("name", COUNTS)
def test_a_recorded_set_is_read_as_it_is(name: str) -> None:
    items = items_of(name, DATA / name)
    senses = Counter(modality for item in items for modality in item.senses)
    assert (len(items), dict(senses)) == COUNTS[name]
    assert len({item.name for item in items}) == len(items)
    for item in (items[0], items[-1]):
        for modality, read in item.senses.items():
            assert all(clip.modality == modality and clip.samples for clip in read())


@pytest.mark.skipif(not DATA.is_dir(), reason="the recordings beside the checkout are not there")
def test_classes_of_recorded_sets_have_sentences() -> None:
    from operators.sets import audio_esc10, drone_ir_visible_audio, drone_motor_prop_audio

    told = {
        "audio_esc10": audio_esc10.SENTENCES,
        "drone_motor_prop_audio": drone_motor_prop_audio.SENTENCES,
        "drone_ir_visible_audio": drone_ir_visible_audio.SENTENCES | drone_ir_visible_audio.HEARD,
    }
    for name, sentences in told.items():
        assert {item.label for item in items_of(name, DATA / name)} == set(sentences)


def test_every_set_is_called_as_its_module() -> None:
    assert all(function.__module__.rpartition(".")[2] in (name, "sets") for name, function in SETS.items())
