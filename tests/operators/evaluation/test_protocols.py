"""The protocol of every set gives its figures, on things whose meaning is known."""

from collections.abc import Sequence

import numpy as np
import pytest
from meanings import Meanings, thing
from msgspec.structs import replace

from operators.evaluation.embedder import Embedded, Embedder
from operators.evaluation.outcome import Outcome, finite, prefixed, together
from operators.evaluation.protocols import PROTOCOLS, rooms
from operators.evaluation.protocols.flyers import closer
from operators.evaluation.published import PUBLISHED
from operators.evaluation.zero_shot import Scored
from operators.sets import nyu_depth, sun_rgbd
from operators.sets.item import Item
from operators.sets.reading import clip_of


def run(name: str, items: Sequence[Item], fit: Sequence[Item] = ()) -> Outcome:
    return PROTOCOLS[name].run(Embedder(Meanings()), items, fit)  # type: ignore[arg-type]


def sounds(labels: Sequence[str], number: int = 6) -> list[Item]:
    return [
        thing(f"{label} {n}", {"audio": place + n / 100}, label)
        for place, label in enumerate(labels)
        for n in range(number)
    ]


def films(number: int = 4) -> list[Item]:
    """Birds and drones; the camera sees birds right, and takes drones for anything."""
    return [
        thing(f"{sense} {label} {n}", {sense: [value, value + 0.01]}, label, f"{sense} {label} {n}")
        for sense in ("thermal", "vision", "audio")
        for label, value in (("bird", 3), ("drone", 5))
        for n in range(number)
    ]


def test_every_protocol_says_what_it_does() -> None:
    for name, protocol in PROTOCOLS.items():
        assert protocol.summary.endswith("."), name
        assert len(protocol.summary) > 40, name


def test_sounds_are_told_by_sentences_and_by_examples() -> None:
    items = sounds(["dog", "cat"])  # meaning 0 and 1: a sentence with "cat" means 0, so both are taken for each other
    figures = run("esc50", items).figures
    assert figures["top1"] == 0
    assert figures["shot1_top1"] == 1
    assert figures["n"] == 12
    figures = run("esc50", sounds(["cat", "dog"])).figures
    assert figures["top1"] == 1
    assert figures["majority"] == figures["chance"] == 0.5


def test_examples_are_drawn_from_where_one_may_learn() -> None:
    items = sounds(["cat", "dog"], 1)
    assert "shot1_top1" not in run("esc50", items).figures  # one recording a class: nothing would be left to test
    assert run("esc50", items, sounds(["cat", "dog"])).figures["shot1_top1"] == 1
    assert run("esc50", items, sounds(["dog", "cat"])).figures["shot1_top1"] == 0


def test_persons_and_cars_are_told_from_nothing_and_from_each_other() -> None:
    meaning = {"person": 13, "car": 2, "background": 14}  # what means nothing known is axis 14: empty ground
    items = [
        thing(f"{label} {n}", {"thermal": value + (0.1 if n == 0 and label == "person" else 0)}, label, f"flight {n}")
        for label, value in meaning.items()
        for n in range(5)
    ]
    figures = run("thermal_uav_hituav", [*items, thing("x", {"thermal": 1}, "bicycle")]).figures
    assert figures["n"] == 15
    assert figures["person_car_n"] == 10
    assert figures["person_car_top1"] == 0.6  # cars are known, and one person; the others score 0 with both
    assert {"target_auroc", "target_top1", "shot5_top1", "map", "auroc"} <= figures.keys()
    assert figures["target_auroc"] >= 0.5


def test_without_background_there_is_nothing_to_tell_things_from() -> None:
    items = [thing(f"{n}", {"thermal": n % 3}, "car") for n in range(4)]
    figures = run("thermal_uav_hituav", items).figures
    assert "target_auroc" not in figures
    assert figures["person_car_n"] == 4


