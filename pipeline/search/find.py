"""Queries of any sense against rows of any sense.

K = vectors of one modality that are sampled, D = dimension.
"""

import re
from collections.abc import Sequence
from math import isfinite
from typing import Literal, NamedTuple, Self, cast

import numpy as np
from msgspec import Struct

from pipeline.errors import SearchError
from pipeline.messages import NS, Array, Hit
from pipeline.search.table import MomentRow, Moments, quoted

SAMPLED = 2000
"""K: rows of each modality that say how alike to a query it is usually."""

GROWN = 1.5
"""When an index has grown by so much, it is sampled again."""

GAP = 2 * NS
"""Windows of one log that are no further apart are one moment."""

MORE = 20
"""So many times as many rows as moments are asked for: neighbouring windows are alike."""

LONGEST = 10_000
"""Characters of a condition."""


Relation = Literal["=", "!=", "<", "<=", ">", ">="]


class Note(Struct, frozen=True):
    """What must hold of one entry of a row's metadata; a row without it, or with a text for a number, is left out."""

    key: str
    relation: Relation
    value: str | float

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return what ``text`` asks for. Raise ValueError if it is no KEY=VALUE, nor KEY>VALUE and so on.

        >>> Note.parsed("altitude>=120"), Note.parsed("pilot=ann")
        (Note(key='altitude', relation='>=', value=120.0), Note(key='pilot', relation='=', value='ann'))
        """
        found = re.fullmatch(r"([^=<>!]+)(=|!=|<=|<|>=|>)(.*)", text, re.DOTALL)
        if found is None:
            raise ValueError(f"{text!r} is not KEY=VALUE, nor KEY>VALUE or another of = != < <= > >=")
        key, relation, value = found.groups()
        return cls(key, cast(Relation, relation), number_or_text(value))

    def condition(self) -> str:
        """Return it as SQL."""
        told = f"json_get_string(metadata, {quoted(self.key)})"
        if isinstance(self.value, str):
            return f"{told} {self.relation} {quoted(self.value)}"
        return f"TRY_CAST({told} AS DOUBLE) {self.relation} {self.value!r}"


def number_or_text(text: str) -> str | float:
    """Return the finite number that ``text`` is, or the text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if isfinite(number) else text


class Filters(Struct, frozen=True, kw_only=True):
    """What a moment must be, beside alike. Times are nanoseconds since the epoch, ``where`` is SQL of LanceDB."""

    modalities: Sequence[str] = ()
    topic: str = ""
    rig: str = ""
    log: str = ""
    tag: str = ""
    after: int = 0
    before: int = 0
    min_anomaly: float = 0.0
    notes: Sequence[Note] = ()
    where: str = ""

    def condition(self, modality: str) -> str:
        """Return them as one condition on rows of ``modality``."""
        terms = [f"modality = {quoted(modality)}"]
        terms += [f"{name} = {quoted(value)}" for name in ("topic", "rig", "log") if (value := getattr(self, name))]
        terms += [f"array_has(tags, {quoted(self.tag)})"] if self.tag else []
        terms += [f"end > {self.after}"] if self.after else []
        terms += [f"start < {self.before}"] if self.before else []
        terms += [f"anomaly >= {self.min_anomaly:g}"] if self.min_anomaly else []
        terms += [note.condition() for note in self.notes]
        terms += [f"({self.where})"] if self.where else []
        condition = " AND ".join(terms)
        if len(condition) > LONGEST:
            raise SearchError(f"a condition of {len(condition)} characters is too long; {LONGEST} are taken")
        return condition


ALL = Filters()


