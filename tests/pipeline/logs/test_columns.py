"""Tables of readings, whatever their columns are called."""

from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from pipeline.config import Channel
from pipeline.errors import InputError, LogError
from pipeline.logs import Log
from pipeline.logs.columns import STANDARD_GRAVITY, read_columns
from pipeline.logs.source import UNDATED
from pipeline.messages import NS, Calibration, Received


def table(folder: Path, text: str, name: str = "drive.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def read(path: Path, told: str = "") -> tuple[list[Received], Log]:
    with Log(path, columns=read_columns(told) if told else []) as log:
        return list(log.samples(log.channels())), log


def test_columns_that_are_called_by_their_axes_need_no_map(tmp_path: Path) -> None:
    text = "Time,ax,ay,az,gx,gy,gz,note\n1700000000.5,1,2,3,4,5,6,a\n1700000001.25,0,0,9.81,0,0,0,b\n"
    found, log = read(table(tmp_path, text))
    assert [one.sample.stamp for one in found] == [1700000000500000000, 1700000001250000000]
    assert found[0].sample.data.tolist() == [1, 2, 3, 4, 5, 6]
    assert (found[0].sample.topic, log.is_dated) == ("/imu", True)


def test_a_map_tells_which_is_which_and_in_what_unit(tmp_path: Path) -> None:
    path = table(tmp_path, "t_ms;acc x;acc y;acc z;wx;wy;wz\n1000;0;0;1;180;0;0\n1500;1;0;0;0;90;0\n")
    told = "stamp=t_ms; stamp_unit=ms; ax=acc x; ay=acc y; az=acc z; gx=wx; gy=wy; gz=wz; unit=g; rotation_unit=deg/s"
    found, log = read(path, told)
    assert [one.sample.stamp - UNDATED for one in found] == [NS, 1_500_000_000]
    assert_allclose(found[0].sample.data, [0, 0, STANDARD_GRAVITY, 3.14159265, 0, 0])
    assert not log.is_dated


def test_a_file_maps_several_topics_of_one_table(tmp_path: Path) -> None:
    path = table(tmp_path, "when,a,b,c,p\n2024-01-31T12:00:00Z,1,2,3,7\n2024-01-31T12:00:00.25+00:00,1,2,3,8\n")
    columns = tmp_path / "map.toml"
    columns.write_text(
        '[[topics]]\ntopic = "/arm/imu"\nstamp = "when"\nax = "a"\nay = "b"\naz = "c"\n'
        '[[topics]]\nstamp = "when"\nvalues = ["p", "a"]\n'
    )
    found, _ = read(path, str(columns))
    assert [one.sample.stamp for one in found] == [1706702400 * NS, 1706702400 * NS + NS // 4]
    assert {one.sample.topic for one in found} == {"/arm/imu"}
    own = Channel("/drive", "pressure", 4.0, calibration=Calibration(shape=(2,)))
    with Log(path, columns=read_columns(str(columns))) as again:
        assert [one.sample.data.tolist() for one in again.samples([own])] == [[7, 1], [8, 1]]


def test_rows_out_of_order_are_put_in_order_and_broken_cells_are_counted(tmp_path: Path) -> None:
    found, log = read(table(tmp_path, "t,ax,ay,az\n3,3,0,0\n1,1,0,0\n2,,0,0\n"))
    assert [one.sample.data[0] for one in found] == [1, 3]
    assert dict(log.rejected) == {("/imu", "cells"): 1}
    assert "line 4 is ['2', '', '0', '0']" in log.first_rejected["/imu", "cells"]


@pytest.mark.parametrize(
    ("text", "told", "why"),
    [
        ("a,b\n1,2\n", "", "its columns a, b need a map that tells which is which"),
        ("t,ax,ay,az\n", "", "the table has no row beneath its headings"),
        ("t,ax,ay,az\nsoon,1,2,3\n", "", "line 2 has 'soon' in the column of stamps, 't': that is no time"),
        ("t,x\n1,2\n", "stamp=t;values=y", "it has no column y; its columns are t, x"),
        ("t,x\n1,2\n", "stamp=t;ax=x", "names 1 of ax ay az gx gy gz, not 3 or 6"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path: Path, text: str, told: str, why: str) -> None:
    with pytest.raises(LogError, match=why):
        read(table(tmp_path, text), told)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("ax=x", "missing required field `stamp`"),
        ("stamp=t;axe=x", "unknown field `axe`"),
        ("stamp=t;unit=mg", "Invalid enum value 'mg'"),
        ("none.toml", "the map of columns cannot be read: No such file"),
    ],
)
def test_a_map_that_says_nothing_is_refused(told: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_columns(told)
