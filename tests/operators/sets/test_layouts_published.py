"""Folders in the layouts in which others published their sets: what becomes of them, and what is said without."""

import json
from pathlib import Path

import layouts
import numpy as np
import pytest
from scipy.io import savemat

from operators.sets import audiocaps, audioset, clotho, ego4d, esc50, llvip, nyu_depth, sun_rgbd

FILM = "-0RWZT-miFs"


def test_esc50_is_read_from_its_meta_table(tmp_path: Path) -> None:
    layouts.noise(tmp_path / "audio" / "1-100032-A-0.wav")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text(
        "filename,fold,target,category,esc10,src_file,take\n1-100032-A-0.wav,1,0,dog,True,100032,A\n"
        "2-5-B-1.wav,2,1,washing_machine,False,5,B\n"
    )
    items = esc50.items(tmp_path)
    assert [(item.label, item.group) for item in items] == [("dog", "100032"), ("washing machine", "5")]
    assert items[0].senses["audio"]()[0].modality == "audio"


def clotho_folder(folder: Path, split: str) -> None:
    layouts.noise(folder / split / f"{split} rain.wav")
    heads = ",".join(["file_name", *clotho.CAPTIONS])
    (folder / f"clotho_captions_{split}.csv").write_text(f'{heads}\n{split} rain.wav,"Rain, falling.",b,c,d,e\n')


def test_clotho_is_tested_on_its_evaluation_split(tmp_path: Path) -> None:
    clotho_folder(tmp_path, "development")
    assert clotho.items(tmp_path)[0].group == "development rain.wav"
    clotho_folder(tmp_path, "evaluation")
    (item,) = clotho.items(tmp_path)
    assert item.captions == ("Rain, falling.", "b", "c", "d", "e")
    assert item.group == "evaluation rain.wav"
    assert clotho.items(tmp_path, "development")[0].group == "development rain.wav"


def audioset_folder(folder: Path) -> None:
    (folder / "class_labels_indices.csv").write_text(
        'index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n'
    )
    (folder / "eval_segments.csv").write_text(
        "# Segments csv created Sun Mar  5 10:54:25 2017\n# YTID, start_seconds, end_seconds, positive_labels\n"
        f'{FILM}, 30.000, 40.000, "/m/09x0r,/m/05zppz"\nabcdefghijk, 0.000, 10.000, "/m/09x0r"\n'
    )


def test_segments_of_audioset_have_all_their_classes_and_what_is_there_of_them(tmp_path: Path) -> None:
    audioset_folder(tmp_path)
    layouts.noise(tmp_path / "audio" / f"Y{FILM}.wav")
    layouts.moving(tmp_path / "video" / f"{FILM}_30.mp4")
    (item,) = audioset.items(tmp_path)
    assert item.captions == ("Speech", "Male speech, man speaking")
    assert item.label == "Speech"
    assert set(item.senses) == {"audio", "vision"}
    assert item.senses["audio"]()[0].topic.endswith(".wav")


@pytest.mark.parametrize("name", [f"{FILM}.wav", f"Y{FILM}.flac", f"{FILM}_30.000.wav", f"{FILM}_30000_40000.wav"])
def test_cuts_are_found_by_the_names_that_people_give_them(tmp_path: Path, name: str) -> None:
    audioset_folder(tmp_path)
    layouts.noise(tmp_path / "eval" / "deep" / name)
    assert len(audioset.items(tmp_path)) == 1


def test_a_cut_of_another_second_is_another_segment(tmp_path: Path) -> None:
    audioset_folder(tmp_path)
    layouts.noise(tmp_path / f"{FILM}_70.wav")
    with pytest.raises(ValueError, match=r"eval_segments\.csv"):
        audioset.items(tmp_path)


def test_sounds_of_audiocaps_have_all_their_captions(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "test.csv").write_text(
        "audiocap_id,youtube_id,start_time,caption\n"
        f"1,{FILM},30,A man speaks\n2,{FILM},30,Somebody talks\n77,abcdefghijk,10,Rain\n9,nothinghere,0,Silence\n"
    )
    layouts.noise(tmp_path / "audio" / f"{FILM}_30.wav")
    layouts.noise(tmp_path / "audio" / "77.wav")
    items = audiocaps.items(tmp_path)
    assert {item.name: item.captions for item in items} == {
        f"{FILM}_30": ("A man speaks", "Somebody talks"),
        "abcdefghijk_10": ("Rain",),
    }


