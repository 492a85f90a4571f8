"""Observations become rows, once each, and a live line never waits for them."""

import threading
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from situations import DIM, TOPICS, clip, observations, observe

from pipeline.errors import SearchError
from pipeline.messages import Event
from pipeline.search import Index, LiveIndex, Search
from pipeline.search.table import MomentRow, Moments

FIRE = Event(id="f", phase="opened", start=0, end=1, label="fire", score=0.9, source="tagging")
ODD = Event(id="o", phase="opened", start=0, end=1, label="anomaly", score=7.0, source="anomaly")


def test_every_topic_and_all_together_have_a_row_with_what_is_open(tmp_path: Path) -> None:
    moments, (first, second, third) = Moments(tmp_path, "mini", DIM), observations(3)
    index = Index(moments, "a.mcap", "patrol", {"altitude": 120.0})
    index.show(first)
    index.write(FIRE)
    index.write(ODD)
    index.show(second)
    index.write(replace(ODD, phase="closed"))
    index.show(third)
    index.flush()
    rows = {(row.topic, row.end): row for topic in [*TOPICS, "fused"] for row, _ in found(moments, topic)}
    assert len(rows) == len(moments) == 12
    one = rows["/imu", second.window.end]
    assert (one.tags, one.anomaly, one.modality, one.rig, one.metadata) == (
        ("anomaly", "fire"), 7.0, "imu", "patrol", {"altitude": 120.0},
    )  # fmt: skip
    np.testing.assert_array_equal(one.vector, second.embeddings["/imu"].vector)
    assert rows["/imu", first.window.end].tags == ()
    assert (rows["fused", third.window.end].tags, rows["fused", third.window.end].anomaly) == (("fire",), 0)


def found(moments: Moments, topic: str) -> list[tuple[MomentRow, float]]:
    return moments.nearest(np.ones(DIM, np.float32), 100, f"topic = '{topic}'")


def test_rows_show_what_was_seen(tmp_path: Path) -> None:
    seen = observations(1)[0]
    seen = replace(seen, window=replace(seen.window, clips={"/camera": replace(clip("vision"), topic="/camera")}))
    rows = {row.topic: row for row in Index(Moments(tmp_path, "mini", DIM), "a").rows(seen)}
    assert rows["/camera"].thumbnail[:2] == rows["/imu"].thumbnail[:2] == b"\xff\xd8"


def test_a_run_that_was_stopped_goes_on_and_nothing_is_there_twice(tmp_path: Path) -> None:
    stream = observations(10)
    for until in (4, 10, 10):
        index = Index(Moments(tmp_path, "mini", DIM), "a.mcap")
        for observation in stream[:until]:
            index.show(observation)
        index.flush()
    moments = Moments(tmp_path)
    assert len(moments) == 40
    moments.finish("a.mcap", "v1")
    assert (moments.finished("a.mcap"), moments.finished("b.mcap")) == ("v1", "")
    moments.remove("a.mcap")
    assert (len(moments), moments.finished("a.mcap")) == (0, "")


def test_a_window_that_nobody_answered_for_has_no_row(tmp_path: Path) -> None:
    assert not list(Index(Moments(tmp_path, "mini", DIM), "a").rows(observe(0, {})))


def test_a_live_line_can_be_searched_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    live = LiveIndex(str(tmp_path), queue=64, log="today", rig="patrol", model="mini")
    for observation in observations(12):
        live.write(FIRE)
        live.show(observation)
    live.close()
    hits = Search(str(tmp_path), "mini").find(observations(1)[0].embeddings["/imu"].vector)
    assert (hits[0].log, hits[0].rig, hits[0].tags) == ("today", "patrol", ("fire",))
    assert live.dropped == 0
    assert not live.error


def test_a_line_does_not_wait_for_an_index_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(Moments, "add", lambda self, rows: let_go.wait(60))
    live = LiveIndex(str(tmp_path), queue=5, model="mini")
    for observation in observations(50):
        live.show(observation)
    assert live.dropped >= 40
    let_go.set()
    live.close()


def test_an_index_of_another_model_ends_indexing_and_not_the_line(tmp_path: Path) -> None:
    Moments(tmp_path, "tiny", DIM)
    live = LiveIndex(str(tmp_path), model="mini")
    live.show(observations(1)[0])
    live.close()
    assert "was made with 'tiny'" in live.error
    live.show(observations(1)[0])
    assert live.dropped == 1


def test_a_queue_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="queue 0"):
        LiveIndex(queue=0)
    with pytest.raises(SearchError):
        Moments("/dev/null/index", "mini", 4)
