"""Pairs are found where they are, and what is none is counted by what keeps it from being one."""

import csv
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden import golden
from makers import CAMERA, DEPTH, IMU, RIG, SHARED, THERMAL, received, sample, streams
from PIL import Image

from operators.sets.item import Item
from pipeline.commands.bind.config import source_of
from pipeline.commands.bind.found import BETWEEN, Found, Wanted
from pipeline.config import Channel, Config
from pipeline.errors import ConfigError, InputError
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Sample


def log(path: Path, channels: Sequence[Channel], seconds: float, samples: Sequence[Sample] = ()) -> Path:
    writer = LogWriter(path, Config(channels=list(channels)))
    for one in received(samples or streams(channels, 0, seconds)):
        writer.sample(one)
    writer.finish({})
    return path


def wanted(folder: Path, modality: str = "thermal", anchor: str = "vision") -> Wanted:
    return Wanted(anchor=anchor, modality=modality, kept=folder / "kept")


def find(raw: dict[str, Any], want: Wanted) -> list[Found]:
    found: list[Found] = source_of(raw, "bind.toml: sources[0]").find(want)
    return found


def one(raw: dict[str, Any], want: Wanted) -> Found:
    (found,) = find(raw, want)
    return found


def stamp(item: Item, sense: str) -> int:
    (clip,) = item.senses[sense]()
    return clip.samples[0].stamp


# Recordings


def test_of_a_recording_each_second_has_the_nearest_of_both_images(tmp_path: Path) -> None:
    path = log(tmp_path / "run.mcap", RIG, 20)
    found = one({"kind": "recording", "path": str(path)}, wanted(tmp_path))
    assert 18 <= len(found.items) <= 20
    for item in found.items[2:-1]:
        assert set(item.senses) == {"vision", "thermal"}
        assert abs(stamp(item, "vision") - stamp(item, "thermal")) < 0.1 * NS
        assert len(item.senses["vision"]()[0].samples) == 1


def test_sound_and_motion_are_clips_as_long_as_their_encoders_look(tmp_path: Path) -> None:
    path = log(tmp_path / "run.mcap", RIG, 20)
    for sense, seconds in (("audio", 2), ("imu", 5)):
        found = one({"kind": "recording", "path": str(path)}, wanted(tmp_path, sense))
        (clip,) = found.items[8].senses[sense]()
        assert clip.end - clip.start == seconds * NS
        assert clip.coverage > 0.99


def test_motion_that_has_hardly_begun_is_no_pair(tmp_path: Path) -> None:
    found = one({"kind": "recording", "path": str(log(tmp_path / "run.mcap", RIG, 20))}, wanted(tmp_path, "imu"))
    assert found.refused["windows that lack half of their imu"] == 2


def test_between_what_is_learned_and_what_is_held_out_is_a_gap(tmp_path: Path) -> None:
    raw = {"kind": "recording", "block_s": 15.0, "gap_s": 5.0}
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL], 45)
    found = one(raw | {"path": str(path)}, wanted(tmp_path))
    blocks: dict[str, list[int]] = {}
    for item in found.items:
        blocks.setdefault(item.group, []).append(stamp(item, "vision"))
    assert [group.rpartition(" ")[2] for group in blocks] == ["0", "1", "2"]
    ends = [(min(stamps), max(stamps)) for stamps in blocks.values()]
    assert all(later[0] - earlier[1] > 5 * NS for earlier, later in pairwise(ends))
    assert found.refused == {BETWEEN: 15}


def test_images_too_far_apart_are_no_pair(tmp_path: Path) -> None:
    slow = Channel("/thermal", "thermal", 1.0)
    shifted = [sample("/thermal", n + 0.45, n, np.zeros((60, 80), np.uint16)) for n in range(20)]
    samples = sorted([*streams([CAMERA], 0, 20), *shifted], key=lambda each: each.stamp)
    path = log(tmp_path / "run.mcap", [CAMERA, slow], 20, samples)
    raw = {"kind": "recording", "path": str(path)}
    near = one(raw, wanted(tmp_path))
    assert not near.items
    assert near.refused["windows whose pictures are more than 0.1 s apart"] >= 17
    assert len(one(raw | {"near_s": 0.6}, wanted(tmp_path)).items) >= 17


