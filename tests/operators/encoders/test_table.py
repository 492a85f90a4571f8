import gzip
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from operators.encoders.table import table_of

UNNAMED = ("first", "second", "third")


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Dates without a zone are not those of where the reader sits."""
    with monkeypatch.context() as context:
        context.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2.5\n3,-4e1\n",
        "a;b\r\n1;2.5\r\n3;-4e1\r\n",
        "a\tb\n1\t2.5\n3\t-4e1",
        '"a", "b"\n\n1, 2.5\n\n3, -4e1\n',
        "# made by 2 hands\n# a b\n1  2.5\n3 -4e1\n",
        "%a,b\n1,2.5\n3,-4e1\n",
        "\ufeffa,b\n1,2.5\n3,-4e1\n",
    ],
)
def test_lines_of_all_kinds_are_columns(tmp_path: Path, text: str) -> None:
    table = table_of(written(tmp_path / "t.csv", text), UNNAMED)
    assert {name: column.tolist() for name, column in table.items()} == {"a": [1, 3], "b": [2.5, -40]}


def test_columns_without_names_get_those_that_are_due(tmp_path: Path) -> None:
    table = table_of(written(tmp_path / "t.csv", "1,2\n3,4\n"), UNNAMED)
    assert {name: column.tolist() for name, column in table.items()} == {"first": [1, 3], "second": [2, 4]}


def test_what_is_empty_is_not_a_number_and_dates_are_seconds(tmp_path: Path, in_tokyo: None) -> None:
    table = table_of(written(tmp_path / "t.csv", "when,x\n1970-01-01 00:01:00.250,\n1970-01-02,7\n"), UNNAMED)
    assert table["when"].tolist() == [60.25, 86_400]
    np.testing.assert_array_equal(table["x"], [np.nan, 7])


def test_columns_of_words_are_passed_over(tmp_path: Path) -> None:
    table = table_of(written(tmp_path / "t.csv", "label,a,b\ndog,1,\n,2,\n"), UNNAMED)
    assert list(table) == ["a", "b"]


def test_packed_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert table_of(tmp_path / "t.csv.gz", UNNAMED)["b"].tolist() == [2]


def test_arrays_of_rows_of_names_and_of_vectors_are_columns(tmp_path: Path) -> None:
    rows = np.array([[1, 2], [3, 4]], np.float32)
    np.save(tmp_path / "rows.npy", rows)
    np.save(tmp_path / "names.npy", np.array([(1, 2), (3, 4)], [("a", "i4"), ("b", "f4")]))
    np.savez(tmp_path / "t.npz", a=rows[:, 0], v=np.arange(6).reshape(2, 3), label=np.array("dog"))
    assert table_of(tmp_path / "rows.npy", UNNAMED)["second"].tolist() == [2, 4]
    assert table_of(tmp_path / "names.npy", UNNAMED)["b"].tolist() == [2, 4]
    table = table_of(tmp_path / "t.npz", UNNAMED)
    assert {name: column.tolist() for name, column in table.items()} == {
        "a": [1, 3],
        "v_x": [0, 3],
        "v_y": [1, 4],
        "v_z": [2, 5],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "there is no line of numbers in it"),
        ("hello\nworld\n", "there is no line of numbers in it"),
        ("1,2,3,4\n", "4 columns without names; first second third were due"),
        ("a;b\n1;2\n2;3,5\n", "column 'b': '3,5' is neither"),
        ("a,b\n1,2\n3,x\n", "column 'b': 'x' is neither a number nor a date"),
        ("a,b\n1,2\n3\n", "line 3 has 1 fields instead of 2"),
    ],
)
def test_text_that_is_no_table_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"t\.csv: {message}"):
        table_of(written(tmp_path / "t.csv", text), UNNAMED)


def test_bytes_that_are_no_text_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff\xfe\x00")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-20])
    (tmp_path / "u.csv.gz").write_bytes(b"hello, world")
    for name in ("t.csv", "t.csv.gz", "u.csv.gz"):
        with pytest.raises(ValueError, match=f"{name}: no table, or a damaged one"):
            table_of(tmp_path / name, UNNAMED)


def test_arrays_that_are_no_table_are_refused_by_name(tmp_path: Path) -> None:
    np.save(tmp_path / "deep.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "wide.npy", np.zeros((2, 4)))
    np.savez(tmp_path / "t.npz", a=np.zeros(3), b=np.zeros(4))
    np.savez(tmp_path / "u.npz", a=np.array([object()], object))
    damaged = bytearray((tmp_path / "t.npz").read_bytes())
    damaged[30] ^= 1
    (tmp_path / "v.npz").write_bytes(damaged)
    for name, message in (
        ("deep.npy", "0 columns without names"),
        ("wide.npy", "4 columns without names"),
        ("v.npz", "no array of numbers"),
        ("t.npz", "its columns have different lengths: 3, 4"),
        ("u.npz", "no array of numbers"),
    ):
        with pytest.raises(ValueError, match=f"{name}: {message}"):
            table_of(tmp_path / name, UNNAMED)
