"""Figures of simulated worlds: the truth of their windows, tags, subsets and retrieval."""

from typing import Any

import numpy as np
import pytest
from meanings import Meanings

from operators.evaluation.embedder import Embedder
from operators.fusion import CrossAttention
from operators.space import Space
from pipeline.commands.eval.simulator import APART, SENTENCES, evaluate, judged
from pipeline.commands.eval.worlds import Seen, joined, marked
from pipeline.messages import NS, Window
from sensors.simulator import Happening, timetable
from sensors.simulator.rig import START

FIRE = Happening(label="fire", start=10 * NS, end=14 * NS, modalities=("vision",))
FAULT = Happening(label="frozen camera", start=0, end=100 * NS, modalities=("vision",), kind="fault")


def window(start_s: float, length_s: float = 2.0) -> Window:
    start = START + round(start_s * NS)
    return Window(start=start, end=start + round(length_s * NS), clips={}, coverage={})


@pytest.mark.parametrize(
    ("start_s", "is_fire"), [(0, 0), (8, 0), (8.5, np.nan), (9, 1), (12, 1), (13, 1), (13.5, np.nan), (14, 0), (20, 0)]
)
def test_a_window_is_of_what_fills_half_of_it(start_s: float, is_fire: float) -> None:
    np.testing.assert_equal(marked(window(start_s), [FAULT, FIRE], "fire"), is_fire)
    assert marked(window(start_s), [FAULT, FIRE], "frozen camera") == 0


def test_what_is_shorter_than_a_window_needs_half_of_itself() -> None:
    glass = Happening(label="glass breaking", start=10 * NS, end=11 * NS, modalities=("audio",))
    assert marked(window(9.5), [glass], "glass breaking") == 1
    assert np.isnan(marked(window(8.25), [glass], "glass breaking"))


def test_every_event_of_the_simulator_has_sentences() -> None:
    labels = {
        happening.label
        for variant in ("rover", "drone")
        for happening in timetable("tour", 0, variant, 400)
        if happening.kind == "event"
    }
    assert labels == set(SENTENCES)


def world(number: int = 80, seed: int = 0, knows: dict[str, float] | None = None) -> Seen:
    """Windows of two labels in turn; each sense knows them with so much noise, and a window by a trait of its own."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((number, 2))
    truth[np.arange(number), np.arange(number) // 4 % 2] = 1
    traits = rng.normal(size=(number, 16)) * np.r_[0, 0, np.ones(14)] * 0.3
    vectors = {}
    for sense, noise in (knows or {"vision": 0.6, "thermal": 0.6, "audio": 0.6}).items():
        rows = np.hstack([truth, np.zeros((number, 14))]) + traits + noise * rng.normal(size=(number, 16)) / 4
        vectors[sense] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Seen(vectors, truth, ("fire", "alarm"), [window(n / 2) for n in range(number)])


LABELS = np.eye(16)[:2]


def test_senses_together_tell_more_than_each() -> None:
    figures = judged(world(400, knows={"vision": 4.0, "thermal": 4.0, "audio": 4.0}), LABELS, CrossAttention()).figures
    assert figures["tag_map"] > figures["best_single_tag_map"] + 0.02
    assert figures["tag_map"] == figures["tag_map_vision_thermal_audio"]
    assert sum(name.startswith("tag_map_") for name in figures) == 7
    assert figures["n"] == 400


def test_a_sense_without_a_say_leaves_it_to_the_others() -> None:
    seen = world()
    seen.vectors["audio"][::2] = np.nan
    figures = judged(seen, LABELS, CrossAttention()).figures
    assert figures["tag_map"] == pytest.approx(1, abs=0.05)
    assert figures["tag_map_audio"] < 0.9  # where it has nothing to say it cannot tell
    assert np.isfinite(list(figures.values())).all()


def test_windows_find_each_other_across_the_senses() -> None:
    outcome = judged(world(), LABELS, CrossAttention())
    assert outcome.figures["vision_thermal_r1"] > 5 / (80 / APART)
    assert {"audio_vision_r10", "thermal_audio_r1", "composed_r1", "composed_one_r1"} <= outcome.figures.keys()
    assert len(outcome.tables[1].rows) == 7
    assert outcome.figures["composed_r1"] >= outcome.figures["composed_one_r1"]


def test_a_sense_that_knows_nothing_is_found_by_chance() -> None:
    figures = judged(world(knows={"vision": 0.6, "thermal": 0.6, "imu": 1000.0}), LABELS, CrossAttention()).figures
    assert figures["vision_imu_r1"] < 0.3 < figures["vision_thermal_r1"]


def test_what_is_not_asked_counts_neither_way() -> None:
    seen = world()
    figures = judged(seen, LABELS, CrossAttention()).figures
    wrong = seen.truth.copy()
    wrong[:8] = 1 - wrong[:8]
    worse = judged(Seen(seen.vectors, wrong, seen.labels, seen.windows), LABELS, CrossAttention()).figures
    wrong[:8] = np.nan
    unasked = judged(Seen(seen.vectors, wrong, seen.labels, seen.windows), LABELS, CrossAttention()).figures
    assert worse["tag_map"] < figures["tag_map"] - 0.05
    assert unasked["tag_map"] == pytest.approx(figures["tag_map"], abs=0.02)


def test_worlds_are_joined_window_by_window() -> None:
    seen = joined([world(10), world(6, seed=1)])
    assert len(seen.windows) == len(seen.truth) == len(seen.vectors["audio"]) == 16


def embedder(modalities: tuple[str, ...]) -> Any:
    return Embedder(Meanings(modalities))  # type: ignore[arg-type]


def test_a_model_without_any_of_the_senses_is_refused() -> None:
    with pytest.raises(ValueError, match="no encoder for any sense"):
        evaluate(embedder(("text",)), "0:1", 20)


def test_worlds_that_are_still_calm_are_refused() -> None:
    with pytest.raises(ValueError, match="no event happens"):
        evaluate(embedder(("text", "imu")), "0:1", 3)


def test_a_model_that_lacks_a_sense_is_asked_for_tags_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where no event happens, there is nothing to ask."""
    looked: list[int] = []

    def look(_: Embedder, config: object, seed: int, *rest: object) -> Seen:
        looked.append(seed)
        seen = world(8)
        return Seen(seen.vectors, seen.truth * 0, seen.labels, seen.windows)

    monkeypatch.setattr("pipeline.commands.eval.simulator.look", look)
    with pytest.raises(ValueError, match="no event happens"):
        evaluate(embedder(("text", "imu")), "0:2", 20, calm_s=300)
    assert looked == [0, 1]


@pytest.mark.slow
def test_a_world_is_looked_at_from_start_to_end() -> None:
    heard: list[str] = []
    run = Embedder(Space("tiny"), None, lambda what, done, of: heard.append(what))
    outcome, _ = evaluate(run, "1000:1001", 28, calm_s=4)
    assert outcome.figures["n"] == 52  # one every half second from 2 s on, without the last, which nothing comes after
    assert 0 < outcome.figures["tag_map"] <= 1
    assert sum(name.startswith("tag_map_") for name in outcome.figures) == 31
    assert sum(name.endswith("_r1") for name in outcome.figures) >= 20
    assert outcome.figures["n_events"] == 2
    assert {name for name, value in outcome.figures.items() if not np.isfinite(value)} <= {
        "event_precision", "event_f1", "event_delay_s_median", "false_alarm_ratio", "false_alarm_ratio_low",
        "false_alarm_ratio_high", "fault_named",
    }  # fmt: skip
    assert {"world 1000", "world 1000: vision"} <= set(heard)
