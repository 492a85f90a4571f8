"""What counts as found, named and false in simulated worlds."""

from typing import Any

import numpy as np
import pytest
from meanings import Meanings
from msgspec.structs import replace
from situations import observations

from operators.anomaly import Anomaly
from operators.evaluation.embedder import Embedder
from pipeline.commands.eval.incidents import Incidents, incidents, judged, seen_in
from pipeline.commands.eval.promises import Calm
from pipeline.commands.eval.separation import ALL, separation
from pipeline.commands.matching import AFTER, explains
from pipeline.config import Channel, Config, Part
from pipeline.messages import NS, Event, Window
from sensors.simulator import Happening
from sensors.simulator.rig import START

CONFIG = Config(channels=[Channel("/camera", "vision", 15), Channel("/imu", "imu", 200)])
MODALITIES = {"/camera": "vision", "/imu": "imu"}


def happening(label: str, start_s: float, end_s: float, *modalities: str, target: str = "") -> Happening:
    return Happening(
        label=label,
        start=START + round(start_s * NS),
        end=START + round(end_s * NS),
        modalities=modalities or (target,),
        kind="fault" if target else "event",
        target=target,
    )


def event(start_s: float, end_s: float, label: str = "anomaly", source: str = "anomaly", **evidence: float) -> Event:
    return Event(
        id=f"{source}/{label}@{start_s}",
        phase="closed",
        start=START + round(start_s * NS),
        end=START + round(end_s * NS),
        label=label,
        score=9.0,
        source=source,
        evidence={name.replace("__", " ").replace("_", "/"): value for name, value in evidence.items()},
    )


CRASH = happening("collision", 20, 21, "imu")
FROZEN = happening("frozen camera", 40, 45, target="vision")


@pytest.mark.parametrize(
    ("told", "is_of"),
    [
        (event(19, 22, _imu=9.0, _camera=1.0), True),
        (event(19, 22, fused=9.0), True),
        (event(19, 22, fused=9.0, _camera=8.0), False),
        (event(19, 22, _imu__saturated=9.0, _imu=1.0), True),
        (event(19, 22, "/imu dead axis", _imu__dead__axis=5.0, _camera=9.0), True),
        (event(19, 22, "/imu disagrees", _imu__disagrees=5.0, _camera=9.0), False),
        (event(10, 20, _imu=9.0), False),
        (event(22.9, 25, _imu=9.0), True),
        (event(23, 25, _imu=9.0), False),
        (event(19, 22, "collision", "tagging", _imu=0.5), True),
        (event(19, 22, "person", "tagging", _imu=0.5), False),
        (event(20, 20.1, "/imu dead", "streams"), False),
        (event(20, 20.1, "/imu: its clock stepped", "clock"), False),
    ],
)
def test_an_event_is_of_what_it_meets_if_its_loudest_sense_can_tell(told: Event, is_of: bool) -> None:
    assert explains(CRASH, told, MODALITIES, after=2 * NS) == is_of


@pytest.mark.parametrize(("label", "source"), [("dead", "streams"), (": its clock stepped", "clock")])
def test_how_samples_came_tells_of_a_sensors_fault(label: str, source: str) -> None:
    assert explains(FROZEN, event(41, 41.1, f"/camera {label}", source), MODALITIES, after=2 * NS)
    assert not explains(FROZEN, event(41, 41.1, f"/imu {label}", source), MODALITIES, after=2 * NS)


def world(told: list[Event], raised: list[Event], strange: float = 5.0) -> Incidents:
    windows = [Window(start=START + n * NS, end=START + (n + 2) * NS, clips={}, coverage={}) for n in range(60)]
    odd = [any(w.start < it.end and w.end > it.start for it in (CRASH, FROZEN)) for w in windows]
    names = [{"anomaly": strange * is_odd, "/imu": float(is_odd and n < 30)} for n, is_odd in enumerate(odd)]
    vectors = [{"vision": np.full(3, n, np.float32)} if n % 2 else {} for n in range(60)]
    return Incidents(START, [CRASH, FROZEN], told, windows, names, vectors, Calm(3600 * NS, {48.0: raised}))


