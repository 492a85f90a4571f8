"""The sets of recordings in which something goes wrong, and how each is tested."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path

import numpy as np
from msgspec import Struct

from operators.evaluation.anomaly import Tally, tally, trade
from operators.evaluation.anomaly_judges import SOON_S, STEP, Judge, Judged, flights, moves, rotors, runs, series
from operators.evaluation.anomaly_models import BENCH, Model, baselines, beside_its_past, usual
from operators.evaluation.outcome import Outcome, Row, Table
from operators.sets import (
    nab,
    robot_execution_failures_uci,
    skab_valve_anomaly,
    uav_alfa_fault,
    uav_propeller_fault_imu,
)
from operators.sets.recording import Recording

Aims = Mapping[str, tuple[str, float]]
HEADS = ("model", "AUROC", "found", "median delay, s", "false alarms")
AHEAD = "auroc_ahead"


class AnomalySet(Struct, frozen=True):
    """How one set is tested: an alarm counts ``within_s`` of an onset; those ``quiet_s`` apart are one."""

    read: Callable[[Path], list[Recording]]
    judge: Judge
    aims: Aims
    within_s: float = inf
    quiet_s: float = 0.0
    ours: Model = usual

    @property
    def summary(self) -> str:
        """The first sentence of its description."""
        return " ".join((self.judge.__doc__ or "").split("\n\n")[0].split())

    def run(self, recordings: Sequence[Recording], fit: Sequence[Recording] = ()) -> Outcome:
        """Test ours beside what others use, on the same rows.

        ``auroc recall delay_s_median false_alarms n``, those of others after their name, and ``auroc_ahead``: of the
        best of them.
        """
        others, missing = baselines()
        figures: dict[str, float] = {}
        rows: list[Row] = []
        trades = {}
        for name, model in {"ours": self.ours, **others}.items():
            judged = self.judge(recordings, fit, model)
            found = tally(judged.scored, judged.levels, self.within_s, self.quiet_s)
            before = "" if name == "ours" else f"{name}_"
            figures |= {f"{before}{key}": value for key, value in _figures(judged, found).items()}
            share = f"{len(found.delays_s)} of {found.num_wrong}"
            rows.append((name.replace("_", " "), judged.auroc, share, found.delay_s, sum(found.false)))
            trades[name.replace("_", " ")] = trade(judged.scored, self.within_s, self.quiet_s)
        if not missing:
            figures[AHEAD] = figures["auroc"] - max(figures[f"{name}_auroc"] for name in others)
        rows += [(package, BENCH, "", "", "") for package in missing]
        return Outcome(
            figures=figures | {"n": float(len(recordings))},
            tables=[Table(self.summary, HEADS, rows)],
            trades=trades,
        )


def _figures(judged: Judged, found: Tally) -> dict[str, float]:
    return {
        "auroc": judged.auroc,
        "recall": found.recall,
        "delay_s_median": found.delay_s,
        "false_alarms": float(np.sum(found.false)),
    }


FLIGHT_S = 1e6
"""Longer than any flight: of a flight all alarms are one."""

ANOMALY_SETS: Mapping[str, AnomalySet] = {
    "uav_alfa_fault": AnomalySet(
        uav_alfa_fault.recordings,
        flights,
        {"recall": (">=", 0.9), "delay_s_median": ("<=", 3.0), "false_alarms": ("<=", 1.0)},
        within_s=SOON_S,
        quiet_s=FLIGHT_S,
        ours=beside_its_past(usual, round(SOON_S * uav_alfa_fault.RATE_HZ / STEP)),
    ),
    "uav_propeller_fault_imu": AnomalySet(
        uav_propeller_fault_imu.recordings, rotors, {"auroc": (">=", 0.95)}, quiet_s=5.0
    ),
    "skab_valve_anomaly": AnomalySet(skab_valve_anomaly.recordings, runs, {AHEAD: (">=", 0.0)}, quiet_s=30.0),
    "nab": AnomalySet(nab.recordings, series, {AHEAD: (">=", 0.0)}, quiet_s=3600.0),
    "robot_execution_failures_uci": AnomalySet(robot_execution_failures_uci.recordings, moves, {AHEAD: (">=", 0.0)}),
}
