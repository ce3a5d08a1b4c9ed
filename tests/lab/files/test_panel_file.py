"""A panel is read from anybody's file, and what can't be read is refused with its rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from passerelle.lab.files.panel_file import Columns, PanelFile, read_panel
from passerelle.model.errors import InvalidValueError, PasserelleError, UnknownNameError

COLUMNS = Columns("place", "year", "y")
TABLE = "place,year,y\nb,2001,4.5\na,2000,1\na,2001,2\nb,2000,-3e1\n"


def read(tmp_path: Path, text: str, columns: Columns = COLUMNS, name: str = "panel.csv", **how: object) -> PanelFile:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    asked = {"treated": ("a",), "start": "2001"} | how
    return read_panel(path, columns, **asked)  # type: ignore[arg-type]


def test_rows_in_any_order(tmp_path: Path) -> None:
    """Units come by name and times ascend, whatever the order of the rows."""
    found = read(tmp_path, TABLE).panel
    assert found.units == ("a", "b")
    np.testing.assert_array_equal(found.outcomes, [[1, 2], [-30, 4.5]])
    np.testing.assert_array_equal(found.first, [1, np.inf])


@pytest.mark.parametrize("mark", [";", "\t"])
def test_separators(tmp_path: Path, mark: str) -> None:
    """Semicolons and tabs, a byte order mark and Windows' line ends read as commas do."""
    text = "\ufeff" + TABLE.replace(",", mark).replace("\n", "\r\n")
    np.testing.assert_array_equal(read(tmp_path, text).panel.outcomes, [[1, 2], [-30, 4.5]])


def test_parquet_reads_alike(tmp_path: Path) -> None:
    """A Parquet file with numbers and dates gives what its CSV gives."""
    table = pl.DataFrame({"place": [7, 7, 8, 8], "year": ["2020-01-01", "2020-01-02"] * 2, "y": [1.0, None, 3.0, 4.0]})
    table.with_columns(pl.col("year").str.to_date()).write_parquet(tmp_path / "panel.parquet")
    found = read_panel(tmp_path / "panel.parquet", COLUMNS, treated=["7"], start="2020-01-02")
    assert (found.panel.units, found.absent) == (("7", "8"), 1)
    np.testing.assert_array_equal(found.panel.outcomes, [[1, np.nan], [3, 4]])