def test_figures_of_what_was_found_named_and_raised_for_nothing() -> None:
    told = [event(19, 22, _imu=9.0), event(41, 45, "/camera frozen", _camera__frozen=9.0), event(55, 56, _imu=9.0)]
    figures = judged([world(told, [])], CONFIG).figures
    assert figures["event_recall"] == 1
    assert figures["event_precision"] == pytest.approx(2 / 3)
    assert figures["event_f1"] == pytest.approx(0.8)
    assert figures["fault_recall"] == figures["fault_named"] == 1
    assert figures["event_delay_s_median"] == pytest.approx((1 + 3) / 2)


def test_a_fault_that_is_told_late_or_of_another_sensor_is_neither_soon_nor_named() -> None:
    late = judged([world([event(44, 46, fused=9.0)], [])], CONFIG).figures
    assert late["event_recall"] == 0.5
    assert late["fault_recall"] == late["fault_named"] == 0


def test_nothing_told_is_nothing_found() -> None:
    figures = judged([world([], [], strange=0.0)], CONFIG).figures
    assert figures["event_recall"] == figures["event_f1"] == 0


def test_faults_in_time_are_told_by_kind() -> None:
    late = judged([world([event(44, 46, fused=9.0)], []), world([event(41, 45, fused=9.0)], [])], CONFIG)
    rows = next(table.rows for table in late.tables if "within 5 s" in table.title)
    assert rows == [("frozen camera", 2, 0.5)]


def test_the_lively_windows_of_a_watched_world_are_seen() -> None:
    watched = replace(world([], []), lively=START + 10 * NS)
    seen = seen_in(watched, {"vision": 3, "audio": 2}, ("collision", "fire"))
    assert seen.windows[0].start == START + 10 * NS
    assert seen.vectors["vision"].shape == (50, 3)
    assert np.isfinite(seen.vectors["vision"]).all(1).sum() == 25
    assert np.isnan(seen.vectors["audio"]).all()
    assert seen.truth[:, 0].nonzero()[0].tolist() == [9, 10]
    assert not seen.truth[:, 1].any()


def test_a_calm_is_watched_with_three_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = observations(600, odd=range(500, 510))

    def minds(config: Config) -> tuple[Any, list[Anomaly]]:
        fuse = iter(stream).__next__
        return lambda window, embeddings: fuse(), [Anomaly(**part.params) for part in config.operators]

    monkeypatch.setattr("pipeline.commands.eval.incidents.minds", minds)
    monkeypatch.setattr("pipeline.commands.eval.incidents._samples", lambda *_: iter(()))
    monkeypatch.setattr("pipeline.commands.eval.incidents._embedded", lambda *_: ((it.window, []) for it in stream))
    config = replace(CONFIG, operators=[Part("operators.anomaly:Anomaly")])
    calm = incidents(Embedder(Meanings()), config, 0, 300, 1, 24).calm  # type: ignore[arg-type]
    assert calm.lasted == 100.5 * NS  # 400 of 600 windows are to settle by, and the last of them is judged
    assert list(calm.raised) == [24, 240, 2400]
    assert [event.start for events in calm.raised.values() for event in events] == 3 * [stream[500].window.start]


def test_what_is_just_over_is_still_in_windows_and_no_false_event() -> None:
    told = [event(22, 21 + AFTER / NS, _imu=9.0)]
    assert judged([world(told, [])], CONFIG).figures["event_precision"] == 1


def test_all_senses_tell_apart_what_one_tells_in_part() -> None:
    outcome = separation([world([], [])])
    assert outcome.figures["fused_auroc"] == 1
    assert 0.5 < outcome.figures["best_single_auroc"] < 1
    assert separation([world([], [], strange=0.0)]).figures["fused_auroc"] == 0.5
    false_an_hour, delay_s, recall = outcome.trades[ALL][-1]
    assert (false_an_hour, delay_s, recall) == (0, 1, 1)
    assert outcome.trades["/imu"][-1][2] == 0.5