def test_what_flies_is_told_by_each_sense_and_by_two_together() -> None:
    figures = run("drone_ir_visible_audio", films()).figures
    assert {
        f"{sense}_{kind}" for sense in ("ir", "visible", "audio") for kind in ("top1", "shot5_top1", "n")
    } <= figures.keys()
    assert figures["n"] == 24
    assert figures["ir_shot5_top1"] == figures["fused_shot5_top1"] == 1
    assert {"fused_top1", "fused_single_top1", "fused_gain", "fused_audio_top1"} <= figures.keys()


def test_of_another_folder_alone_is_learned_and_all_files_are_tested() -> None:
    """There a bird is called a drone, so that whoever learns from it is wrong of every file."""
    called = {"bird": "drone", "drone": "bird"}
    misled = [replace(item, name=f"fit/{item.name}", label=called[item.label], group="fit") for item in films()]
    figures = run("drone_ir_visible_audio", films(), [replace(item, is_elsewhere=True) for item in misled]).figures
    assert figures["ir_shot5_top1"] == figures["audio_shot5_top1"] == figures["fused_shot5_top1"] == 0
    figures = run("drone_ir_visible_audio", films(), misled).figures
    assert figures["ir_shot5_top1"] > 0


def test_films_are_looked_at_where_something_moves_and_sounds_are_heard_as_they_are() -> None:
    frames = np.random.default_rng(0).integers(90, 110, (9, 120, 160)).astype(np.uint8)
    for n, frame in enumerate(frames):
        frame[60:64, 20 + 12 * n : 24 + 12 * n] = 250
    clip = clip_of("film", "thermal", 0, 9, list(enumerate(frames)))
    item = closer(Item(name="a", senses={"thermal": lambda: [clip], "audio": lambda: [clip]}))
    (seen,) = item.senses["thermal"]()
    (sample,) = seen.samples
    assert max(sample.data.shape) < 40
    assert (sample.data == 250).sum() == 16
    assert item.senses["audio"]() == [clip]


def test_every_file_counts_alike() -> None:
    seagulls = [thing(f"gull {n}", {"vision": 0}, "bird") for n in range(12)]  # seen as something else
    figures = run("drone_ir_visible_audio", [*films(), *seagulls]).figures
    senses = ("ir", "visible", "audio")
    assert figures["ir_top1"] > figures["visible_top1"] + 0.1
    assert figures["top1"] * 36 == pytest.approx(sum(figures[f"{s}_top1"] * figures[f"{s}_n"] for s in senses))


def test_a_sense_that_is_not_there_is_left_out() -> None:
    figures = run("drone_ir_visible_audio", [item for item in films() if "audio" not in item.senses]).figures
    assert "audio_top1" not in figures
    assert "fused_audio_top1" not in figures
    assert "fused_top1" in figures
    figures = run("drone_ir_visible_audio", [item for item in films() if "vision" in item.senses]).figures
    assert "fused_top1" not in figures
    assert figures["visible_n"] == figures["n"] == 8
    with pytest.raises(ValueError, match="film or a sound"):
        run("drone_ir_visible_audio", [thing("a", {"imu": 1}, "bird")])


def test_ground_is_told_by_five_examples_beside_plain_statistics() -> None:
    items = [
        thing(f"{label} {n}", {"imu": value + n / 100}, label, f"{label} {n // 2}")
        for value, label in enumerate(("ice", "snow"))
        for n in range(8)
    ]
    figures = run("imu_terrain_borealtc", items).figures
    assert figures["top1"] == figures["shot5_top1"] == 1
    assert figures["baseline_shot5_top1"] == 1
    assert figures["majority"] == 0.5
    assert figures["n"] == 16


def test_rooms_are_told_by_depth_and_found_by_their_picture() -> None:
    names = [*sun_rgbd.CLASSES[:3], "hotel lobby"]
    items = [thing(f"{n}", {"vision": n, "depth": n}, names[n % 4]) for n in range(8)]
    figures = run("sun_rgbd", items).figures
    assert figures["n"] == 6  # of the kinds that are asked for
    assert figures["r1"] == 1
    assert figures["chance"] == pytest.approx(1 / 19)


