"""What is learned, scored and counted of each set: on recordings of our own, and on those that others published."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from makers import SHARED
from msgspec.structs import replace

from operators.evaluation.anomaly_judges import flights, moves, rotors, runs, series
from operators.evaluation.anomaly_models import BENCH, beside_its_past, largest_z, usual
from operators.evaluation.anomaly_sets import ANOMALY_SETS
from operators.sets.recording import Recording
from pipeline.messages import Array

SETS = SHARED / "data"


def recording(name: str, values: Array, is_wrong: Array | bool, rate_hz: float) -> Recording:
    truth = np.broadcast_to(is_wrong, len(values))
    columns = tuple(str(place) for place in range(values.shape[1]))
    return Recording(name=name, rate_hz=rate_hz, columns=columns, values=values, is_wrong=truth)


def flight(seed: int, fails: bool) -> Recording:
    """60 s at 20 Hz of three numbers, of which two follow each other until a failure at 40 s."""
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(size=(1200, 3)), axis=0) * 0.02 + rng.normal(size=(1200, 3)) * 0.1
    values[:, 1] = values[:, 0] + rng.normal(size=1200) * 0.1
    is_wrong = np.arange(1200) >= (800 if fails else 1200)
    values[is_wrong, 1] += 3
    values[50, 2] = np.nan
    return recording(f"flight {seed}", values, is_wrong, 20.0)


def plant(seed: int, length: int = 700) -> Recording:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(length, 2))
    is_wrong = np.arange(length) >= length - 150
    values[is_wrong] += 4
    return recording(f"plant {seed}", values, is_wrong, 1.0)


def rotor(seed: int, is_damaged: bool, seconds: int = 24) -> Recording:
    """100 Hz; the first four seconds are on the ground."""
    rng = np.random.default_rng(seed)
    shake = np.where(np.arange(seconds * 100) < 400, 0.01, 1.0)[:, np.newaxis]
    values = rng.normal(size=(seconds * 100, 6)) * shake
    if is_damaged:
        values[400:, 0] += 2 * np.sin(np.arange(seconds * 100 - 400) * 1.9)
    return recording(f"rotor {seed}", values, is_damaged, 100.0)


def move(number: int, fails: bool) -> Recording:
    rng = np.random.default_rng(number)
    return recording(f"lp1/{number}", rng.normal(size=(15, 6)) + (3 if fails else 0), fails, 50.0)


def copies(known_NK: Array, rows_TK: Array) -> Array:
    """1 where a row was learned."""
    return np.array([(known_NK == row_K).all(1).any() for row_K in rows_TK], float)


def test_nothing_is_scored_by_itself() -> None:
    judged = [
        flights([flight(seed, seed < 2) for seed in range(3)], (), copies),
        runs([plant(0), plant(1)], (), copies),
        rotors([rotor(0, False), rotor(1, True)], (), copies),
        moves([move(number, False) for number in range(10)], (), copies),
    ]
    assert all(not np.nan_to_num(one.scores).any() for each in judged for one in each.scored)


def test_a_flight_is_scored_by_the_others_and_not_in_its_first_seconds() -> None:
    all_flights = [flight(seed, seed < 3) for seed in range(6)]
    judged = flights(all_flights, (), usual)
    assert judged.auroc > 0.95
    for one, before in zip(judged.scored, all_flights, strict=True):
        assert np.isnan(one.scores[:80]).all()
        assert np.isfinite(one.scores[80:]).all()
        assert one.is_wrong.sum() == before.is_wrong.sum() / 5
    # what a flight is in itself changes nothing in what the level of its alarms is
    other = replace(all_flights[0], values=all_flights[0].values * 50)
    assert flights([other, *all_flights[1:]], (), usual).levels[0] != pytest.approx(judged.levels[1], rel=1e-6)
    assert (
        flights([other, *all_flights[1:]], all_flights[1:], usual).levels[0]
        == flights(all_flights, all_flights[1:], usual).levels[0]
    )


def test_the_start_of_a_flight_is_not_learned() -> None:
    learned = []

    def counts(known_NK: Array, rows_TK: Array) -> Array:
        learned.append(len(known_NK))
        return np.zeros(len(rows_TK))

    flights([flight(0, True), flight(1, False), flight(2, False)], (), counts)
    assert learned == [160 + 160, 80 + 160, 80 + 160]  # 4 rows a second of 40 s, or of 20 s until the failure


def test_parts_of_one_flight_are_no_other_flight() -> None:
    one, two, three = (replace(flight(seed, False), name=f"2018-09-11-15-06-3{seed // 2}_{seed}") for seed in range(3))
    two = replace(two, values=one.values)
    judged = flights([one, two, three], (), copies)
    assert not any(np.nan_to_num(part.scores).any() for part in judged.scored)
    # nor do they say how high an alarm is
    given = [flight(seed, False) for seed in (7, 8)]
    levels = flights([one, two, three], given, usual).levels
    others = flights([one, replace(two, values=two.values * 50), three], given, usual).levels
    assert others[0] == levels[0]
    assert others[2] != levels[2]


def test_a_flight_alone_has_the_level_of_those_that_are_learned_from() -> None:
    given = [flight(seed, False) for seed in range(1, 5)]
    judged = flights([flight(0, True)], given, usual)
    assert 0 < judged.levels[0] < judged.scored[0].scores[160:].max()


def test_a_score_is_told_by_what_was_high_in_the_same_recording_before() -> None:
    strange = beside_its_past(lambda known_NK, rows_TK: rows_TK[:, 0], 10)
    rows_TK = np.ones((100, 1))
    rows_TK[20:] = 5
    for scale in (1, 7):
        scores_T = strange(rows_TK, rows_TK * scale)
        assert np.isnan(scores_T[:10]).all()
        np.testing.assert_allclose(scores_T[10:20], 1)
        np.testing.assert_allclose(scores_T[20:30], 5)
    assert np.isnan(strange(rows_TK, rows_TK[:5])).all()


def test_what_is_wrong_is_not_learned_from() -> None:
    all_flights = [flight(seed, seed < 3) for seed in range(4)]
    spoilt = [
        replace(one, values=np.where(one.is_wrong[:, np.newaxis], 1e6, one.values)) if one.is_wrong.any() else one
        for one in all_flights
    ]
    given = flights(all_flights, all_flights, usual)
    for one, other in zip(given.scored, flights(all_flights, spoilt, usual).scored, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def test_runs_and_series_are_scored_after_what_they_are_learned_from() -> None:
    judged = runs([plant(0), plant(1)], (), usual)
    assert judged.auroc > 0.95
    assert [int(np.isnan(one.scores).sum()) for one in judged.scored] == [400, 400]
    long = series([plant(2, 2000)], (), usual)
    assert int(np.isnan(long.scored[0].scores).sum()) == 300
    assert long.auroc > 0.95


def test_rotors_are_asked_in_the_air_and_sound_halves_by_each_other() -> None:
    judged = rotors([rotor(0, False), rotor(1, True)], (), usual)
    assert [len(one.scores) for one in judged.scored] == [20, 20]
    assert judged.auroc > 0.95
    with pytest.raises(ValueError, match="no flight with sound rotors"):
        rotors([rotor(1, True)], (), usual)
    with pytest.raises(ValueError, match="rotor 0: there are not two seconds"):
        rotors([rotor(0, False, 4)], (), usual)


def test_moves_are_never_scored_by_themselves() -> None:
    judged = moves([move(number, number % 3 == 0) for number in range(30)], (), usual)
    assert judged.auroc > 0.95
    with pytest.raises(ValueError, match="2 moves went well"):
        moves([move(number, number > 1) for number in range(6)], (), usual)


def test_every_model_has_its_figures_and_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.evaluation.anomaly_sets.baselines", lambda: ({"z": largest_z}, ("river",)))
    outcome = ANOMALY_SETS["skab_valve_anomaly"].run([plant(0), plant(1)])
    assert outcome.figures.keys() >= {"auroc", "recall", "delay_s_median", "false_alarms", "n", "z_auroc", "z_recall"}
    assert outcome.figures["recall"] == 1
    assert "auroc_ahead" not in outcome.figures  # not of the best of them, where some are not there
    assert outcome.trades.keys() == {"ours", "z"}
    assert ("river", BENCH, "", "", "") in outcome.tables[0].rows


def test_others_models_score_in_order_and_tell_large_from_usual() -> None:
    pytest.importorskip("river", reason="rigbind[bench] is not installed")
    pytest.importorskip("pyod", reason="rigbind[bench] is not installed")
    from operators.evaluation.anomaly_models import baselines

    rng = np.random.default_rng(0)
    found, missing = baselines()
    assert missing == ()
    for name, model in found.items():
        scores = model(rng.normal(size=(300, 3)), np.array([[0.0, 0, 0], [9, 9, 9]]))
        assert scores[1] > scores[0], name


@cache
def published(name: str) -> Path:
    if not (SETS / name).is_dir():
        pytest.skip(f"../shared/data/{name} is not there")
    return SETS / name


@pytest.mark.parametrize(
    ("name", "auroc", "recall", "false"),
    [
        ("uav_alfa_fault", 0.89, 0.8, 2),
        ("uav_propeller_fault_imu", 0.95, 1.0, 5),
        ("skab_valve_anomaly", 0.88, 0.9, 18),
        ("robot_execution_failures_uci", 0.97, 0.95, 8),
    ],
)
def test_recordings_of_others_are_told_apart(name: str, auroc: float, recall: float, false: float) -> None:
    of_set = ANOMALY_SETS[name]
    folder = published(name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("operators.evaluation.anomaly_sets.baselines", lambda: ({}, ("river",)))
        figures = of_set.run(of_set.read(folder)).figures
    assert figures["auroc"] >= auroc
    assert figures["recall"] >= recall
    assert figures["false_alarms"] <= false
