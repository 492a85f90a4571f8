"""``rigbind eval simulator``: tags, retrieval and every subset of senses, in worlds whose truth is known.

W = windows, L = labels, D = dimension of the joint space.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

import numpy as np
from msgspec.structs import replace

from operators.evaluation.classification import average_precision, class_vectors
from operators.evaluation.composition import composition
from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome, Row, Table, together
from operators.evaluation.retrieval import pair_ranks, recalls
from pipeline.build import build
from pipeline.commands.assembly import space_of
from pipeline.commands.bench.report import Aim
from pipeline.commands.demo import find_config
from pipeline.commands.eval.incidents import Incidents, incidents, seen_in
from pipeline.commands.eval.incidents import judged as judged_events
from pipeline.commands.eval.promises import kept
from pipeline.commands.eval.separation import separation
from pipeline.commands.eval.worlds import Seen, joined, look
from pipeline.config import Config, load
from pipeline.messages import Array, Embedding, Fusion
from sensors.simulator.scenario import CALM_S, SENSED

AIMS: Mapping[str, Aim] = {
    "tag_map": (">=", 0.8),
    "event_f1": (">=", 0.9),
    "false_alarm_ratio": ("<=", 1.5),
    "fault_recall": (">=", 0.95),
    "fault_named": (">=", 0.9),
    "fused_gain": (">=", 0.03),
}

SENTENCES = {
    "person walking by": ("a person walking by", "a pedestrian", "footsteps"),
    "animal walking by": ("an animal walking by", "a dog", "an animal's steps"),
    "vehicle passing": ("a vehicle passing", "a car driving by", "the sound of an engine"),
    "fire": ("a fire", "flames burning", "a crackling fire"),
    "alarm": ("an alarm sounding", "a siren", "a beeping alarm"),
    "glass breaking": ("glass breaking", "a window shatters"),
    "collision": ("a collision", "something hits the robot", "a crash"),
    "stuck wheel": ("a stuck wheel", "a wheel that is blocked", "a grinding wheel"),
    "damaged bearing": ("a damaged bearing", "a rattling bearing", "a mechanical rattle"),
    "damaged rotor": ("a damaged rotor", "a rotor out of balance", "strong vibration"),
}
"""What each thing that happens is called."""

TOO_SOON = f"--seconds {{:g}}: no event happens in these worlds so soon; the first {CALM_S:g} s are calm"

APART = 4
"""Every so many windows one is looked for: windows in between show the same things."""


def evaluate(
    embedder: Embedder, seeds: str, seconds: float, calm_s: float = 0.0, promised: float = 24.0
) -> tuple[Outcome, Mapping[str, Aim]]:
    """Test on the worlds ``A:B``, where rovers drive in even ones and drones fly in odd ones, ``seconds`` in each.

    ``tag_map`` is the mean average precision of what happens, by text, over the windows' fused vectors;
    ``tag_map_audio_imu`` and so on that of each subset of the senses, and ``best_single_tag_map`` of the best sense
    alone. ``audio_thermal_r1 …`` is retrieval from one sense to another among windows 2 s apart, ``composed_…`` from
    thermal and audio together to vision. Faults of sensors are no tags.

    With ``calm_s`` the demo's operators watch the same worlds after so many calm seconds, ``promised`` false alarms a
    day: ``event_f1`` and the other figures of ``judged`` in ``incidents.py``, of ``promises.py`` and ``separation.py``.
    A model that lacks a sense of the rig is asked for tags alone.
    """
    worlds = seeds_of(seeds, "--seeds")
    if not seconds > 0:
        raise ValueError(f"--seconds {seconds:g} must be above 0")
    if not seconds > CALM_S:
        raise ValueError(TOO_SOON.format(seconds))
    config = load(find_config("demo.toml"))
    senses = [sense for sense in SENSED if sense in embedder.space.modalities]
    if not senses:
        raise ValueError(f"the model has no encoder for any sense of the simulated rig: {', '.join(SENSED)}")
    names = tuple(SENTENCES)
    watched = _watched(embedder, config, worlds, (calm_s, seconds, promised)) if len(senses) == len(SENSED) else []
    dims = {sense: embedder.space.encoder(sense).dim for sense in senses}
    looked = [seen_in(world, dims, names) for world in watched]
    seen = joined(looked or [look(embedder, config, seed, seconds, senses, names) for seed in worlds])
    if not np.nansum(seen.truth):
        raise ValueError(TOO_SOON.format(seconds))
    sentences_LD = class_vectors(embedder.sentences, SENTENCES)
    fuse: Fusion = build(config.model.fusion, "model.fusion", space=space_of(embedder.space.model))
    outcome = judged(seen, sentences_LD, fuse)
    if watched:
        outcome = together(
            outcome, judged_events(watched, config), kept([world.calm for world in watched]), separation(watched)
        )
    return outcome, AIMS


def _watched(embedder: Embedder, config: Config, worlds: range, asked: tuple[float, float, float]) -> list[Incidents]:
    """Return what the operators of ``config`` made of the worlds; nothing without a calm to learn from."""
    calm_s, seconds, promised = asked
    if not calm_s:
        return []
    rig = replace(config, model=replace(config.model, preset=embedder.space.model))
    return [incidents(embedder, rig, seed, calm_s, seconds, promised) for seed in worlds]


def seeds_of(text: str, name: str) -> range:
    """Return the seeds that ``A:B`` is short for. Raise ValueError that calls it ``name`` if it is nothing such."""
    first, colon, end = text.partition(":")
    if not colon or not first.isdecimal() or not end.isdecimal() or int(first) >= int(end):
        raise ValueError(f"{name} {text!r} is not A:B with A below B, such as 1000:1002")
    return range(int(first), int(end))


def judged(seen: Seen, sentences_LD: Array, fuse: Fusion) -> Outcome:
    """Return all figures of ``evaluate``."""
    senses = list(seen.vectors)
    subsets = [subset for size in range(1, len(senses) + 1) for subset in combinations(senses, size)]
    by_label = {subset: precisions(seen, fused(seen, subset, fuse), sentences_LD) for subset in subsets}
    maps = {subset: float(np.nanmean(of_L)) for subset, of_L in by_label.items()}
    whole = maps[tuple(senses)]
    figures = {"tag_map": whole, "best_single_tag_map": max(maps[(sense,)] for sense in senses)}
    figures |= {f"tag_map_{'_'.join(subset)}": value for subset, value in maps.items()}
    figures |= _retrieval(seen) | {"n": float(len(seen.windows))}
    singles = [by_label[(sense,)] for sense in senses]
    rows = [
        (name, int(np.nansum(seen.truth[:, row])), by_label[tuple(senses)][row], *(of_L[row] for of_L in singles))
        for row, name in enumerate(seen.labels)
        if np.nansum(seen.truth[:, row])
    ]
    return Outcome(
        figures=figures,
        tables=[
            Table("tags by text: average precision", ("label", "windows", "fused", *senses), rows),
            Table(
                "subsets of senses", ("senses", "tag mAP"), [(" + ".join(key), value) for key, value in maps.items()]
            ),
            _matrix(senses, figures),
        ],
        bars={str(name): float(value) for name, _, value, *_ in rows},
    )


def fused(seen: Seen, subset: Sequence[str], fuse: Fusion) -> Array:
    """Return (W, D): what the senses of ``subset`` say together; zeros where none of them has a say."""
    rows = []
    for number, window in enumerate(seen.windows):
        heard = {sense: seen.vectors[sense][number] for sense in subset}
        embeddings = [
            Embedding(topic=f"/{sense}", modality=sense, stamp=window.end, vector=vector_D)
            for sense, vector_D in heard.items()
            if np.isfinite(vector_D).all()
        ]
        rows.append(fuse(window, embeddings).fused if embeddings else np.zeros_like(next(iter(heard.values()))))
    return np.stack(rows)


def precisions(seen: Seen, fused_WD: Array, sentences_LD: Array) -> Array:
    """Return (L,): the average precision of each label over the windows that are asked; NaN where it never happens."""
    scores_WL = fused_WD @ sentences_LD.T
    asked_WL = np.isfinite(seen.truth)
    return np.array(
        [
            average_precision(scores[asked], truth[asked] == 1)
            for scores, truth, asked in zip(scores_WL.T, seen.truth.T, asked_WL.T, strict=True)
        ]
    )


def _retrieval(seen: Seen) -> dict[str, float]:
    """Return R@1 and R@10 between every two senses, over windows in which both have a say."""
    figures: dict[str, float] = {}
    apart = {sense: vectors_WD[::APART] for sense, vectors_WD in seen.vectors.items()}
    for one, other in permutations(apart, 2):
        both = np.isfinite(apart[one]).all(1) & np.isfinite(apart[other]).all(1)
        if both.sum() > 1:
            ranks = pair_ranks(apart[one][both], apart[other][both])
            found = recalls(ranks, f"{one}_{other}_")
            figures |= {name: value for name, value in found.items() if not name.endswith("r5")}
    if apart.keys() >= {"thermal", "audio", "vision"}:
        three = [apart[sense] for sense in ("thermal", "audio", "vision")]
        whole = np.isfinite(np.hstack(three)).all(1)
        if whole.sum() > 1:
            found = composition(*(vectors_WD[whole] for vectors_WD in three))
            figures |= {f"composed_{name}": value for name, value in found.items() if name.endswith("r1")}
    return figures


def _matrix(senses: Sequence[str], figures: Mapping[str, float]) -> Table:
    rows: list[Row] = [(one, *(figures.get(f"{one}_{other}_r1", float("nan")) for other in senses)) for one in senses]
    return Table("retrieval among windows 2 s apart: R@1 from row to column", ("", *senses), rows)
