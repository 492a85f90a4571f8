"""Moments are found by vectors of any sense."""

import time
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import SearchError
from pipeline.messages import NS, Array
from pipeline.search import Search
from pipeline.search.find import Filters, Note, moments_of
from pipeline.search.table import MOMENTS, MomentRow, Moments, quoted

DIM = 32


def direction(seed: int) -> Array:
    vector_D = np.random.default_rng(seed).normal(size=DIM).astype(np.float32)
    unit_D: Array = vector_D / np.linalg.norm(vector_D)
    return unit_D


def row(
    vector_D: Array, start_s: float = 0.0, log: str = "a.mcap", modality: str = "vision", **rest: object
) -> MomentRow:
    fields = {"topic": f"/{modality}", "rig": "patrol"} | rest
    start = round(start_s * NS)
    return MomentRow(vector=vector_D, modality=modality, log=log, start=start, end=start + 2 * NS, **fields)  # type: ignore[arg-type]


def index(path: Path, rows: list[MomentRow]) -> Search:
    Moments(path, "mini", DIM).add(rows)
    return Search(str(path), "mini")


def test_the_most_alike_comes_first_and_its_windows_are_one_moment(tmp_path: Path) -> None:
    near = [0.9 * direction(0) + 0.1 * direction(n) for n in range(3)]
    rows = [row(near[n], 100 + n / 2, thumbnail=b"jpeg", tags=(f"tag{n}",)) for n in range(3)]
    rows += [row(direction(50 + n), 10 * n, log="b.mcap") for n in range(30)]
    first, *others = index(tmp_path, rows).find(direction(0), 5)
    assert (first.log, first.start, first.end) == ("a.mcap", 100 * NS, 103 * NS)
    assert first.tags == ("tag0", "tag1", "tag2")
    assert first.cosine > 0.95
    assert first.thumbnail == b"jpeg"
    assert len(others) == 4
    assert all(first.score > hit.score for hit in others)


def test_senses_whose_cosines_lie_elsewhere_are_ranked_together(tmp_path: Path) -> None:
    """All pictures are a little alike to any query, sounds are not: yet the one sound that is meant wins."""
    query, gap = direction(0), direction(1)
    pictures = [row(0.5 * query + direction(100 + n), 10 * n) for n in range(200)]
    sounds = [row(gap + 0.1 * direction(400 + n), 10 * n, "b.mcap", "audio") for n in range(200)]
    meant = row(gap + 0.4 * query, 5000, "c.mcap", "audio")
    found = index(tmp_path, [*pictures, *sounds, meant]).find(query, 3)
    assert found[0].log == "c.mcap"
    assert found[0].cosine < max(hit.cosine for hit in found[1:])


@pytest.mark.parametrize(
    ("filters", "logs"),
    [
        (Filters(modalities=["audio"]), {"c"}),
        (Filters(topic="/imu"), {"d"}),
        (Filters(rig="other"), {"b"}),
        (Filters(log="a"), {"a"}),
        (Filters(tag="it's fire"), {"b"}),
        (Filters(after=30 * NS), {"d"}),
        (Filters(before=5 * NS), {"a"}),
        (Filters(min_anomaly=5), {"c"}),
        (Filters(notes=[Note.parsed("altitude=120")]), {"d"}),
        (Filters(notes=[Note.parsed("altitude>40"), Note.parsed("altitude<=120")]), {"a", "d"}),
        (Filters(notes=[Note.parsed("altitude!=120")]), {"a"}),
        (Filters(notes=[Note.parsed("altitude=12")]), set()),
        (Filters(notes=[Note.parsed("altitude=high")]), {"b"}),
        (Filters(notes=[Note.parsed("by's=me_%"), Note.parsed("by's!=you")]), {"c"}),
        (Filters(where="log IN ('a', 'b') AND anomaly < 1"), {"a", "b"}),
        (Filters(tag="nothing"), set()),
    ],
)
def test_filters(tmp_path: Path, filters: Filters, logs: set[str]) -> None:
    rows = [
        row(direction(0), 0, "a", metadata={"altitude": 45.5}),
        row(direction(1), 10, "b", rig="other", tags=("it's fire", "alarm"), metadata={"altitude": "high"}),
        row(direction(2), 20, "c", "audio", anomaly=7.0, metadata={"by's": "me_%"}),
        row(direction(3), 40, "d", topic="/imu", metadata={"altitude": 120.0, "by's": "meow"}),
    ]
    assert {hit.log for hit in index(tmp_path, rows).find(direction(9), 10, filters)} == logs


