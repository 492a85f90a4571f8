"""Whether a promised rate of false alarms is kept, in calm simulated worlds, where every alarm is false."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from scipy.stats import chi2

from operators.anomaly import DAY
from operators.evaluation.outcome import Outcome, Table
from pipeline.messages import Event

TIMES = (1, 10, 100)
"""The same calm is watched with so many times the promise as well: a day has few alarms, an evaluation no days."""

HIGHEST = 43_200.0
"""A day: at half a second a window it would be every fourth, and two in a row that are rare would be none."""

TELLING = 3.0
"""Of so many promised alarms, none at all is seen once in 20 times: so many tell the ratio from 1."""

SURE = 0.95
"""How often an interval holds the true ratio."""


class Calm(Struct, frozen=True, eq=False):
    """A calm stretch of a world: how many nanoseconds of it were judged, and what was raised in them, by the number of
    false alarms a day that was promised."""

    lasted: int
    raised: Mapping[float, Sequence[Event]]


def rates_of(promised: float) -> tuple[float, ...]:
    """Return the promises with which a calm is watched, the one that was made first.

    >>> rates_of(24), rates_of(1000)
    ((24, 240, 2400), (1000, 10000))
    """
    return tuple(rate for times in TIMES if (rate := promised * times) < HIGHEST or times == 1)


def kept(calms: Sequence[Calm]) -> Outcome:
    """Return how the observed false alarms compare with those promised, at each rate.

    ``false_alarm_ratio`` is observed over promised at the lowest rate at which ``TELLING`` or more were promised, or
    else at the highest; ``false_alarm_rate`` says which, in alarms a day, and ``false_alarms`` of
    ``false_alarms_promised`` how many. ``…_low`` and ``…_high`` are the ends of its 95 % interval.
    """
    lasted = sum(calm.lasted for calm in calms)
    observed = {rate: sum(len(calm.raised[rate]) for calm in calms) for rate in calms[0].raised}
    promised = {rate: rate * lasted / DAY for rate in observed}
    told = next((rate for rate in observed if promised[rate] >= TELLING), max(observed))
    rows = [(f"{rate:g}", promised[rate], raised, *ratio(raised, promised[rate])) for rate, raised in observed.items()]
    middle, low, high = ratio(observed[told], promised[told])
    figures = {"false_alarm_ratio": middle, "false_alarm_ratio_low": low, "false_alarm_ratio_high": high}
    figures |= {"false_alarm_rate": told, "false_alarms": float(observed[told])}
    figures |= {"false_alarms_promised": promised[told]}
    heads = ("promised a day", "promised here", "observed", "ratio", "from", "to")
    return Outcome(figures=figures, tables=[Table(f"false alarms in {lasted / 60e9:.1f} calm minutes", heads, rows)])


def ratio(observed: int, promised: float) -> tuple[float, float, float]:
    """Return observed over promised and its interval, that of a Poisson count (Garwood 1936); NaN of no promise.

    >>> [round(value, 2) for value in ratio(0, 3.7)]
    [0.0, 0.0, 1.0]
    """
    if not promised:
        return float("nan"), float("nan"), float("nan")
    outside = (1 - SURE) / 2
    low = float(chi2.ppf(outside, 2 * observed)) / 2 if observed else 0.0
    high = float(chi2.ppf(1 - outside, 2 * observed + 2)) / 2
    return observed / promised, low / promised, high / promised