class Search:
    """Finds moments in the index at ``place``; ``model`` is that of the queries, and must be that of the index."""

    def __init__(self, place: str, model: str = "") -> None:
        self.moments = Moments(place, model)
        self._usual: dict[str, _Usual] = {}

    def find(self, query_D: Array, number: int = 10, filters: Filters = ALL) -> list[Hit]:
        """Return up to ``number`` moments, the best first; overlapping windows, of all topics, are one moment.

        Cosines between two senses are small numbers with a mean of their own. So that senses can be ranked together, a
        score is how many standard deviations a row's cosine is above the mean of rows of its modality. Raise
        SearchError for an index without rows, or a query without direction.
        """
        query_D = np.asarray(query_D, np.float32)
        if query_D.shape != (self.moments.dim,):
            raise SearchError(f"the query has {query_D.size} numbers; the index has vectors of {self.moments.dim}")
        if not np.isfinite(query_D).all() or not query_D.any():
            raise SearchError("the query has no direction: it is zero, or not finite")
        if not len(self.moments):
            raise SearchError(f"{self.moments.place}: the index is empty")
        query_D = query_D / np.linalg.norm(query_D)
        known = self.moments.modalities()
        if wrong := [modality for modality in filters.modalities if modality not in known]:
            raise SearchError(f"the index has no rows of {', '.join(wrong)}; it has {', '.join(known)}")
        hits: list[Hit] = []
        for modality in filters.modalities or known:
            nearest = self.moments.nearest(query_D, MORE * number, filters.condition(modality))
            mean, deviation = self._usually(query_D, modality)  # after it: rows that just came count in both
            hits += [_hit(row, cosine, (cosine - mean) / deviation) for row, cosine in nearest]
        return moments_of(hits)[:number]

    def at(self, log: str, stamp: int) -> Array:
        """Return (D,): the fused vector of the window of ``log`` whose middle is nearest to ``stamp``.

        Raise SearchError for a log that is not in the index.
        """
        rows = self.moments.of_log(log)
        if not rows:
            raise SearchError(f"{self.moments.place}: {log} is not in the index")
        return min(rows, key=lambda row: abs((row.start + row.end) // 2 - stamp)).vector

    def _usually(self, query_D: Array, modality: str) -> tuple[float, float]:
        """Return the mean and the standard deviation of the cosines of rows of ``modality`` to the query.

        Its square has that of random directions in it, 1 / D: rows that hardly differ to a query say nothing of it.
        """
        rows, known = len(self.moments), self._usual.get(modality)
        if known is None or rows > GROWN * known.rows:
            sample_KD = self.moments.sample(f"modality = {quoted(modality)}", SAMPLED)
            centred_KD = sample_KD - sample_KD.mean(0)
            known = _Usual(rows, sample_KD.mean(0), centred_KD.T @ centred_KD / len(sample_KD))
            self._usual[modality] = known
        variance = max(float(query_D @ known.covariance @ query_D), 0.0) + 1 / len(query_D)
        return float(query_D @ known.mean), variance**0.5


class _Usual(NamedTuple):
    """What vectors of one modality are like, when the index had so many ``rows``."""

    rows: int
    mean: Array  # (D,)
    covariance: Array  # (D, D)


def moments_of(hits: Sequence[Hit]) -> list[Hit]:
    """Return what is left when hits of one log that follow each other within ``GAP`` are put together, best first.

    A moment is its best hit, and lasts as long as all of them together.
    """
    moments: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.log, hit.start)):
        last = moments[-1] if moments else None
        if last is None or hit.log != last.log or hit.start > last.end + GAP or hit.end == hit.start:
            moments.append(hit)
        else:
            moments[-1] = last.joined(hit)
    return sorted(moments, key=lambda hit: -hit.score)


def _hit(row: MomentRow, cosine: float, score: float) -> Hit:
    return Hit(
        topic=row.topic,
        modality=row.modality,
        log=row.log,
        rig=row.rig,
        start=row.start,
        end=row.end,
        score=score,
        cosine=cosine,
        tags=row.tags,
        anomaly=row.anomaly,
        thumbnail=row.thumbnail,
        metadata=row.metadata,
    )