@pytest.mark.parametrize(
    ("query", "filters", "told"),
    [
        (np.zeros(DIM), Filters(), "no direction"),
        (np.full(DIM, np.nan), Filters(), "no direction"),
        (np.ones(7), Filters(), "the query has 7 numbers; the index has vectors of 32"),
        (np.ones(DIM), Filters(modalities=["sonar"]), "no rows of sonar; it has vision"),
        (np.ones(DIM), Filters(where="bananas > 3"), "bananas"),
        (np.ones(DIM), Filters(where="x" * 100_000), "characters is too long"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, query: Array, filters: Filters, told: str) -> None:
    with pytest.raises(SearchError, match=told):
        index(tmp_path, [row(direction(0))]).find(query, 3, filters)


def test_an_empty_index_says_so(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="the index is empty"):
        index(tmp_path, []).find(np.ones(DIM), 3)


def test_a_place_without_an_index_and_one_of_another_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="there is no index here"):
        Search(str(tmp_path / "nowhere"))
    index(tmp_path, [row(direction(0))])
    with pytest.raises(SearchError, match="was made with 'mini'; what 'tiny' says cannot be compared"):
        Search(str(tmp_path), "tiny")
    (tmp_path / "file").write_text("no database")
    with pytest.raises(SearchError, match="cannot be opened"):
        Search(str(tmp_path / "file"))


def test_the_moment_of_a_log_at_a_time(tmp_path: Path) -> None:
    rows = [row(direction(n), n, topic="fused", modality="fused") for n in range(5)] + [row(direction(9), 3)]
    search = index(tmp_path, rows)
    np.testing.assert_allclose(search.at("a.mcap", 4 * NS), direction(3), atol=1e-6)
    with pytest.raises(SearchError, match="z is not in the index"):
        search.at("z", 0)


def test_files_are_never_one_moment(tmp_path: Path) -> None:
    rows = [
        MomentRow(vector=direction(0), topic="file", modality="vision", log=n, rig="", start=5, end=5) for n in "ab"
    ]
    assert len(index(tmp_path, rows).find(direction(0), 5)) == 2
    assert moments_of([]) == []


def test_a_quote_in_a_name_is_only_a_quote() -> None:
    assert quoted("a' OR 'b'='b") == "'a'' OR ''b''=''b'"


def test_rows_that_come_later_are_found_and_say_what_is_usual(tmp_path: Path) -> None:
    search = index(tmp_path, [row(direction(n), 100 * n) for n in range(4)])
    before = search.find(direction(9), 1)[0]
    Moments(tmp_path, "mini", DIM).add(
        row(direction(9) + 0.3 * direction(n), 1000 * n, log="new") for n in range(5, 20)
    )
    end = time.monotonic() + 10
    while (found := search.find(direction(9), 1)[0]).log != "new":
        assert time.monotonic() < end
    assert found.cosine > before.cosine
    assert search.find(direction(0), 1)[0].log == "a.mcap"
    assert found.score < 3  # most rows are as near by now


@pytest.mark.parametrize("text", ["altitude", "=120", "", "!=5"])
def test_a_note_that_asks_for_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not KEY=VALUE"):
        Note.parsed(text)


@pytest.mark.parametrize("columns", [{}, {"row": [b""], "metadata": ["{}"]}])
def test_an_index_of_another_layout_is_refused(tmp_path: Path, columns: dict[str, list[object]]) -> None:
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(direction(0)), DIM)
    lancedb.connect(tmp_path).create_table(MOMENTS, pa.table({"vector": vectors, **columns}))
    with pytest.raises(SearchError, match="another layout"):
        Search(str(tmp_path))
