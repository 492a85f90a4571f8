"""Two replays of one log side by side: their windows, events and embeddings. N = windows of both, D = dimension."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from pipeline.messages import Array, Event, Observation, Received

MIN_WINDOWS = 4
"""Fewer windows have too few pairs to agree on."""

MAX_WINDOWS = 2000
"""Of more, some are compared, at equal distances."""


class Outcome:
    """A viewer that keeps what one replay came to."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}  # the last state of each
        self.ends: list[int] = []  # of windows
        self.vectors: dict[str, dict[int, Array]] = {}  # by topic, and by the window's end

    def sample(self, received: Received) -> None:
        """Nothing is kept of a sample."""

    def show(self, observation: Observation) -> None:
        """Keep the window's embeddings."""
        self.ends.append(observation.window.end)
        for topic, embedding in observation.embeddings.items():
            self.vectors.setdefault(topic, {})[observation.window.end] = embedding.vector

    def write(self, event: Event) -> None:
        """Keep the state of ``event``."""
        self.events[event.id] = event

    def close(self) -> None:
        """Nothing is held."""


class Agreement(Struct, frozen=True, kw_only=True):
    """How alike two encoders see one topic.

    ``agreement`` is the correlation of their cosines over all pairs of windows (representational similarity,
    Kriegeskorte et al. 2008, doi:10.3389/neuro.06.004.2008): 1 where both find the same windows alike, whatever their
    spaces are; None where there are too few windows, or one of them finds all equally alike. ``cosine`` is the mean of
    one's vectors with the other's, None where their dimensions differ.
    """

    windows: int
    agreement: float | None
    cosine: float | None


class Comparison(Struct, frozen=True, kw_only=True):
    """What is in both, and in one only; ``shared`` pairs events."""

    windows: int
    windows_only_a: int
    windows_only_b: int
    shared: list[tuple[Event, Event]]
    only_a: list[Event]
    only_b: list[Event]
    embeddings: dict[str, Agreement]


def compare(a: Outcome, b: Outcome) -> Comparison:
    """Compare two replays of one log."""
    shared, only_a, only_b = pair(list(a.events.values()), list(b.events.values()))
    return Comparison(
        windows=len({*a.ends} & {*b.ends}),
        windows_only_a=len({*a.ends} - {*b.ends}),
        windows_only_b=len({*b.ends} - {*a.ends}),
        shared=shared,
        only_a=only_a,
        only_b=only_b,
        embeddings={
            topic: _agreement(a.vectors[topic], b.vectors[topic]) for topic in sorted({*a.vectors} & {*b.vectors})
        },
    )


def pair(a: Sequence[Event], b: Sequence[Event]) -> tuple[list[tuple[Event, Event]], list[Event], list[Event]]:
    """Return events of one label and source that meet in time, each at most once, and what is left of both."""
    left = sorted(b, key=lambda event: event.start)
    shared, only_a = [], []
    for one in sorted(a, key=lambda event: event.start):
        other = next((other for other in left if _meet(one, other)), None)
        if other is None:
            only_a.append(one)
        else:
            left.remove(other)
            shared.append((one, other))
    return shared, only_a, left


def _meet(one: Event, other: Event) -> bool:
    is_same = (one.label, one.source) == (other.label, other.source)
    return is_same and one.start < other.end and other.start < one.end


def _agreement(a: Mapping[int, Array], b: Mapping[int, Array]) -> Agreement:
    ends = sorted({*a} & {*b})
    ends = ends[:: 1 + len(ends) // MAX_WINDOWS]
    if not ends:
        return Agreement(windows=0, agreement=None, cosine=None)
    a_ND, b_ND = np.stack([a[end] for end in ends]), np.stack([b[end] for end in ends])
    cosine = float((a_ND * b_ND).sum(axis=1).mean()) if a_ND.shape == b_ND.shape else None
    return Agreement(windows=len(ends), agreement=alikeness(a_ND, b_ND), cosine=cosine)


def alikeness(a_ND: Array, b_ND: Array) -> float | None:
    """Return the correlation of the cosines of all pairs of rows; the two may have different dimensions.

    >>> turned = np.linalg.qr(np.arange(9.0).reshape(3, 3) ** 2)[0]
    >>> rows = np.random.default_rng(0).normal(size=(9, 3))
    >>> round(alikeness(rows, rows @ turned), 6)
    1.0
    """
    if len(a_ND) < MIN_WINDOWS:
        return None
    above = np.triu_indices(len(a_ND), 1)
    a_P, b_P = (a_ND @ a_ND.T)[above], (b_ND @ b_ND.T)[above]
    if min(a_P.std(), b_P.std()) < 1e-9:
        return None
    return float(np.corrcoef(a_P, b_P)[0, 1])