def test_absent_cells_stay_absent(tmp_path: Path) -> None:
    """An empty cell, NA and a row that isn't there are NaN, and counted."""
    found = read(tmp_path, "place,year,y\na,2000,1\na,2001,\nb,2000,NA\n")
    np.testing.assert_array_equal(found.panel.outcomes, [[1, np.nan], [np.nan, np.nan]])
    assert found.absent == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TABLE + "a,2000,9\n", r"rows 2, 5 .* more than once, the first 'a' at '2000'"),
        (TABLE + "a,2002,x\n", r"rows 5 .* no finite number in y, the first 'x'"),
        (TABLE + "a,2002,inf\n", r"rows 5 .* no finite number"),
        (TABLE + 'a,2002,"1,5"\n', r"rows 5 .* --decimal ,"),
        (TABLE + ",2002,1\n", r"rows 5 .* no place or no year"),
        (TABLE + "a,2002-01-01,1\n", "holds '2002-01-01'; times are numbers"),
        (TABLE + "a,2000.0,1\n", "one time in two ways"),
        ("place,year,y\n", "no rows"),
        ("place,year,y,y\na,1,1,1\n", "twice"),
        ("place,year\na,1\n", "Unknown column 'y'"),
        ("", "Unknown column 'place'"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """The message says which rows, what came and what is allowed."""
    with pytest.raises(PasserelleError, match=told):
        read(tmp_path, text)


def test_decimal_commas_are_read_where_said(tmp_path: Path) -> None:
    """1,5 is one and a half with --decimal, and then 1.500 is refused: it may be a thousand and a half."""
    text = "place;year;y\na;2000;1,5\na;2001;2\n"
    np.testing.assert_array_equal(read(tmp_path, text, decimal=",").panel.outcomes, [[1.5, 2]])
    with pytest.raises(InvalidValueError, match=r"1\.500"):
        read(tmp_path, text.replace("1,5", "1.500"), decimal=",")


@pytest.mark.parametrize(
    ("treated", "start", "told"),
    [(("aa",), "2001", "Known: a"), (("a",), "1999", "outside the times"), (("a",), "2002", "outside the times")],
)
def test_who_and_when_must_be_in_the_file(tmp_path: Path, treated: tuple[str, ...], start: str, told: str) -> None:
    """An unknown unit is answered by the nearest names, a time outside the panel by its ends."""
    with pytest.raises(PasserelleError, match=told):
        read(tmp_path, TABLE, treated=treated, start=start)


def test_units_with_commas(tmp_path: Path) -> None:
    """A list is split at commas unless the whole is a unit's name."""
    text = 'place,year,y\n"a, b",1,1\na,1,2\nb,1,3\n"a, b",2,1\na,2,2\nb,2,3\n'
    assert list(np.isfinite(read(tmp_path, text, treated=("a, b",), start="2").panel.first)) == [False, True, False]
    assert list(np.isfinite(read(tmp_path, text, treated=("a,b",), start="2").panel.first)) == [True, False, True]


FIRST = Columns("place", "year", "y", first="f")
STAGGERED = "place,year,y,f\na,1,1,2\na,2,1,2\na,3,1,2\nb,1,1,0\nb,2,1,\nb,3,1,\nc,1,1,3\nc,2,1,3\nc,3,1,3\nd,2,1,9\n"


def test_first_times_by_column(tmp_path: Path) -> None:
    """Each unit's own start; 0, nothing and a time after the last are never."""
    found = read(tmp_path, STAGGERED, FIRST, treated=(), start=None)
    np.testing.assert_array_equal(found.panel.first, [1, np.inf, 2, np.inf])
    read(tmp_path, STAGGERED, FIRST, treated=("a,c",), start="2")
    with pytest.raises(InvalidValueError, match="differ on c"):
        read(tmp_path, STAGGERED, FIRST, treated=("a",), start="2")


def test_facts_about_units(tmp_path: Path) -> None:
    """A trait and a cluster are one value for each unit, and what moved all units one for each time."""
    text = "place,year,y,size,group,rain\na,1,1,5,n,0.5\na,2,1,5,n,0\nb,1,1,6,m,0.5\nb,2,1,6,m,0\n"
    columns = Columns("place", "year", "y", cluster="group", traits=("size",), surroundings=("rain",))
    found = read(tmp_path, text, columns, start="2").panel
    np.testing.assert_array_equal(found.traits, [[5], [6]])
    np.testing.assert_array_equal(found.clusters, [1, 0])
    np.testing.assert_array_equal(found.surroundings, [[0.5], [0]])
    with pytest.raises(InvalidValueError, match="size must be one value for each place; 'a' has '5', '7'"):
        read(tmp_path, text.replace("a,2,1,5", "a,2,1,7"), columns, start="2")


def test_unknown_column_is_answered_by_the_nearest(tmp_path: Path) -> None:
    """`Plcae` is answered by `place`."""
    with pytest.raises(UnknownNameError, match=r"Known: place\."):
        read(tmp_path, TABLE, Columns("Plcae", "year", "y"))


def test_a_change_that_comes_and_goes(tmp_path: Path) -> None:
    """1 where a unit has it: first at time 2 for a, never for b; anything but 0 and 1 is refused with its row."""
    file = tmp_path / "switchback.csv"
    file.write_text("u,t,y,on,s\na,1,5,0,x\na,2,6,1,x\na,3,5,0,x\nb,1,4,0,y\nb,2,4,0,y\nb,3,4,0,y\n", encoding="utf-8")
    found = read_panel(file, Columns("u", "t", "y", given="on", strata="s")).panel
    assert found.given is not None
    assert found.strata is not None
    assert found.given.tolist() == [[False, True, False], [False, False, False]]
    assert found.first.tolist() == [1.0, np.inf]
    assert found.strata.tolist() == [0, 1]
    file.write_text("u,t,y,on\na,1,5,0\na,2,6,2\n", encoding="utf-8")
    with pytest.raises(InvalidValueError, match=r"rows 2 .* neither 0 nor 1 in on"):
        read_panel(file, Columns("u", "t", "y", given="on"))


def test_unit_time_and_outcome_are_three_columns() -> None:
    """One column can't be two of them."""
    with pytest.raises(InvalidValueError, match="unit, time and outcome are u, t and t; they must be three columns"):
        Columns("u", "t", "t")
