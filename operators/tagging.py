"""What it is called: labels from sentences, sounds, pictures or clips, as probabilities.

A cosine alone says little: sentences and senses have their places in the joint space, and some labels are near to
everything. So each is compared with what it usually is on this rig (``usual.py``), and with what else it could be.

D = dimension of the joint space.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from math import inf, log
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace
from scipy.special import expit

from operators.encoders.presets import built, preset
from operators.keeping import packed, unpacked
from operators.labels import SAID, Spec, alike, read_spec, row_of, wanted
from operators.marks import Middle
from operators.space import Space
from operators.tag import FUSED, Tag
from operators.usual import Usuals
from pipeline.messages import (
    NS,
    Array,
    Command,
    DropLabel,
    Event,
    Label,
    Mark,
    Observation,
    SetLabel,
    TextEncoder,
)

LABELS: dict[str, list[str] | Spec] = {
    "person": ["a person walking", "people talking"],
    "animal": ["an animal", "a dog barking"],
    "vehicle": ["a vehicle driving by", "the sound of an engine"],
    "fire": ["a fire burning", "flames and smoke"],
    "alarm": ["an alarm sounding", "a siren"],
    "breaking glass": ["glass breaking", "a window shatters"],
}

ENCODERS = preset("mini")

BACKGROUND = ["nothing unusual", "an empty scene", "background noise"]

SLOPE, OFFSET = 2.3, -4.6
"""Of Platt's sigmoid (1999), from what speaks for a label to its log odds: fitted to ten labels, and to four, in the
simulated worlds 500 to 503, where a label is true in 3 % of the windows. A rig where it is rarer has more false tags;
the threshold, and marks, are for that."""

SUREST = 0.99
"""No probability is above: of windows that were said to be at 0.95 or more, nine in ten were what they were called."""

SUREST_ODDS = log(SUREST / (1 - SUREST))
"""The same, as log odds."""

RIVAL = 0.5
"""How much of what speaks for the strongest other label, or the background, speaks against this one."""

ALIKE = 0.9
"""Cosine of two labels that can hardly be told apart."""

MAX_LABELS, MAX_EVENTS = 64, 256
"""How many there may be, and how many events can still be marked."""

logger = logging.getLogger(__name__)


class Tagger:
    """Opens an event for every label that a window means, as far as it is known what windows usually mean here.

    A label is a list of sentences, or a ``Spec`` with examples, modalities and a threshold of its own. For its
    sentences speaks the fused vector, and as much the vectors of the modalities that it names; for its examples those
    of their own modality: by how many spreads the cosine is above the usual one, less half of the strongest other
    label's. A sigmoid makes a probability of it, which marks of persons move.

    An event opens when the probability reaches ``threshold`` in ``least`` windows in a row, lasts while it stays above
    ``release``, and closes after ``quiet`` windows below; within ``cooldown_s`` of its end none of this label opens.
    Between the two the tagger abstains. Evidence is what speaks for the label by topic, in spreads above the usual.
    ``memory`` usual windows are kept.

    ``text`` and ``encoders`` are those of sentences and of example files, ``use`` and ``params``; in a line, the
    model's, which ``model`` names: what was learned with one is refused by another. With placeholder weights nothing
    stands out, and nothing is tagged.
    """

    def __init__(
        self,
        labels: Mapping[str, list[str] | Spec] = LABELS,
        background: Sequence[str] = BACKGROUND,
        threshold: float = 0.7,
        release: float = 0.3,
        least: int = 2,
        quiet: int = 3,
        cooldown_s: float = 0.0,
        memory: int = 600,
        text: Mapping[str, Any] = ENCODERS["text"],
        encoders: Mapping[str, Mapping[str, Any]] = ENCODERS,
        model: str = "",
        source: str = "tagging",
    ) -> None:
        if not background:
            raise ValueError("background has no sentence to compare with")
        if not 0 < release <= threshold <= 1:
            raise ValueError(f"release {release} and threshold {threshold}: 0 < release <= threshold <= 1")
        if min(least, quiet, memory) <= 0 or not 0 <= cooldown_s < inf:
            raise ValueError(
                f"least {least}, quiet {quiet} and memory {memory} must be above 0, cooldown_s {cooldown_s:g} not below"
            )
        self.labels = labels
        self.background = background
        self.threshold = threshold
        self.release = release
        self.least = least
        self.quiet = quiet
        self.cooldown_s = cooldown_s
        self.memory = memory
        self.text = text
        self.encoders = encoders
        self.model = model
        self.source = source
        self.scores: Mapping[str, float] = {}  # probabilities in the last window, by source/label
        self.refused = 0  # vectors that were not finite
        self._encoder: TextEncoder = built(text)
        self._background = [row_of(self._embed([sentence]), SAID) for sentence in background]
        self._usuals = Usuals(memory)
        self._middle = Middle()
        self._tags: dict[str, Tag] = {}
        self._changes: dict[str, SetLabel | DropLabel] = {}  # since the rig file
        self._marked: dict[str, tuple[str, Array]] = {}  # label and direction of events, by id
        space = Space({}, encoders={**encoders, "text": text})
        for label, spec in labels.items():
            self._set(read_spec(label, spec, space))
        self._warn()

    def __call__(self, observation: Observation) -> list[Event]:
        """Ask for every label; a window that nobody answered for has none."""
        vectors = self._vectors(observation)
        if FUSED in vectors and self._tags:
            events = self._asked(observation, vectors)
        else:
            events = [event for tag in self._tags.values() for event in self._passed(tag, observation, 0.0, {})]
        self.scores = {f"{self.source}/{label}": tag.probability for label, tag in self._tags.items()}
        return events

    def finish(self) -> list[Event]:
        """Close what is open."""
        return [event for tag in self._tags.values() for event in tag.finish()]

    def known(self) -> tuple[Label, ...]:
        """Return what is looked for."""
        near = alike({label: tag.wanted for label, tag in self._tags.items()}, ALIKE)
        return tuple(
            Label(
                label=label,
                prompts=tag.wanted.command.prompts,
                examples=tuple(example.name for example in tag.wanted.command.examples),
                threshold=tag.wanted.command.threshold or self.threshold,
                modalities=tag.wanted.command.modalities,
                severity=tag.wanted.command.severity or "info",
                alike=near[label],
                probability=tag.probability,
                right=tag.marks.right,
                wrong=tag.marks.wrong,
                vector=np.mean([row.vector for row in tag.wanted.rows], axis=0).astype("<f4").tobytes(),
            )
            for label, tag in self._tags.items()
        )

    def obey(self, command: Command) -> list[Event] | None:
        """Look for something else from now on, or learn from a mark. Raise ValueError for a label that cannot be."""
        match command:
            case SetLabel(label=label):
                self._changes[label] = self._set(command)
                self._warn(label)
                return []
            case DropLabel(label=label) if label in self._tags:
                self._changes.pop(label, None)
                if label in self.labels:
                    self._changes[label] = command
                return list(self._dropped(label))
            case Mark(event=event, right=right) if event in self._marked:
                label, direction_D = self._marked[event]
                if label in self._tags:
                    self._tags[label].marks.add(direction_D, right)
                return []
        return None

    def state(self) -> bytes:
        """Return what was changed and learned since the rig file, with the name of the model; not what is open."""
        return packed(
            {
                "model": self.model,
                "dim": self._encoder.dim,
                "changes": [msgspec.msgpack.encode(change) for change in self._changes.values()],
                "usual": self._usuals.state(),
                "middle": self._middle.state(),
                "marks": {label: tag.marks.state() for label, tag in self._tags.items()},
            }
        )

    def restore(self, state: bytes) -> None:
        """Go on from what ``state`` returned. Raise ValueError if that was with another model."""
        learned = unpacked(state)
        if not isinstance(learned, dict) or learned.keys() != {"model", "dim", "changes", "usual", "middle", "marks"}:
            raise ValueError("this is no state of a Tagger")
        if (learned["model"], learned["dim"]) != (self.model, self._encoder.dim):
            raise ValueError(
                f"labels were learned with {learned['model']!r} in {learned['dim']} dimensions; "
                f"this is {self.model!r} in {self._encoder.dim}"
            )
        for change in learned["changes"]:
            self.obey(msgspec.msgpack.decode(change, type=SetLabel | DropLabel))
        self._usuals.restore(learned["usual"])
        self._usuals.forget(set(self._rows()))
        self._middle.restore(learned["middle"])
        for label, marks in learned["marks"].items():
            if label in self._tags:
                self._tags[label].marks.restore(marks)

    def _asked(self, observation: Observation, vectors: Mapping[str, Array]) -> list[Event]:
        spreads = self._usuals.compare(self._rows(), vectors)
        modality_of = {name: observation.embeddings[name].modality for name in vectors if name != FUSED}
        strengths = {label: tag.strength(spreads, modality_of) for label, tag in self._tags.items()}
        background = max(spreads[FUSED][row.key] for row in self._background)
        direction_D = self._middle.centred(vectors[FUSED])
        self._middle.learn(vectors[FUSED])
        events: list[Event] = []
        for label, tag in self._tags.items():
            others = [strength for other, strength in strengths.items() if other != label]
            odds = SLOPE * (strengths[label] - RIVAL * max(0.0, background, *others)) + OFFSET
            marked = min(odds, SUREST_ODDS) + tag.marks.correction(direction_D)
            probability = min(SUREST, float(expit(marked)))
            happened = self._passed(tag, observation, probability, tag.evidence(spreads, modality_of))
            self._remember(label, happened, direction_D)
            events += happened
        return events

    def _passed(
        self, tag: Tag, observation: Observation, probability: float, evidence: Mapping[str, float]
    ) -> list[Event]:
        threshold = tag.wanted.command.threshold or self.threshold
        release = min(self.release, threshold)
        return list(tag.seen(observation.window, probability, threshold, release, evidence))

    def _set(self, command: SetLabel) -> SetLabel:
        """Look for what ``command`` says, and return it with the severity and the examples that it means."""
        label, known = command.label, self._tags.get(command.label)
        if known is None and len(self._tags) >= MAX_LABELS:
            raise ValueError(f"{MAX_LABELS} labels are looked for already; drop one before {label!r}")
        severity = command.severity or (known.wanted.command.severity if known else "info")
        kept = known.wanted.command.examples if known and command.keep_examples else ()
        meant = replace(command, severity=severity, examples=(*kept, *command.examples), keep_examples=False)
        found = wanted(meant, self._embed, self._encoder.dim)
        if known:
            known.wanted = found
        else:
            self._tags[label] = Tag(found, self.source, self.quiet, self.least, round(self.cooldown_s * NS))
        self._usuals.forget(set(self._rows()))
        return found.command

    def _dropped(self, label: str) -> Iterator[Event]:
        yield from self._tags.pop(label).finish()
        self._usuals.forget(set(self._rows()))

    def _rows(self) -> dict[str, Array]:
        rows = [row for tag in self._tags.values() for row in tag.wanted.rows] + self._background
        return {row.key: row.vector for row in rows}

    def _vectors(self, observation: Observation) -> dict[str, Array]:
        """Return what can be compared, by topic, and the fused vector."""
        named = {topic: embedding.vector for topic, embedding in observation.embeddings.items()}
        vectors = {}
        for name, vector_D in (named | {FUSED: observation.fused}).items():
            if not vector_D.any():
                continue
            if len(vector_D) != (due := self._encoder.dim):
                raise ValueError(f"{self.text['use']} gives vectors of {due}, those observed have {len(vector_D)}")
            if np.isfinite(vector_D).all():
                vectors[name] = vector_D.astype(np.float64)
            else:
                self.refused += 1
        return vectors

    def _remember(self, label: str, events: list[Event], direction_D: Array) -> None:
        for event in events:
            if event.phase != "closed":
                self._marked.pop(event.id, None)
                self._marked[event.id] = label, direction_D
                if len(self._marked) > MAX_EVENTS:
                    del self._marked[next(iter(self._marked))]

    def _warn(self, label: str = "") -> None:
        """Say which labels, or which are to ``label``, so alike that they can hardly be told apart."""
        near = alike({name: tag.wanted for name, tag in self._tags.items()}, ALIKE)
        for one, others in near.items():
            for other, cosine in others.items():
                if one == label or (not label and one < other):
                    logger.warning("labels %r and %r are alike: their cosine is %.3f", one, other, cosine)

    def _embed(self, sentences: Sequence[str]) -> Array:
        return self._encoder.embed(self._encoder.tokenize(sentences)).astype(np.float64)
