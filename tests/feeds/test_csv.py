"""Lines of delimited text, each judged by itself."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds._csv import read_lines
from passerelle.model.errors import ReplyError

VALUES = st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=("Cs",)), max_size=8)


def quote(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=6))
def test_the_standard_reader_agrees(rows: list[tuple[str, str, str]]) -> None:
    """Any text, quoted as RFC 4180 says, is what Python's own reader makes of it."""
    text = "a,b,c\n" + "".join(",".join(map(quote, row)) + "\n" for row in rows)
    lines, refused = read_lines(text, ["c", "a", "b"])
    assert [tuple(row) for row in csv.reader(text.splitlines(keepends=True)[1:])] == rows or not rows
    assert lines.select("a", "b", "c").rows() == rows
    assert refused.height == 0


@pytest.mark.parametrize(
    ("text", "kept", "refused"),
    [
        ("a,b\n1,2\n3\n4,5\n", [1, 3], [2]),
        ("a,b\n1,2\n3,4,5\n6,7\n", [1, 3], [2]),
        ('a,b\n1,"2\n3,4\n5",6\n7,8\n', [2, 4], [1, 3]),
        ('a,b\n1,2"3\n4,5\n', [2], [1]),
        ('a,b\n"1"x,2\n4,5\n', [2], [1]),
        ("a,b\n1,2\n\n \n3,4\n", [1, 4], []),
        ("a,b\r\n1,2\r\n3,4\r\n", [1, 2], []),
        ("a,b\n1,2,\n3,4\n", [1, 2], []),
        ("a,b\n", [], []),
    ],
)
def test_a_bad_line_costs_itself_only(text: str, kept: list[int], refused: list[int]) -> None:
    """Widths, quotes and blank lines: which lines are read and which are refused."""
    lines, bad = read_lines(text, ["a", "b"])
    assert (lines["row"].to_list(), bad["row"].to_list()) == (kept, refused)


@pytest.mark.parametrize("header", ["a;b", "a,c", "a,b,b", "", "\x00", '"a,b', "a,,b", ",a,b"])
def test_a_header_without_its_columns_is_refused(header: str) -> None:
    """A column that is absent or stands twice is named with what was expected and what came."""
    with pytest.raises(ReplyError, match=r"expected \['a', 'b'\], got|can't be read"):
        read_lines(header + "\n1,2\n", ["a", "b"])


def test_a_column_too_many_shifts_nothing() -> None:
    """Where lines end with a separator, a header with a stray one is refused: every value would slip by a column."""
    lines, _ = read_lines("x,a,b\n9,1,2,\n", ["a", "b"])
    assert lines.select("a", "b").rows() == [("1", "2")]
    with pytest.raises(ReplyError, match="no name"):
        read_lines("x,,a,b\n9,1,2,\n", ["a", "b"])


def test_columns_may_move_and_join() -> None:
    """Other columns and another order change nothing; `raw` keeps the line."""
    lines, _ = read_lines("x,b,a\n9,2,1\n", ["a", "b"])
    assert lines.rows(named=True) == [{"row": 1, "raw": "9,2,1", "a": "1", "b": "2"}]


@pytest.mark.parametrize("text", ["a,b\n1,2\n3,4", "a,b\n1,2\n3", "a,b", "a,b\n1,2\n ", "a,b\n1,2\n3,4\r"])
def test_text_without_a_last_line_end_was_cut(text: str) -> None:
    """It may hold half a value or lack lines: none of it is read, and the reason says where it breaks off."""
    with pytest.raises(ReplyError, match="the last line breaks off"):
        read_lines(text, ["a", "b"])


def test_an_ignored_last_line_needs_no_end() -> None:
    """A closing remark that says nothing may stand without one."""
    lines, refused = read_lines("a,b\n1,2\nRemark, and so", ["a", "b"], ignore="Remark")
    assert (lines.height, refused.height) == (1, 0)
