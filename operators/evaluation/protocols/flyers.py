"""How what flies is told by three senses that were not recorded together."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
from msgspec.structs import replace

from operators.encoders.focus import focused
from operators.evaluation.classification import class_vectors, top1
from operators.evaluation.embedder import Embedder
from operators.evaluation.few_shot import Examples, clips, few_shot, pooled, whole
from operators.evaluation.fused import Fuse, Pools, by_examples, by_text, common_classes
from operators.evaluation.outcome import Outcome, Table, finite, prefixed, together
from operators.evaluation.probe import all_but_one
from operators.evaluation.zero_shot import Sentences, classified, scored
from operators.sets.drone_ir_visible_audio import HEARD, SENTENCES
from operators.sets.item import Item
from operators.space import mix
from pipeline.messages import Clip

NAMES = {"thermal": "ir", "vision": "visible", "audio": "audio"}

TOLD: Mapping[str, Sentences] = {"thermal": SENTENCES, "vision": SENTENCES, "audio": HEARD}

TEMPLATES = {
    "thermal": ("{}", "a thermal picture of {}"),
    "vision": ("{}", "a photo of {}"),
    "audio": ("{}", "the sound of {}"),
}

SHOTS = 5

DRAWS = 100
"""Of recordings that are tested and of examples: with one recording a class, twenty leave the mean unsure by 0.05."""

FUSED = {"fused": ("thermal", "vision"), "fused_audio": ("thermal", "vision", "audio")}
"""Which senses are fused: over all classes that each of them knows."""


def drone(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item], fuse: Fuse = mix) -> Outcome:
    """Films and sounds by text and by 5 examples a class: each sense alone (``ir visible audio``), and ``fused``.

    A film is the unit mean of its five clips, each the part of its middle frame where something moves on its own;
    ``baseline_ir_top1`` and ``baseline_visible_top1`` are by whole frames, in which what flies is a speck. A sound is
    the unit mean of its three clips.

    Examples of a probe are single clips, and whole files are tested: in each of 100 draws one of each class, by
    examples of all other files, since half of three or five files a class are too few to learn from. What the model
    itself has learned from, ``fit``, is among them; of another folder it is all that is learned from, and all files
    are tested.

    Fused are a film of each camera, and in ``fused_audio`` a sound too, that have nothing in common but the class; in
    each draw others meet. ``fused_single_top1`` is the best of these senses alone, on the same classes and by
    the same draws. ``top1`` counts all single files.
    """
    present = [modality for modality in NAMES if any(modality in item.senses for item in items)]
    alone: dict[str, Outcome] = {}
    files: dict[str, Examples] = {}
    parts: dict[str, Examples] = {}
    for modality in present:
        name = NAMES[modality]
        one = scored(embedder, map(closer, items), modality, TOLD[modality], TEMPLATES[modality], name)
        files[modality], parts[modality] = whole(one.embedded), clips(one.embedded)
        if any(modality in item.senses for item in fit):
            learned = clips(embedder.embed(map(closer, fit), modality, f"{name} to learn from"))
            is_elsewhere = any(item.is_elsewhere for item in fit)
            parts[modality] = learned if is_elsewhere else pooled([parts[modality], learned])
        probed = few_shot(files[modality], parts[modality], title=name, learnable=all_but_one, draws=DRAWS)
        alone[modality] = prefixed(together(classified(one, f"{name} by text"), probed), name)
        if modality != "audio":
            uncut = scored(embedder, items, modality, TOLD[modality], TEMPLATES[modality], f"{name}, whole frames")
            figures = {f"baseline_{name}_top1": top1(uncut.scores, uncut.truth)}
            alone[modality] = together(alone[modality], Outcome(figures=figures))
    if not alone:
        raise ValueError("nothing here is a film or a sound")
    joined = together(_all(alone), *alone.values())
    combined = [
        _fused(embedder, name, _some(files, senses), _some(parts, senses), fuse)
        for name, senses in FUSED.items()
        if set(senses) <= set(present)
    ]
    return together(joined, *combined)


def closer(item: Item) -> Item:
    """Return the same film, looked at where something moves; a sound as it is."""
    return replace(
        item, senses={name: read if name == "audio" else partial(_focused, read) for name, read in item.senses.items()}
    )


def _focused(read: Callable[[], Sequence[Clip]]) -> list[Clip]:
    return [focused(clip) for clip in read()]


def _all(alone: Mapping[str, Outcome]) -> Outcome:
    """Return the share of all files that is right."""
    told = [(one.figures[f"{NAMES[sense]}_top1"], one.figures[f"{NAMES[sense]}_n"]) for sense, one in alone.items()]
    shares, counts = np.array(told).T
    return Outcome(figures={"top1": float(np.average(shares, weights=counts)), "n": float(counts.sum())})


def _some(pools: Pools, senses: Sequence[str]) -> Pools:
    return {sense: pools[sense] for sense in senses}


def _fused(embedder: Embedder, name: str, files: Pools, parts: Pools, fuse: Fuse) -> Outcome:
    """Return what these senses say together and the best of them alone; nothing where they share no two classes.

    ``files`` are tested, by clips that are ``parts`` of others.
    """
    classes = common_classes(files)
    if len(classes) < 2:
        return Outcome(figures={})
    vectors = {
        sense: class_vectors(embedder.sentences, {k: TOLD[sense].get(k, (k,)) for k in classes}, TEMPLATES[sense])
        for sense in files
    }
    found = {}
    for senses in (*combinations(files, 1), tuple(files)):
        of_files = _some(files, senses)
        learned = by_examples(of_files, _some(parts, senses), classes, SHOTS, fuse, DRAWS)
        found[senses] = (by_text(of_files, vectors, classes, fuse), learned)
    both, singles = found.pop(tuple(files)), np.array(list(found.values()))
    figures = {
        f"{name}_top1": both[0],
        f"{name}_shot{SHOTS}_top1": both[1],
        f"{name}_single_top1": singles[:, 0].max(),
        f"{name}_single_shot{SHOTS}_top1": singles[:, 1].max(),
        f"{name}_gain": both[0] - singles[:, 0].max(),
    }
    rows = [(NAMES[sense], *values) for (sense,), values in found.items()] + [
        (" + ".join(NAMES[sense] for sense in files), *both)
    ]
    heads = ("senses", "by text", f"{SHOTS} examples a class")
    return Outcome(figures=finite(figures), tables=[Table(f"{name}: {', '.join(classes)}", heads, rows)])
