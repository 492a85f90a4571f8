"""What two replays share, and how alike their spaces are."""

import numpy as np
import pytest

from pipeline.messages import Event
from pipeline.report.compare import Outcome, alikeness, compare, pair


def event(start: int, end: int, label: str = "fire", source: str = "tagging") -> Event:
    return Event(
        id=f"{source}/{label}@{start}-{end}",
        phase="closed",
        start=start,
        end=end,
        label=label,
        score=1.0,
        source=source,
    )


def test_events_pair_by_label_and_time_each_once() -> None:
    a = [event(20, 30), event(0, 10), event(0, 10, "flood")]
    b = [event(5, 25), event(30, 40), event(0, 10, source="novelty")]
    shared, only_a, only_b = pair(a, b)
    assert shared == [(event(0, 10), event(5, 25))]
    assert only_a == [event(0, 10, "flood"), event(20, 30)]  # half open: it ends where the other begins
    assert only_b == [event(0, 10, source="novelty"), event(30, 40)]


def test_spaces_agree_whatever_way_they_are_turned() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 8))
    turned = rows @ np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert alikeness(rows, turned) == pytest.approx(1)
    unlike = alikeness(rows, rng.normal(size=(40, 5)))
    assert unlike is not None
    assert abs(unlike) < 0.2


def test_too_few_windows_and_blind_encoders_agree_on_nothing() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 8))
    assert alikeness(rows[:3], rows[:3]) is None
    assert alikeness(rows, np.ones((40, 8))) is None


def test_only_windows_of_both_are_compared() -> None:
    a, b, rows = Outcome(), Outcome(), np.eye(8, dtype=np.float32)
    a.ends, b.ends = [1, 2, 3], [2, 3, 4, 5]
    a.vectors = {"/camera": {end: rows[end] for end in a.ends}, "/imu": {1: rows[0]}}
    b.vectors = {"/camera": {end: rows[end, :] for end in b.ends}, "/imu": {2: rows[0]}, "/other": {}}
    found = compare(a, b)
    assert (found.windows, found.windows_only_a, found.windows_only_b) == (2, 1, 2)
    assert found.embeddings["/camera"].windows == 2
    assert found.embeddings["/camera"].cosine == pytest.approx(1)
    assert found.embeddings["/imu"].windows == 0
    assert set(found.embeddings) == {"/camera", "/imu"}