MILLIMETRES = np.array([[0, 1500, 8191], [65, 2, 40000]], np.uint16)


def room(folder: Path, place: str, label: str) -> None:
    scene = folder / place
    layouts.picture(scene / "image" / "a.jpg")
    layouts.depth(scene / "depth_bfx" / "a.png", MILLIMETRES << 3 | MILLIMETRES >> 13)
    (scene / "scene.txt").write_text(label)
    (scene / "intrinsics.txt").write_text("529.5 0 365 0 529.5 265 0 0 1 ")


def test_depth_of_sun_is_turned_back_and_knows_its_camera(tmp_path: Path) -> None:
    room(tmp_path, "SUNRGBD/kv2/kinect2data/000002", "home_office")
    room(tmp_path, "SUNRGBD/realsense/lg/0001", "kitchen")
    items = {item.label: item for item in sun_rgbd.items(tmp_path)}
    (clip,) = items["home office"].senses["depth"]()
    np.testing.assert_array_equal(clip.samples[0].data, MILLIMETRES)
    assert (clip.calibration.focal_px, clip.calibration.baseline_m) == (529.5, 0.075)
    assert items["kitchen"].senses["depth"]()[0].calibration.baseline_m == 0.095


def test_only_listed_rooms_are_tested(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        room(tmp_path, f"SUNRGBD/kv1/b3dodata/img_000{number}", "office")
    listed = np.array(
        ["/n/fs/sun3d/data/SUNRGBD/kv1/b3dodata/img_0002", "/n/fs/sun3d/data/SUNRGBD/kv1/b3dodata/img_0003/"], object
    )
    (tmp_path / sun_rgbd.SPLIT).parent.mkdir(parents=True)
    savemat(tmp_path / sun_rgbd.SPLIT, {"alltest": listed[np.newaxis], "alltrain": listed[:0][np.newaxis]})
    assert [item.name[-1] for item in sun_rgbd.items(tmp_path)] == ["2", "3"]


def test_rooms_of_nyu_are_nine_kinds_and_others(tmp_path: Path) -> None:
    room(tmp_path, "SUNRGBD/kv1/NYUdata/NYU0001", "living_room")
    room(tmp_path, "SUNRGBD/kv1/NYUdata/NYU0002", "basement")
    room(tmp_path, "SUNRGBD/kv1/b3dodata/img_0001", "kitchen")
    assert [item.label for item in nyu_depth.items(tmp_path)] == ["living room", "other"]
    assert len(nyu_depth.CLASSES) == 9
    assert len(nyu_depth.OTHERS) == 18


def llvip_folder(folder: Path) -> Path:
    layouts.picture(folder / "visible" / "test" / "190001.jpg", (60, 80, 3))
    layouts.picture(folder / "infrared" / "test" / "190001.jpg", (60, 80))
    (folder / "Annotations").mkdir()
    (folder / "Annotations" / "190001.xml").write_text(
        "<annotation><size><width>80</width><height>60</height><depth>3</depth></size><object><name>person</name>"
        "<bndbox><xmin>30</xmin><ymin>20</ymin><xmax>46</xmax><ymax>26</ymax></bndbox></object></annotation>"
    )
    return folder


def test_persons_of_llvip_stand_beside_background_of_their_size(tmp_path: Path) -> None:
    items = llvip.items(llvip_folder(tmp_path))
    assert [item.label for item in items] == ["person", "background"]
    for item in items:
        assert item.senses["thermal"]()[0].samples[0].data.shape == (16, 16)
        assert item.senses["vision"]()[0].samples[0].data.shape == (16, 16, 3)
    (pair,) = llvip.pairs(tmp_path, "test")
    assert pair.senses["thermal"]()[0].samples[0].data.shape == (60, 80)


def ego4d_folder(folder: Path) -> Path:
    uid = "00d9a297"
    (folder / "ego4d.json").write_text(json.dumps({"videos": [{"video_uid": uid, "scenarios": ["Cooking", "Eating"]}]}))
    (folder / "v2" / "annotations").mkdir(parents=True)
    narrations = [{"timestamp_sec": 4.0, "narration_text": "#C C cuts bread"}, {"timestamp_sec": 90.0}]
    (folder / "v2" / "annotations" / "narration.json").write_text(
        json.dumps({"videos": {uid: {"status": "complete", "narration_pass_1": {"narrations": narrations}}}})
    )
    (folder / "v2" / "imu").mkdir()
    heads = "component_idx,component_timestamp_ms,canonical_timestamp_ms,gyro_x,gyro_y,gyro_z,accl_x,accl_y,accl_z"
    rows = [f"0,{n * 5 + 77},{n * 5},1,2,3,,5,{n}" for n in range(2000)]
    (folder / "v2" / "imu" / f"{uid}.csv").write_text("\n".join([heads, *rows[::-1]]) + "\n")
    return folder


def test_narrations_of_ego4d_are_five_seconds_of_motion(tmp_path: Path) -> None:
    items = ego4d.items(ego4d_folder(tmp_path))
    assert [item.label for item in items] == ["Cooking", "Cooking"]
    assert items[0].captions == ("#C C cuts bread",)
    (clip,) = items[0].senses["imu"]()
    assert (clip.start / 1e9, clip.end / 1e9, len(clip.samples)) == (1.5, 6.5, 1000)
    np.testing.assert_array_equal(clip.samples[0].data, [np.nan, 5, 300, 1, 2, 3])
    assert ego4d.scenarios(tmp_path) == ["Cooking", "Eating"]
    with pytest.raises(ValueError, match=r"no reading from 87\.5 to 92\.5 s"):
        items[1].senses["imu"]()


def test_the_film_around_a_narration_is_seen(tmp_path: Path) -> None:
    layouts.moving(ego4d_folder(tmp_path) / "v2" / "full_scale" / "00d9a297.mp4", 100)
    (clip,) = ego4d.items(tmp_path)[0].senses["vision"]()
    assert [round(sample.stamp / 1e9, 1) for sample in clip.samples] == [1.5, 6.4]


READERS = {
    "esc50.csv": esc50.items,
    "clotho_captions_evaluation.csv": clotho.items,
    "class_labels_indices.csv": audioset.items,
    "test.csv": audiocaps.items,
    "scene.txt": sun_rgbd.items,
    "scene.txt ": nyu_depth.items,
    "Annotations": llvip.items,
    "ego4d.json": ego4d.items,
}


@pytest.mark.parametrize("missing", READERS)
def test_an_empty_folder_is_told_what_is_missing(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ValueError, match=missing.strip()) as error:
        READERS[missing](tmp_path)
    assert str(tmp_path) in str(error.value)


def test_damaged_lists_are_told(tmp_path: Path) -> None:
    audioset_folder(tmp_path)
    (tmp_path / "eval_segments.csv").write_text("abc, soon, 10, x\n")
    with pytest.raises(ValueError, match="segment 1"):
        audioset.items(tmp_path)
    llvip_folder(tmp_path / "l")
    (tmp_path / "l" / "Annotations" / "190001.xml").write_text("<annotation>")
    with pytest.raises(ValueError, match="VOC"):
        llvip.items(tmp_path / "l")
    (tmp_path / "ego4d.json").write_text("[]")
    with pytest.raises(ValueError, match="form of Ego4D"):
        ego4d.items(tmp_path)
    room(tmp_path, "kv1/a", "office")
    (tmp_path / "kv1/a/intrinsics.txt").write_text("none")
    (item,) = sun_rgbd.items(tmp_path)
    with pytest.raises(ValueError, match="camera matrix"):
        item.senses["depth"]()
    (tmp_path / sun_rgbd.SPLIT).parent.mkdir(parents=True)
    (tmp_path / sun_rgbd.SPLIT).write_bytes(b"no matlab")
    with pytest.raises(ValueError, match="alltest"):
        sun_rgbd.items(tmp_path)