@pytest.mark.parametrize(
    ("channels", "told"),
    [([THERMAL, IMU], "the log has thermal, imu, no vision"), ([CAMERA], "the log has vision, no thermal")],
)
def test_logs_of_one_side_are_named(tmp_path: Path, channels: list[Channel], told: str) -> None:
    path = log(tmp_path / "run.mcap", channels, 3)
    found = one({"kind": "recording", "path": str(path)}, wanted(tmp_path))
    assert (found.source, found.items, found.refused) == (f"recording {path}", [], {told: 1})


def test_of_a_day_one_log_that_is_none_costs_only_itself(tmp_path: Path) -> None:
    log(tmp_path / "day" / "1.mcap", [CAMERA, THERMAL], 10)
    (tmp_path / "day" / "2.mcap").write_bytes(b"no log")
    whole = log(tmp_path / "day" / "3.mcap", [CAMERA, THERMAL], 20).read_bytes()
    (tmp_path / "day" / "3.mcap").write_bytes(whole[: len(whole) * 2 // 3])
    first, second, third = find({"kind": "recording", "path": f"{tmp_path}/day/*.mcap"}, wanted(tmp_path))
    assert len(first.items) >= 8
    assert not second.items
    assert "2.mcap" in next(iter(second.refused))
    assert 8 <= len(third.items) < 18
    assert any("the log is" in cause for cause in third.refused)


def test_samples_that_are_none_are_counted(tmp_path: Path) -> None:
    frames = streams([CAMERA, THERMAL], 0, 10)
    bad = sample("/thermal", 5.01, 10_000, np.zeros((3, 60, 80), np.uint16))
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL], 10, sorted([*frames, bad], key=lambda each: each.stamp))
    assert one({"kind": "recording", "path": str(path)}, wanted(tmp_path)).refused["/thermal rejected shape"] == 1


def test_what_was_cut_is_kept_until_the_log_or_the_question_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL, DEPTH], 10)
    raw = {"kind": "recording", "path": str(path)}
    before = one(raw, wanted(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.commands.bind.recordings.windows_of", lambda *_: iter(()))
        again = one(raw, wanted(tmp_path))
        assert [item.name for item in again.items] == [item.name for item in before.items]
        assert [item.group for item in again.items] == [item.group for item in before.items]
        assert stamp(again.items[3], "thermal") == stamp(before.items[3], "thermal")
        assert not one(raw | {"every_s": 2.0}, wanted(tmp_path)).items
        assert not one(raw, wanted(tmp_path, "depth")).items


def test_a_shelf_that_was_left_half_full_is_filled_anew(tmp_path: Path) -> None:
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL], 10)
    raw = {"kind": "recording", "path": str(path)}
    before = one(raw, wanted(tmp_path))
    (told,) = (tmp_path / "kept").glob("*/told.json")
    told.unlink()
    assert len(one(raw, wanted(tmp_path)).items) == len(before.items)


def test_a_damaged_clip_names_its_file(tmp_path: Path) -> None:
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL], 10)
    item = one({"kind": "recording", "path": str(path)}, wanted(tmp_path)).items[0]
    (clip,) = (tmp_path / "kept").glob("*/000000.thermal")
    clip.write_bytes(clip.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"000000\.thermal: no clip, or a damaged one"):
        item.senses["thermal"]()


def test_large_pictures_are_kept_at_twice_what_towers_look_at(tmp_path: Path) -> None:
    frames = [sample("/camera", n / 15, n, np.full((1080, 1920, 3), n, np.uint8)) for n in range(60)]
    samples = sorted([*frames, *streams([THERMAL], 0, 4)], key=lambda each: each.stamp)
    path = log(tmp_path / "run.mcap", [CAMERA, THERMAL], 4, samples)
    item = one({"kind": "recording", "path": str(path)}, wanted(tmp_path)).items[1]
    (clip,) = item.senses["vision"]()
    assert clip.samples[0].data.shape == (540, 960, 3)
    assert np.ptp(clip.samples[0].data) == 0


