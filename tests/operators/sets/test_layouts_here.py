"""Folders in the layouts of the sets that lie beside the checkout: what becomes of them, and what is said without."""

import json
from pathlib import Path

import layouts
import numpy as np
import pytest

from operators.sets import (
    audio_esc10,
    drone_ir_visible_audio,
    drone_motor_prop_audio,
    imu_terrain_borealtc,
    rgb_thermal_roadscene,
    rgb_thermal_tno,
    rgbd_imu_tum_fr1_rpy,
    thermal_uav_hituav,
)
from operators.sets.item import Item


def labels(items: list[Item]) -> dict[str, str]:
    return {item.name: item.label for item in items}


def test_sounds_of_esc_have_their_class_and_takes_are_one_group(tmp_path: Path) -> None:
    items = audio_esc10.items(layouts.esc10(tmp_path))
    assert [item.label for item in items] == ["dog bark"] * 4 + ["rain"] * 4
    assert len({item.group for item in items}) == 4
    assert all(len(item.senses["audio"]()) == 1 for item in items)
    assert set(audio_esc10.SENTENCES) >= {item.label for item in items}


def test_a_sound_that_is_not_there_is_told_when_it_is_read(tmp_path: Path) -> None:
    layouts.esc10(tmp_path)
    (tmp_path / "clips" / "1-1000-A.wav").unlink()
    items = audio_esc10.items(tmp_path)
    assert len(items) == 8
    with pytest.raises(FileNotFoundError, match="1-1000-A"):
        items[0].senses["audio"]()


def test_pictures_are_paired_by_name(tmp_path: Path) -> None:
    for name in ("FLIR_00455", "FLIR_00460", "FLIR_00501"):
        layouts.picture(tmp_path / "visible" / f"{name}.jpg")
        layouts.picture(tmp_path / "infrared" / f"{name}.jpg", (24, 32))
    layouts.picture(tmp_path / "visible" / "alone.jpg")
    items = rgb_thermal_roadscene.items(tmp_path)
    assert [item.name for item in items] == ["FLIR_00455", "FLIR_00460", "FLIR_00501"]
    assert items[0].group == items[1].group != items[2].group
    assert items[0].senses["vision"]()[0].samples[0].data.shape == (24, 32, 3)
    assert items[0].senses["thermal"]()[0].samples[0].data.shape == (24, 32)


def test_pairs_may_have_other_suffixes(tmp_path: Path) -> None:
    layouts.picture(tmp_path / "vi" / "01.png")
    layouts.picture(tmp_path / "ir" / "01.jpg", (24, 32))
    (item,) = rgb_thermal_tno.items(tmp_path)
    assert set(item.senses) == {"vision", "thermal"}


def test_crops_of_hituav_are_persons_cars_and_as_much_background(tmp_path: Path) -> None:
    items = thermal_uav_hituav.items(layouts.hituav(tmp_path))
    assert sorted(item.label for item in items) == ["background", "background", "car", "person"]
    assert {item.group for item in items} == {"1_60_30_0"}
    shapes = {
        item.label: item.senses["thermal"]()[0].samples[0].data.shape for item in items if item.label != "background"
    }
    assert shapes == {"person": (20, 20), "car": (40, 40)}
    again = thermal_uav_hituav.items(tmp_path)
    for one, other in zip(items, again, strict=True):
        np.testing.assert_array_equal(
            one.senses["thermal"]()[0].samples[0].data, other.senses["thermal"]()[0].samples[0].data
        )


def test_what_nobody_cares_about_is_no_background(tmp_path: Path) -> None:
    layouts.hituav(tmp_path)
    told = json.loads((tmp_path / "annotations_coco.json").read_text())
    told["annotation"][2]["bbox"] = [0, 0, 160, 128]
    (tmp_path / "annotations_coco.json").write_text(json.dumps(told))
    assert [item.label for item in thermal_uav_hituav.items(tmp_path)] == ["person", "car"]


def test_coco_as_others_write_it_is_read_too(tmp_path: Path) -> None:
    layouts.hituav(tmp_path)
    told = json.loads((tmp_path / "annotations_coco.json").read_text())
    told["annotations"] = told.pop("annotation")
    told["images"][0]["file_name"] = told["images"][0].pop("filename")
    (tmp_path / "annotations_coco.json").write_text(json.dumps(told))
    assert len(thermal_uav_hituav.items(tmp_path)) == 4


def test_films_and_sounds_are_of_the_class_in_their_name_unless_the_list_says_otherwise(tmp_path: Path) -> None:
    items = drone_ir_visible_audio.items(layouts.drone(tmp_path))
    assert labels(items)["video_ir/IR_BIRD_002.mp4"] == "bird"
    assert labels(items)["audio/BIRD_001.wav"] == "background"
    assert labels(items)["audio/BIRD_002.wav"] == "bird"
    assert [next(iter(item.senses)) for item in items] == ["thermal"] * 4 + ["vision"] * 4 + ["audio"] * 4
    assert len({item.group for item in items}) == 12
    assert len(items[0].senses["thermal"]()) == 5
    (tmp_path / "labels.csv").unlink()
    assert labels(drone_ir_visible_audio.items(tmp_path))["audio/BIRD_001.wav"] == "bird"


