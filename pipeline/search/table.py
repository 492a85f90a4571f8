"""Rows of a LanceDB table: one for each topic of each window, and one for them all. D = dimension of the vectors."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from pipeline.errors import SearchError
from pipeline.messages import Array

os.environ.setdefault("LANCE_LOG", "error")  # read when it is imported: a new table is no reason for a warning
import lancedb
import pyarrow as pa
from lancedb.index import Bitmap, IvfRq

MOMENTS, LOGS = "moments", "logs"

FUSED = "fused"
"""The topic, and the modality, of the row that is made of all topics."""

INDEXED = 100_000
"""Rows from which on there is a vector index; fewer are compared one by one faster than one is built."""

FRESH_S = 1.0
"""What another process writes is seen so soon."""

PARTITION = 4096
"""Rows in a partition of the vector index, which has codes of one bit a number (RaBitQ, Gao and Long 2024, arXiv
2405.12497)."""

PROBED, SHARE = 32, 4
"""Partitions that are looked through at least, and one in how many: in so many dimensions neighbours lie in many."""

REFINED, LEAST = 3, 400
"""How many times as many rows as asked for are compared in full, and how many at least."""


class MomentRow(Struct, frozen=True, kw_only=True, eq=False):
    """What one topic made of one window, or of one file: ``vector`` (D,) float32 of unit length, times since epoch."""

    vector: Array
    topic: str
    modality: str
    log: str  # the recording, or the file
    rig: str
    start: int
    end: int
    tags: tuple[str, ...] = ()
    anomaly: float = 0.0  # the highest score of the events that were open
    thumbnail: bytes = b""  # JPEG
    metadata: Mapping[str, str | float | bool] = {}


class Moments:
    """The table at ``place``, a folder or an address that LanceDB knows, such as ``s3://fleet/moments``.

    Raise SearchError for what is no database, or one of another model.
    """

    def __init__(self, place: str | Path, model: str = "", dim: int = 0) -> None:
        self.place = str(place)
        self.model = model
        try:
            self._db = lancedb.connect(self.place, read_consistency_interval=timedelta(seconds=FRESH_S))
            names = set(self._db.list_tables().tables)
            if MOMENTS not in names and not dim:
                raise SearchError(f"{place}: there is no index here; `rigbind index LOG --into {place}` makes one")
            self._table = self._db.open_table(MOMENTS) if MOMENTS in names else self._created(dim)
            self._logs = self._db.open_table(LOGS) if LOGS in names else self._db.create_table(LOGS, schema=_LOGS)
        except (OSError, RuntimeError, ValueError) as error:
            raise SearchError(f"{place}: this cannot be opened as an index: {_first_line(error)}") from error
        fields = self._table.schema
        if "row" not in fields.names or fields.field("metadata").type == pa.string():
            raise SearchError(f"{place}: this index has another layout; `rigbind index` makes a new one elsewhere")
        told = self._table.schema.metadata or {}
        made_by = told.get(b"model", b"").decode()
        self.dim = int(self._table.schema.field("vector").type.list_size)
        if model and made_by != model:
            raise SearchError(f"{place} was made with {made_by!r}; what {model!r} says cannot be compared with it")
        self.model = made_by

    def __len__(self) -> int:
        return int(self._table.count_rows())

    def add(self, rows: Iterable[MomentRow]) -> None:
        """Append ``rows``."""
        batch = list(rows)
        if batch:
            self._table.add(_arrow(batch, _schema(self.dim)))

    def known(self, log: str) -> int:
        """Return the end of the last window of ``log`` that is here, or 0."""
        ends = self._table.search().where(f"log = {quoted(log)}").select(["end"]).limit(10**9).to_arrow()["end"]
        return max(ends.to_pylist(), default=0)

    def finished(self, log: str) -> str:
        """Return the mark that ``finish`` was given for ``log``, or nothing."""
        marks = self._logs.search().where(f"log = {quoted(log)}").limit(1).to_arrow()["mark"].to_pylist()
        return str(marks[0]) if marks else ""

    def finish(self, log: str, mark: str) -> None:
        """Remember that all of ``log`` is here, as it was when it had ``mark``."""
        self._logs.delete(f"log = {quoted(log)}")
        self._logs.add(pa.table({"log": [log], "mark": [mark]}, schema=_LOGS))

    def remove(self, log: str) -> None:
        """Forget ``log``."""
        self._table.delete(f"log = {quoted(log)}")
        self._logs.delete(f"log = {quoted(log)}")

    def optimize(self) -> None:
        """Put small pieces together, and have a vector index where there are rows enough for one."""
        self._table.optimize()
        number = len(self)
        if number >= INDEXED and not any(index.columns == ["vector"] for index in self._table.list_indices()):
            partitions = number // PARTITION
            config = IvfRq(distance_type="cosine", num_partitions=partitions, max_iterations=10, sample_rate=64)
            self._table.create_index("vector", config=config)
            self._table.create_index("modality", config=Bitmap())

    def modalities(self) -> list[str]:
        """Return those that rows have, by name."""
        told = self._table.search().select(["modality"]).limit(10**9).to_arrow()["modality"]
        return sorted(set(told.to_pylist()))

    def sample(self, condition: str, number: int) -> Array:
        """Return (n, D): up to ``number`` vectors, spread over all rows for which ``condition`` holds."""
        total = self._table.count_rows(condition)
        step = max(1, total // number)
        found = self._table.search().where(condition).select(["vector"]).limit(total).to_arrow()["vector"]
        return _matrix(found.take(pa.array(range(0, total, step))) if total else found, self.dim)

    def of_log(self, log: str) -> list[MomentRow]:
        """Return the rows of ``log`` that are made of all topics; all, if there are none."""
        of = f"log = {quoted(log)}"
        told = self._table.search().where(f"{of} AND topic = {quoted(FUSED)}").limit(10**9).to_arrow().to_pylist()
        return [_row(row) for row in told or self._table.search().where(of).limit(10**9).to_arrow().to_pylist()]

    def nearest(self, vector_D: Array, number: int, condition: str) -> list[tuple[MomentRow, float]]:
        """Return up to ``number`` rows and their cosines, the highest first. Raise SearchError for no condition."""
        try:
            query: Any = self._table.search(np.asarray(vector_D, np.float32))
            query = query.distance_type("cosine")
            query = query.where(condition, prefilter=True).nprobes(max(PROBED, len(self) // PARTITION // SHARE))
            query = query.refine_factor(max(REFINED, LEAST // number)).limit(number)
            query = query.select(["vector", "row", "_distance"])
            found = query.to_arrow()
        except (OSError, RuntimeError, ValueError) as error:
            raise SearchError(f"{self.place}: {condition!r} cannot be asked: {_first_line(error)}") from error
        return [(_row(row), 1 - row["_distance"]) for row in found.to_pylist()]

    def _created(self, dim: int) -> Any:
        return self._db.create_table(MOMENTS, schema=_schema(dim).with_metadata({"model": self.model}))


_LOGS = pa.schema([("log", pa.string()), ("mark", pa.string())])
_SCHEMA = pa.schema(
    [
        ("topic", pa.string()),
        ("modality", pa.string()),
        ("log", pa.string()),
        ("rig", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("tags", pa.list_(pa.string())),
        ("anomaly", pa.float32()),
        ("metadata", pa.json_()),
        ("row", pa.binary()),  # all but the vector, as msgpack: each column that is read costs a search 2 ms
    ]
)


def _schema(dim: int) -> Any:
    return _SCHEMA.insert(0, pa.field("vector", pa.list_(pa.float32(), dim)))


def quoted(text: str) -> str:
    """Return ``text`` as a literal of SQL.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _arrow(rows: list[MomentRow], schema: Any) -> Any:
    flat = pa.array(np.concatenate([np.asarray(row.vector, np.float32) for row in rows]))
    columns = {"vector": pa.FixedSizeListArray.from_arrays(flat, schema.field("vector").type.list_size)}
    for name in ("topic", "modality", "log", "rig", "start", "end", "anomaly"):
        columns[name] = pa.array([getattr(row, name) for row in rows], schema.field(name).type)
    columns["tags"] = pa.array([list(row.tags) for row in rows], schema.field("tags").type)
    columns["metadata"] = pa.array([json.dumps(dict(row.metadata)) for row in rows], pa.json_())
    columns["row"] = pa.array([msgspec.msgpack.encode(_fields(row)) for row in rows], pa.binary())
    return pa.table(columns, schema=schema)


def _fields(row: MomentRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name != "vector"}


def _row(told: Mapping[str, Any]) -> MomentRow:
    fields = msgspec.msgpack.decode(told["row"])
    return MomentRow(**fields | {"vector": np.array(told["vector"], np.float32), "tags": tuple(fields["tags"])})


def _matrix(vectors: Any, dim: int) -> Array:
    rows = vectors.to_pylist()
    return np.array(rows, np.float32).reshape(len(rows), dim)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