def test_topics_choose_among_several_of_a_sense(tmp_path: Path) -> None:
    rear = Channel("/rear", "vision", 5.0)
    frames = [sample("/rear", n / 5, n, np.full((12, 16, 3), 99, np.uint8)) for n in range(50)]
    samples = sorted([*streams([CAMERA, THERMAL], 0, 10), *frames], key=lambda each: each.stamp)
    path = log(tmp_path / "run.mcap", [CAMERA, rear, THERMAL], 10, samples)
    for topics, topic in (([], "/camera"), (["/rear", "/thermal"], "/rear")):
        found = one({"kind": "recording", "path": str(path), "topics": topics}, wanted(tmp_path))
        assert found.items[3].senses["vision"]()[0].topic == topic


@pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the recordings beside the checkout are not there")
def test_a_log_of_somebody_elses_is_read_by_what_it_tells(tmp_path: Path) -> None:
    path = SHARED / "data" / "rgbd_imu_tum_fr1_rpy" / "tum_fr1_rpy_a" / "tum_fr1_rpy_a.mcap"
    found = one({"kind": "recording", "path": str(path), "every_s": 0.1}, wanted(tmp_path, "depth"))
    assert len(found.items) >= 20
    assert abs(stamp(found.items[9], "vision") - stamp(found.items[9], "depth")) < 0.05 * NS


# Folders


def picture(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((40, 50), value, np.uint8)).save(path)


def test_files_of_one_name_are_a_pair_and_others_are_counted(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        picture(tmp_path / "vision" / f"{name}.png")
    for name in ("b", "c", "d", "e"):
        picture(tmp_path / "warm" / f"{name}.png")
    found = one({"kind": "pairs", "path": str(tmp_path), "folders": {"thermal": "warm"}}, wanted(tmp_path))
    assert [item.name for item in found.items] == ["b", "c"]
    assert found.refused == {"vision without its other half": 1, "warm without its other half": 2}
    assert found.items[0].senses["thermal"]()[0].samples[0].data.shape == (40, 50)


def test_sounds_pair_with_pictures_by_name(tmp_path: Path) -> None:
    picture(tmp_path / "vision" / "dog.png")
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "dog.wav").write_bytes(golden("audio_mono16k_short.wav").read_bytes())
    found = one({"kind": "pairs", "path": str(tmp_path)}, wanted(tmp_path, "audio"))
    assert [item.name for item in found.items] == ["dog"]
    assert found.items[0].senses["audio"]()[0].modality == "audio"