def test_other_rooms_are_the_best_of_their_names() -> None:
    items = [thing(f"{n}", {"vision": n, "depth": n}, label) for n, label in enumerate(("kitchen", "other", "other"))]
    outcome = run("nyu_depth", items)
    assert outcome.figures["chance"] == pytest.approx(1 / 10)
    assert outcome.confusions[0].classes == [*nyu_depth.CLASSES, "other"]
    assert outcome.confusions[0].counts.sum(1).tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 2]


def test_of_other_rooms_each_name_counts_and_no_other() -> None:
    number, names = len(nyu_depth.OTHERS), len(nyu_depth.CLASSES) + len(nyu_depth.OTHERS) + 1
    scores = np.zeros((number, names))
    scores[:, : len(nyu_depth.CLASSES)] = 0.5
    scores[np.arange(number), len(nyu_depth.CLASSES) + np.arange(number)] = 0.9
    scores[:, -1] = 0.99  # the word "other" itself
    embedded = Embedded([thing(f"{n}", {}) for n in range(number)], [np.eye(4)[:1]] * number)
    one = rooms._others(Scored(embedded, [""] * names, scores, np.full(number, names - 1)))
    assert one.scores.shape == (number, 10)
    np.testing.assert_array_equal(one.scores[:, -1], 0.9)
    assert one.truth.tolist() == [9] * number


@pytest.mark.parametrize(
    ("name", "items", "figure"),
    [
        ("audio_esc10", sounds(["dog bark", "rain"]), "top1"),
        ("drone_motor_prop_audio", sounds(["prop", "no prop"]), "auroc"),
        ("rgb_thermal_roadscene", [thing(f"{n}", {"vision": n, "thermal": n}) for n in range(3)], "baseline_r1"),
        ("rgb_thermal_tno", [thing(f"{n}", {"vision": n, "thermal": n}) for n in range(3)], "r10"),
        ("rgbd_imu_tum_fr1_rpy", [thing(f"{n}", {"vision": n, "depth": n}) for n in range(3)], "r5"),
        ("audioset", [thing("a", {"audio": 0}, "Cat", captions=("cat", "dog"))], "map"),
        ("clotho", [thing("a", {"audio": 0}, captions=("a cat",))], "r1"),
        ("audiocaps", [thing("a", {"audio": 0}, captions=("a cat",))], "back_r1"),
        ("llvip", [thing("a", {"thermal": 0, "vision": 1}, "person")], "visible_top1"),
        ("ego4d", [thing("a", {"imu": 0}, "Walking a dog"), thing("b", {"imu": 1}, "Cooking")], "top1"),
    ],
)
def test_the_figures_that_others_rely_on_are_there(name: str, items: list[Item], figure: str) -> None:
    figures = run(name, items).figures
    assert 0 <= figures[figure] <= 1
    assert figures["n"] > 0


def test_numbers_of_others_are_of_sets_that_are_tested_and_of_figures_that_we_have() -> None:
    assert set(PUBLISHED) <= set(PROTOCOLS)
    for numbers in PUBLISHED.values():
        for one in numbers:
            assert one.figure in ("top1", "map", "r1", "r10")
            assert 0 < one.value < 1
            assert "arXiv" in one.where


def test_outcomes_go_together_under_their_names() -> None:
    one, other = Outcome(figures={"top1": 0.5}, bars={"a": 1.0}), Outcome(figures={"n": 3.0, "x": float("nan")})
    joined = together(prefixed(one, "ir"), other)
    assert dict(finite(joined.figures)) == {"ir_top1": 0.5, "n": 3.0}
    assert joined.bars == {"ir: a": 1.0}
    assert np.isnan(joined.figures["x"])
