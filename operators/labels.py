"""What is looked for: a name, and rows of the joint space that mean it.

K = sentences or examples of one kind, D = dimension of the joint space.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct

from operators.space import Space, mix, sense_of
from pipeline.messages import Array, Example, Name, Sentence, SetLabel, Severity

SAID = "said"
"""The kind of a row that was made of sentences; others are of a modality's examples."""

LEAST_LENGTH = 1e-6
"""Of an example's vector: less has no direction."""


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A label in a rig file, where sentences alone do not say it all.

    ``examples`` are files, as ``rigbind embed`` takes them; several in one text, with `` + `` and `` - `` between them,
    are added up. ``modalities`` may speak for the label, all where none is named.
    """

    prompts: tuple[Sentence, ...] = ()
    examples: tuple[Sentence, ...] = ()
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0
    modalities: tuple[Name, ...] = ()
    severity: Severity = "info"


class Row(Struct, frozen=True, eq=False):
    """One direction that means a label: unit ``vector`` (D,) float64; ``key`` is the same for the same vector."""

    key: str
    kind: str  # SAID, or the modality of its examples
    vector: Array


class Wanted(Struct, frozen=True, eq=False):
    """A label as it is looked for now."""

    command: SetLabel
    rows: tuple[Row, ...]


def row_of(vectors_KD: Array, kind: str) -> Row:
    """Return the row that unit vectors mean together."""
    vector_D = vectors_KD.mean(0).astype(np.float64)
    unit_D = vector_D / np.linalg.norm(vector_D)
    return Row(sha256(unit_D.tobytes()).hexdigest()[:16], kind, unit_D)


def wanted(command: SetLabel, embed: Callable[[Sequence[str]], Array], dim: int) -> Wanted:
    """Return the label that ``command`` sets: a row of its sentences, and one of each modality's examples.

    Raise ValueError for a label with neither, or examples that are no directions of a space of ``dim``.
    """
    label = command.label
    if not command.prompts and not command.examples:
        raise ValueError(f"label {label!r} has no sentence and no example to be known by")
    rows = [row_of(embed(command.prompts), SAID)] if command.prompts else []
    for modality in dict.fromkeys(example.modality for example in command.examples):
        vectors = [_unit(example, label, dim) for example in command.examples if example.modality == modality]
        rows.append(row_of(np.stack(vectors), SAID if modality == "text" else modality))
    return Wanted(command, tuple(rows))


def read_spec(label: str, spec: Sequence[str] | Spec, space: Space) -> SetLabel:
    """Return the command that a rig file's label stands for; its example files are read and embedded.

    Raise OSError or ValueError for one that cannot be.
    """
    if not isinstance(spec, Spec):
        spec = Spec(prompts=tuple(spec))
    return SetLabel(
        label=label,
        prompts=spec.prompts,
        examples=tuple(example_of(text, space) for text in spec.examples),
        threshold=spec.threshold,
        modalities=spec.modalities,
        severity=spec.severity,
    )


def example_of(text: str, space: Space) -> Example:
    """Return the sum that ``text`` names, such as ``a forest + bird.wav - rain.wav``, as of its first file's modality.

    Raise OSError or ValueError for files that cannot be read, or a sum without direction.
    """
    things, weights = terms(text)
    vector_D = mix(space.embed(*things), weights)
    senses = [sense_of(thing)[0] for thing in things]
    modality = next((sense for sense in senses if sense != "text"), "text")
    return Example(modality=modality, vector=tuple(vector_D.tolist()), name=text)


def terms(text: str) -> tuple[list[str], list[float]]:
    """Return what is added up in ``text``, and 1 or -1 for each.

    >>> terms("bird.wav + a forest - rain.wav")
    (['bird.wav', 'a forest', 'rain.wav'], [1.0, 1.0, -1.0])
    """
    words = text.replace(" - ", " + \0").split(" + ")
    return [word.lstrip("\0").strip() for word in words], [-1.0 if word.startswith("\0") else 1.0 for word in words]


def alike(labels: Mapping[str, Wanted], least: float) -> dict[str, dict[str, float]]:
    """Return, by label, the others whose row of the same kind has a cosine of ``least`` or more, and that cosine."""
    found: dict[str, dict[str, float]] = {name: {} for name in labels}
    for one, mine in labels.items():
        for other, theirs in labels.items():
            cosines = [a.vector @ b.vector for a in mine.rows for b in theirs.rows if a.kind == b.kind]
            if one != other and max(cosines, default=0.0) >= least:
                found[one][other] = round(float(max(cosines)), 3)
    return found


def _unit(example: Example, label: str, dim: int) -> Any:
    vector_D = np.array(example.vector)
    if vector_D.shape != (dim,):
        raise ValueError(
            f"label {label!r}: example {example.name!r} has {len(vector_D)} numbers, the space of this rig has {dim}"
        )
    length = np.linalg.norm(vector_D)
    if not (np.isfinite(vector_D).all() and length > LEAST_LENGTH):
        raise ValueError(f"label {label!r}: example {example.name!r} is no direction: its length is {length:g}")
    return vector_D / length