def table(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    with (folder / "captions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_captions_and_labels_of_a_file_are_gathered(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / name)
    table(
        tmp_path,
        [
            {"file": "a.png", "caption": "a warm car", "label": "car"},
            {"file": "a.png", "caption": "a car at night", "label": "car"},
            {"file": "b.png", "caption": "", "label": "person"},
            {"file": "c.png", "caption": "", "label": ""},
            {"file": "gone.png", "caption": "nothing", "label": "x"},
        ],
    )
    found = one({"kind": "captioned", "path": str(tmp_path)}, wanted(tmp_path, anchor="text"))
    assert [(item.captions, item.label) for item in found.items] == [
        (("a warm car", "a car at night"), "car"),
        ((), "person"),
    ]
    assert found.refused == {"rows whose file is not there": 1, "nothing says what it is": 1}


@pytest.mark.parametrize("column", ["caption", "label"])
def test_either_column_is_enough(tmp_path: Path, column: str) -> None:
    picture(tmp_path / "a.png")
    table(tmp_path, [{"file": "a.png", column: "a car"}])
    (item,) = one({"kind": "captioned", "path": str(tmp_path)}, wanted(tmp_path, anchor="text")).items
    assert (*item.captions, item.label) in (("a car", ""), ("a car",))


# Worlds and sets


def test_worlds_tell_what_happens_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {"kind": "simulator", "seeds": "3:4", "variant": "rover", "seconds": 24.0}
    found = one(raw, wanted(tmp_path, "imu"))
    assert found.source == "simulator, rover 3"
    assert {item.group for item in found.items} == {f"{found.source} 0"}
    assert 15 <= len(found.items) <= 23
    monkeypatch.setattr("pipeline.commands.bind.worlds.lessons", lambda *_: iter(()))
    assert len(one(raw, wanted(tmp_path, "imu")).items) == len(found.items)


def test_by_text_only_windows_in_which_something_happens_are_pairs(tmp_path: Path) -> None:
    raw = {"kind": "simulator", "seeds": "3:4", "variant": "rover", "seconds": 40.0}
    found = one(raw, wanted(tmp_path, "audio", anchor="text"))
    assert found.items
    assert all(item.captions and item.label for item in found.items)
    assert found.refused["nothing says what it is"] > len(found.items)


def test_in_a_set_things_without_the_other_sense_are_counted(tmp_path: Path) -> None:
    for name in ("a", "b"):
        picture(tmp_path / "visible" / f"{name}.jpg")
        picture(tmp_path / "infrared" / f"{name}.jpg")
    raw = {"kind": "set", "name": "rgb_thermal_roadscene", "path": str(tmp_path)}
    assert len(one(raw, wanted(tmp_path)).items) == 2
    alone = one(raw, wanted(tmp_path, "depth"))
    assert (alone.items, alone.refused) == ([], {"without depth": 2})


# What cannot be


def no_set(folder: Path) -> dict[str, Any]:
    return {"kind": "set", "name": "llvip", "path": str(folder)}


@pytest.mark.parametrize(
    ("raw", "want", "told"),
    [
        (lambda f: {"kind": "recording", "path": f"{f}/no.mcap"}, {}, "there is no such log"),
        (lambda f: {"kind": "recording", "path": f"{f}/*.bag"}, {}, "there is no such log"),
        (lambda f: {"kind": "recording", "path": str(f), "gap_s": 60.0}, {}, "gap_s 60 leaves nothing of a block_s"),
        (lambda f: {"kind": "pairs", "path": str(f)}, {}, "vision: there is no such folder"),
        (lambda f: {"kind": "pairs", "path": str(f)}, {"anchor": "text"}, "say nothing in words"),
        (lambda f: {"kind": "pairs", "path": str(f)}, {"modality": "force"}, "what files hold of force nobody knows"),
        (lambda f: {"kind": "captioned", "path": str(f)}, {}, 'bound by anchor = "text"'),
        (lambda f: {"kind": "captioned", "path": str(f)}, {"anchor": "text"}, "captions.csv: there is no such file"),
        (lambda f: {"kind": "simulator"}, {"modality": "force"}, "a simulated rig has vision, depth"),
        (lambda f: {"kind": "simulator", "seeds": "4:4"}, {}, "seeds '4:4' is not A:B"),
        (no_set, {}, "there is no folder Annotations/"),
        (lambda f: no_set(f) | {"name": "lvip"}, {}, "did you mean llvip"),
        (lambda f: no_set(f / "no"), {}, "there is no such folder"),
    ],
)
def test_what_cannot_be_a_source_is_told(
    tmp_path: Path, raw: Callable[[Path], dict[str, Any]], want: dict[str, str], told: str
) -> None:
    with pytest.raises((ValueError, InputError)) as refused:
        find(raw(tmp_path), wanted(tmp_path, **want))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({}, "sources[0].kind: missing; there is recording, pairs, captioned, simulator, set"),
        ({"kind": "recordings"}, "sources[0].kind: 'recordings'; did you mean 'recording'?"),
        ({"kind": "recording", "path": "a", "evry_s": 1.0}, "sources[0]: evry_s: unknown key; did you mean `every_s`?"),
        ({"kind": "recording"}, "sources[0]: path: missing"),
        ({"kind": "recording", "path": "a", "every_s": 0}, "sources[0]: every_s: Expected `float` > 0.0: 0"),
        ({"kind": "simulator", "variant": "boat"}, "sources[0]: variant: Invalid enum value 'boat': 'boat'"),
    ],
)
def test_a_slip_in_a_source_is_told_with_its_place(raw: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        source_of(raw, "bind.toml: sources[0]")
    assert str(refused.value) == f"bind.toml: {told}"


def test_what_is_kept_on_the_shelf_tells_what_was_refused(tmp_path: Path) -> None:
    path = log(tmp_path / "run.mcap", RIG, 20)
    one({"kind": "recording", "path": str(path)}, wanted(tmp_path, "imu"))
    (told,) = (tmp_path / "kept").glob("*/told.json")
    assert json.loads(told.read_bytes())["refused"] == {"windows that lack half of their imu": 2}
