"""``rigbind bench search``: how soon the index answers, and how much of the exact answer it finds.

N = rows, Q = queries, D = dimension.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track

from pipeline.commands.bench.report import JsonOption, publish
from pipeline.messages import NS, Array
from pipeline.search.table import MomentRow, Moments

DIM = 1024
STAY = 50
"""Windows that a rig stays with one thing, on average: 25 s of them."""

THINGS = 2000
QUERIES = 200
FOUND = 10
CHUNK = 10_000


def search(
    rows: Annotated[int, typer.Option(min=1, help="Rows of 1024 numbers; an aim is set for a million.")] = 100_000,
    json: JsonOption = None,
) -> None:
    """Fill an index with a rig's windows, which stay with one thing for a while, and ask for what it saw."""
    rng = np.random.default_rng(0)
    things_TD = rng.normal(size=(THINGS, DIM)).astype(np.float32)
    seen_N = _stays(rows, rng)
    queries_QD = _windows(things_TD, rng.choice(np.unique(seen_N), QUERIES), rng)
    best_QK = np.full((QUERIES, FOUND), -2.0)
    with tempfile.TemporaryDirectory() as folder:
        moments = Moments(folder, "bench", DIM)
        begun = time.perf_counter()
        for first in track(range(0, rows, CHUNK), "filling"):
            chunk_ND = _windows(things_TD, seen_N[first : first + CHUNK], rng)
            moments.add(_rows(chunk_ND, first))
            best_QK = np.sort(np.hstack([best_QK, queries_QD @ chunk_ND.T]), axis=1)[:, -FOUND:]
        filled = time.perf_counter()
        moments.optimize()
        built = time.perf_counter()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        times, found = [], []
        for query_D, best_K in zip(queries_QD, best_QK, strict=True):
            asked = time.perf_counter()
            hits = moments.nearest(query_D, FOUND, "modality = 'vision'")
            times.append(1000 * (time.perf_counter() - asked))
            found.append(np.mean([cosine >= best_K[0] - 1e-4 for _, cosine in hits]))
    figures = {
        "ms_p50": float(np.median(times)),
        "ms_p99": float(np.percentile(times, 99)),
        "recall_at_10": float(np.mean(found)),
        "rows": float(rows),
        "fill_s": filled - begun,
        "build_s": built - filled,
        "mb": size / 1e6,
    }
    publish("bench search", figures, {"ms_p50": ("<=", 20), "recall_at_10": (">=", 0.95)}, json)


def _stays(number: int, rng: np.random.Generator) -> Array:
    """Return (number,): what a rig is with in each window; it goes on to another thing now and then."""
    changes = rng.random(number) < 1 / STAY
    things: Array = rng.integers(THINGS, size=number)[np.maximum.accumulate(np.where(changes, np.arange(number), 0))]
    return things


def _windows(things_TD: Array, of_N: Array, rng: np.random.Generator) -> Array:
    """Return (N, D) unit rows: a thing, and as much that is the window's own."""
    rows_ND = things_TD[of_N] + rng.normal(size=(len(of_N), DIM)).astype(np.float32)
    units_ND: Array = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return units_ND


def _rows(vectors_ND: Array, first: int) -> Iterator[MomentRow]:
    for number, vector_D in enumerate(vectors_ND, first):
        start = number * NS // 2
        yield MomentRow(
            vector=vector_D, topic="/camera", modality="vision", log="a", rig="b", start=start, end=start + 2 * NS
        )