def test_motors_are_labelled_by_their_folder(tmp_path: Path) -> None:
    layouts.noise(tmp_path / "prop" / "motor_m1_prop_20pct_000.wav")
    layouts.noise(tmp_path / "no_prop" / "motor_m1_no_prop_20pct_000.wav")
    items = drone_motor_prop_audio.items(tmp_path)
    assert [item.label for item in items] == ["no prop", "prop"]
    assert set(drone_motor_prop_audio.SENTENCES) == {"no prop", "prop"}


def test_runs_are_cut_into_windows_of_five_seconds(tmp_path: Path) -> None:
    layouts.terrain(tmp_path / "SANDY_LOAM_imu_07.csv.gz", 27)
    layouts.terrain(tmp_path / "ICE" / "imu_3.csv", 11)
    layouts.terrain(tmp_path / "notes.csv", 1)
    items = imu_terrain_borealtc.items(tmp_path)
    assert [item.label for item in items] == ["ice"] * 2 + ["sandy loam"] * 5
    assert [item.group[-1] for item in items] == ["0", "0", "0", "0", "1", "1", "2"]
    (clip,) = items[3].senses["imu"]()
    assert (clip.start, clip.end, len(clip.samples)) == (5 * 10**9, 10 * 10**9, 500)
    assert clip.samples[0].data[2] > 9 > clip.samples[0].data[5]  # az, not the wz that comes first in the file


def test_pictures_of_tum_have_their_depth_and_their_motion(tmp_path: Path) -> None:
    items = rgbd_imu_tum_fr1_rpy.items(layouts.tum(tmp_path))
    assert len(items) == 4  # 12 pictures at 30 Hz, a tenth of a second apart
    assert set(items[0].senses) == {"vision", "depth", "imu"}
    np.testing.assert_allclose(items[1].senses["depth"]()[0].samples[0].data, 5003 / 5000, rtol=1e-6)
    (motion,) = items[1].senses["imu"]()
    assert len(motion.samples) == 221  # from a second before the first picture on
    assert motion.samples[-1].stamp <= items[1].senses["vision"]()[0].samples[0].stamp


def test_without_acceleration_or_all_depth_the_rest_is_there(tmp_path: Path) -> None:
    layouts.tum(tmp_path)
    (tmp_path / "accelerometer.txt").unlink()
    for path in sorted((tmp_path / "depth").iterdir())[:6]:
        path.unlink()
    items = rgbd_imu_tum_fr1_rpy.items(tmp_path)
    assert [set(item.senses) for item in items] == [{"vision", "depth"}] * 2


READERS = {
    "labels.csv": audio_esc10.items,
    "infrared": rgb_thermal_roadscene.items,
    "vi": rgb_thermal_tno.items,
    "annotations_coco.json": thermal_uav_hituav.items,
    "video_ir": drone_ir_visible_audio.items,
    "no_prop": drone_motor_prop_audio.items,
    "TERRAIN_imu": imu_terrain_borealtc.items,
    "rgb.txt": rgbd_imu_tum_fr1_rpy.items,
}


@pytest.mark.parametrize("missing", READERS)
def test_an_empty_folder_is_told_what_it_lacks(tmp_path: Path, missing: str) -> None:
    if missing == "infrared":
        layouts.picture(tmp_path / "visible" / "a.jpg")
    with pytest.raises(ValueError, match=missing) as error:
        READERS[missing](tmp_path)
    assert str(tmp_path) in str(error.value)


def test_lists_without_any_of_their_files_are_no_set(tmp_path: Path) -> None:
    layouts.hituav(tmp_path / "a")
    (tmp_path / "a" / "images" / "1_60_30_0_00112.jpg").unlink()
    with pytest.raises(ValueError, match=r"images.*1_60_30_0_00112"):
        thermal_uav_hituav.items(tmp_path / "a")
    layouts.tum(tmp_path / "b", 2)
    for path in (tmp_path / "b" / "depth").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"depth\.txt"):
        rgbd_imu_tum_fr1_rpy.items(tmp_path / "b")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("rgb.txt", "now rgb/a.png\n", "no list of stamps"), ("depth.txt", "12.5\n", "1 words instead of 2")],
)
def test_a_list_that_is_none_is_told(tmp_path: Path, name: str, text: str, told: str) -> None:
    layouts.tum(tmp_path, 2)
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=told):
        rgbd_imu_tum_fr1_rpy.items(tmp_path)


def test_annotations_in_another_form_are_told(tmp_path: Path) -> None:
    (tmp_path / "annotations_coco.json").write_text('{"images": 3}')
    with pytest.raises(ValueError, match="COCO"):
        thermal_uav_hituav.items(tmp_path)
