"""Rows keep what they are made of, through JSON, and say what they look like."""

import json

import msgspec
import numpy as np
import pytest
from makers import T0
from msgspec import Struct

from pipeline.logs.rows import TOPICS, EmbeddingRow, WindowRow, embedding_row, json_schema, window_row
from pipeline.messages import NS, Embedding, Window


def test_an_embedding_keeps_every_bit() -> None:
    rng = np.random.default_rng(0)
    vector = rng.normal(size=1024).astype(np.float32) * np.float32(10) ** rng.integers(-40, 30, 1024)
    row = embedding_row(Embedding(topic="/imu", modality="imu", stamp=T0, vector=vector.astype(np.float32)))
    back = msgspec.json.decode(msgspec.json.encode(row), type=EmbeddingRow)
    assert back == row
    assert np.array(back.vector, np.float32).tobytes() == vector.astype(np.float32).tobytes()


def test_a_window_keeps_all_but_its_samples() -> None:
    window = Window(
        start=T0,
        end=T0 + NS,
        clips={},
        coverage={"/imu": 0.1, "/camera": 0.0},
        closed_by="deadline",
        states={"/imu": "late", "/camera": "init"},
        clocks={"/imu": ("stepped by +1.002 s",)},
        ledger={"/imu": {"used": 3}},
    )
    row = window_row(window, 17, skipped=True, answered=())
    assert msgspec.json.decode(msgspec.json.encode(row), type=WindowRow) == row
    told = msgspec.to_builtins(row)
    of_window = {name: msgspec.to_builtins(getattr(window, name)) for name in Window.__struct_fields__}
    del of_window["clips"]
    of_window["clocks"] = {"/imu": ["stepped by +1.002 s"]}
    assert told == of_window | {"after": 17, "skipped": True, "answered": []}


@pytest.mark.parametrize("kind", TOPICS)
def test_a_schema_names_every_field_with_its_type_and_refers_to_nothing(kind: type[Struct]) -> None:
    text = json_schema(kind)
    schema = json.loads(text)
    assert schema["type"] == "object"
    assert set(schema["properties"]) == set(kind.__struct_fields__)
    assert all("type" in field for field in schema["properties"].values())
    assert "$ref" not in text
