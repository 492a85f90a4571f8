"""Observed and promised false alarms, and how sure their ratio is."""

import numpy as np
import pytest
from scipy.stats import poisson

from pipeline.commands.eval.promises import Calm, kept, rates_of, ratio
from pipeline.messages import NS, Event


def raised(count: int) -> list[Event]:
    return [
        Event(id=str(number), phase="closed", start=0, end=1, label="anomaly", score=5.0, source="anomaly")
        for number in range(count)
    ]


def calm(hours: float, *counts: int) -> Calm:
    return Calm(round(hours * 3600) * NS, {rate: raised(of) for rate, of in zip(rates_of(24), counts, strict=True)})


def test_the_ratio_is_taken_where_enough_was_promised_to_tell_it_from_one() -> None:
    figures = kept([calm(0.2, 0, 3, 10), calm(0.2, 0, 1, 14)]).figures
    assert figures["false_alarm_rate"] == 240
    assert figures["false_alarms"] == 4
    assert figures["false_alarms_promised"] == pytest.approx(4)
    assert figures["false_alarm_ratio"] == pytest.approx(1)
    assert figures["false_alarm_ratio_low"] < 0.5 < 2 < figures["false_alarm_ratio_high"]
    assert kept([calm(3.5, 1, 3, 10)]).figures["false_alarm_rate"] == 24
    assert kept([calm(0.01, 0, 0, 0)]).figures["false_alarm_rate"] == 2400


def test_every_rate_is_a_row() -> None:
    rows = kept([calm(1, 0, 3, 50)]).tables[0].rows
    assert [row[:3] for row in rows] == [("24", 1, 0), ("240", 10, 3), ("2400", 100, 50)]


def test_without_calm_no_ratio_is_known() -> None:
    assert np.isnan(kept([calm(0, 0, 0, 0)]).figures["false_alarm_ratio"])


@pytest.mark.parametrize("true", [0.5, 1.0, 1.5])
def test_the_interval_holds_the_true_ratio_as_often_as_it_says(true: float) -> None:
    held = sum(poisson.pmf(n, 5 * true) for n in range(60) if ratio(n, 5)[1] <= true <= ratio(n, 5)[2])
    assert 0.95 <= held <= 1
