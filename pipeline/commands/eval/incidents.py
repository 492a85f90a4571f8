"""What a rig's operators made of simulated worlds, against what happened in them: found, named, and raised for nothing.

A world is calm first, so that they learn what is normal, and then the same world goes on with happenings.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from statistics import median

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from operators.anomaly import Anomaly
from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, Table
from operators.sets.item import Item
from pipeline.clock import Clock
from pipeline.commands.assembly import minds
from pipeline.commands.eval.promises import Calm, rates_of
from pipeline.commands.eval.worlds import Seen, marked
from pipeline.commands.matching import AFTER, explains, topic_of
from pipeline.config import Config, Part
from pipeline.messages import NS, Array, Clip, Embedding, Event, Observation, Operator, Received, Sample, Window
from pipeline.streams import Streams
from pipeline.sync import Synchronizer
from sensors.simulator import Happening, Variant, rig, timetable
from sensors.simulator.rig import START

SOON = 5 * NS
"""A fault of a sensor should be named by then."""

ANOMALY = "operators.anomaly:Anomaly"

BATCH = 64
"""Windows that are embedded at once."""


class Incidents(Struct, frozen=True, eq=False):
    """One world: what happened (times since the epoch), what was told, and how strange its windows were.

    It is lively from ``lively`` on. ``strange`` are -log10 of p-values by name, one mapping for each of the
    ``windows`` after the operators have settled, and ``vectors`` what the senses made of them, by sense. ``calm`` is
    what was raised before.
    """

    lively: int
    happened: Sequence[Happening]
    told: Sequence[Event]
    windows: Sequence[Window]
    strange: Sequence[Mapping[str, float]]
    vectors: Sequence[Mapping[str, Array]]
    calm: Calm


def incidents(
    embedder: Embedder, config: Config, seed: int, calm_s: float, seconds: float, promised: float
) -> Incidents:
    """Let the operators of ``config`` watch one world, with so many false alarms a day promised.

    Beside them others watch the calm with other promises.
    """
    fuse, operators = minds(_promising(config, promised))
    anomaly = next(operator for operator in operators if isinstance(operator, Anomaly))
    beside = {rate: _watch(config, rate) for rate in rates_of(promised) if rate != promised}
    clock, streams, lively, judged = Clock(config.channels), Streams(), START + round(calm_s * NS), 0
    variant: Variant = "drone" if seed % 2 else "rover"
    raised: dict[float, list[Event]] = {rate: [] for rate in rates_of(promised)}
    told: list[Event] = []
    windows: list[Window] = []
    strange: list[Mapping[str, float]] = []
    seen: list[Mapping[str, Array]] = []
    for window, embeddings in _embedded(embedder, config, _samples(clock, seed, variant, calm_s, seconds), seed):
        embedder.tell(f"world {seed}", round((window.end - START) / NS), round(calm_s + seconds))
        is_calm = window.end <= lively
        observation = fuse(window, embeddings)
        events = [*streams(window), *_of_clock(clock), *_asked(operators, observation)]
        by_rate = {rate: watch(observation) for rate, watch in beside.items()} if is_calm else {}
        if not is_calm:
            told += events
        elif not anomaly.is_settling:
            judged += 1
            raised[promised] += [event for event in events if event.source == anomaly.source]
            for rate, of_rate in by_rate.items():
                raised[rate] += of_rate
        if not (is_calm and anomaly.is_settling):
            windows.append(replace(window, clips={}))
            strange.append({name.removeprefix(f"{anomaly.source}/"): it for name, it in anomaly.scores.items()})
            seen.append({embedding.modality: embedding.vector for embedding in embeddings})
    told += [event for operator in operators for event in operator.finish()]
    return Incidents(
        lively=lively,
        happened=[
            replace(happening, start=lively + happening.start, end=lively + happening.end)
            for happening in timetable("patrol", seed, variant, seconds)
        ],
        told=_last(told),
        windows=windows,
        strange=strange,
        vectors=seen,
        calm=Calm(round(judged * config.window.stride_s * NS), {rate: _last(of) for rate, of in raised.items()}),
    )


def seen_in(world: Incidents, dims: Mapping[str, int], names: Sequence[str]) -> Seen:
    """Return the lively windows of a world as ``worlds.look`` would: what the senses of ``dims``, with so many numbers
    each, made of them, and which of ``names`` happened."""
    lively = [number for number, window in enumerate(world.windows) if window.start >= world.lively]
    windows = [world.windows[number] for number in lively]
    vectors = {
        sense: np.stack([world.vectors[number].get(sense, np.full(dim, np.nan, np.float32)) for number in lively])
        for sense, dim in dims.items()
    }
    truth_WL = np.array([[marked(window, world.happened, name, 0) for name in names] for window in windows])
    return Seen(vectors, truth_WL, names, windows)


def _promising(config: Config, promised: float) -> Config:
    """Return the rig with that promise, and time to settle."""
    operators = [
        Part(part.use, {"false_alarms_per_day": promised}) if part.use == ANOMALY else part
        for part in config.operators
        if not part.use.startswith("operators.alignment")  # nothing is apart here, and it is asked elsewhere
    ]
    return replace(config, operators=operators)


def _watch(config: Config, promised: float) -> Operator:
    """Return the watch for anomalies alone, with that promise."""
    operators = [part for part in _promising(config, promised).operators if part.use == ANOMALY]
    return minds(replace(config, operators=operators))[1][0]


def _samples(clock: Clock, seed: int, variant: Variant, calm_s: float, seconds: float) -> Iterator[Sample]:
    """Yield what the clock lets pass, received when the second-newest stream says: one may lie."""
    newest: dict[str, int] = {}
    received = 0
    calm = rig(seed, "calm", variant, calm_s, START)
    patrol = rig(seed, "patrol", variant, seconds, START + round(calm_s * NS))
    numbers: Counter[str] = Counter()  # a world that goes on does not count from 0 again
    for sample in chain(calm, patrol):
        newest[sample.topic] = sample.stamp
        received = max(received, sorted(newest.values())[-2:][0])
        numbered = replace(sample, seq=numbers[sample.topic])
        numbers[sample.topic] += 1
        corrected = clock.correct(Received(sample=numbered, received=received, session="simulator"))
        if not isinstance(corrected, str):
            yield corrected


def _embedded(
    embedder: Embedder, config: Config, samples: Iterator[Sample], seed: int
) -> Iterator[tuple[Window, list[Embedding]]]:
    """Yield whole windows in order, with what the senses of the model make of them."""
    synchronizer, number = Synchronizer(config.window, config.channels), 0
    first = START + round(config.window.length_s * NS)
    windows = (window for sample in samples for window in synchronizer.push(sample) if window.end >= first)
    while batch := list(islice(windows, BATCH)):
        items = [
            Item(
                name=f"{seed} {number + place}",
                senses={clip.modality: partial(_alone, clip) for clip in window.clips.values()},
            )
            for place, window in enumerate(batch)
        ]
        vectors = {
            sense: dict(zip((item.name for item in of.items), of.means, strict=True))
            for sense in embedder.space.modalities
            if any(sense in item.senses for item in items)
            for of in [embedder.embed(items, sense, f"world {seed}: {sense}")]
        }
        for item, window in zip(items, batch, strict=True):
            yield (
                window,
                [
                    Embedding(topic=clip.topic, modality=clip.modality, stamp=window.end, vector=vector_D)
                    for clip in window.clips.values()
                    if (vector_D := vectors.get(clip.modality, {}).get(item.name)) is not None
                ],
            )
        number += len(batch)


def _alone(clip: Clip) -> list[Clip]:
    return [clip]


def _asked(operators: Sequence[Operator], observation: Observation) -> list[Event]:
    return [event for operator in operators for event in operator(observation)]


def _of_clock(clock: Clock) -> Iterator[Event]:
    for incident in clock.incidents():
        name = f"{incident.topic} clock"
        yield Event(
            id=f"{name}@{incident.stamp}",
            phase="closed",
            start=incident.stamp,
            end=incident.stamp + 1,
            label=incident.text,
            score=1.0,
            source="clock",
            evidence={name: 1.0},
        )


def _last(events: Sequence[Event]) -> list[Event]:
    """Return the last state of each event, by start."""
    return sorted({event.id: event for event in events}.values(), key=lambda event: event.start)


def judged(worlds: Sequence[Incidents], config: Config) -> Outcome:
    """Return figures and tables of what was found.

    ``event_recall`` is the share of happenings, faults of sensors too, that an event explains (see ``matching.py``),
    ``event_precision`` that of events that a happening explains, in the lively parts. ``fault_recall`` is of sensors'
    faults, told within 5 s, with its table by kind; ``fault_named`` the share of those found of which an event names
    the sensor. At the moment in which a world becomes lively the robot stands elsewhere at once: what is told of that
    is not counted.
    """
    modality_of = {channel.topic: channel.modality for channel in config.channels}
    length = round(config.window.length_s * NS)
    found: dict[tuple[str, str], list[bool]] = {}
    named: list[bool] = []
    soon: defaultdict[str, list[bool]] = defaultdict(list)
    delays: list[float] = []
    right: list[bool] = []
    by_source: dict[str, list[bool]] = {}
    for world in worlds:
        for happening in world.happened:
            of = [event for event in world.told if explains(happening, event, modality_of, length)]
            found.setdefault((happening.kind, happening.label), []).append(bool(of))
            begun = [max(0, event.start + length - happening.start) for event in of]
            delays += [min(begun) / NS] if begun else []
            if happening.kind == "fault":
                soon[happening.label].append(bool(begun) and min(begun) <= SOON)
                if of:
                    named.append(any(modality_of.get(topic_of(event)) == happening.target for event in of))
        for event in world.told:
            if event.start < world.lively:
                continue
            right.append(any(explains(happening, event, modality_of, AFTER) for happening in world.happened))
            by_source.setdefault(event.source, []).append(right[-1])
    hits = [hit for of in found.values() for hit in of]
    recall, precision = _mean(hits), _mean(right)
    figures = {
        "event_recall": recall,
        "event_precision": precision,
        "event_f1": 2 * recall * precision / (recall + precision) if recall and precision > 0 else 0.0,
        "event_delay_s_median": median(delays) if delays else float("nan"),
        "fault_recall": _mean([is_soon for of in soon.values() for is_soon in of]),
        "fault_named": _mean(named),
        "n_events": float(len(hits)),
    }
    rows = [(label, kind, len(of), _mean(of)) for (kind, label), of in sorted(found.items())]
    in_time = [(label, len(of), _mean(of)) for label, of in sorted(soon.items())]
    return Outcome(
        figures=figures,
        tables=[
            Table("what happened, and the share found", ("happening", "kind", "n", "found"), rows),
            Table(f"sensors' faults told within {SOON / NS:g} s", ("fault", "n", "in time"), in_time),
            Table(
                "what was told, and the share of it that happened",
                ("source", "events", "right"),
                [(source, len(of), _mean(of)) for source, of in sorted(by_source.items())],
            ),
        ],
        bars={f"found: {label}": share for label, _, _, share in rows},
    )


def _mean(of: Sequence[bool]) -> float:
    return sum(of) / len(of) if of else float("nan")
