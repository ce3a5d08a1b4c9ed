"""Parsed rows divided into those admitted and those refused with their reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.archive import rows as checked_rows
from passerelle.archive.rows import UNREADABLE, Checked, Checker, say_kind
from passerelle.feeds.city import read_city
from passerelle.feeds.feed import Feed
from passerelle.model.interval import parse_time
from passerelle.model.observation import PARSED
from passerelle.model.series import Series

HELD = parse_time("2021-03-01T12:00:00Z")
Line = tuple[str, str, str, str, str, float | None, str | None]


@pytest.fixture
def feed(city_file: Path) -> Feed:
    return read_city(city_file).feeds[0]


@pytest.fixture
def check(feed: Feed) -> Callable[..., Checked]:
    def make(*lines: Line) -> Checked:
        return Checker(feed, HELD).check(to_frame(lines))

    return make


def to_frame(lines: tuple[Line, ...] | list[Line]) -> pl.DataFrame:
    time = {name: pl.Datetime("us", "UTC") for name in ("start", "end")}
    types = dict.fromkeys(PARSED.names, pl.String) | time | {"value": pl.Float64}
    types.pop("row")
    rows = [(*line[:3], read_time(line[3]), read_time(line[4]), *line[5:]) for line in lines]
    return pl.DataFrame(rows, schema=types, orient="row").with_row_index("row", 1).cast({"row": pl.Int64})


def read_time(hour: str) -> datetime:
    return parse_time(f"2021-03-01T{hour}:00:00Z")


def count(place: str, hour: int, value: float | None, reason: str | None = None) -> Line:
    return (place, "bicycle_count", "", f"{hour:02}", f"{hour + 1:02}", value, reason)


def said(checked: Checked) -> list[tuple[int, str]]:
    return [(row["row"], row["reason"]) for row in checked.refused.to_pylist()]


def test_an_identical_repeat_is_refused_once(check: Callable[..., Checked]) -> None:
    """Of two equal rows the second is refused as a repeat of the first."""
    checked = check(count("a", 9, 5), count("b", 9, 5), count("a", 9, 5))
    assert checked.rows.num_rows == 2
    assert said(checked) == [(3, "repeats row 1")]


def test_a_conflict_keeps_the_first(check: Callable[..., Checked]) -> None:
    """Of rows that contradict one another the first is admitted, whatever the later ones say."""
    checked = check(count("a", 9, 5), count("a", 9, 6), count("a", 9, None, "gone"))
    assert checked.rows["value"].to_pylist() == [5.0]
    assert said(checked) == [(2, "conflicts with row 1, which is kept"), (3, "conflicts with row 1, which is kept")]


def test_a_refused_row_conflicts_with_nothing(check: Callable[..., Checked]) -> None:
    """A row out of bounds doesn't keep a good one with the same key out."""
    checked = check(count("a", 9, -5), count("a", 9, 5))
    assert checked.rows["value"].to_pylist() == [5.0]
    assert said(checked) == [(1, "value -5.0 is outside 0.0 to 20000.0 of bicycle_count")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (("a", "flying_pigs", "", "09", "10", 1.0, None), "Unknown quantity 'flying_pigs'"),
        (("a", "reports_opened", "", "09", "10", 1.0, None), "'reports_opened' is not among the feed's quantities"),
        (("a" * 201, "bicycle_count", "", "09", "10", 1.0, None), "at most 200 printable characters"),
        (("a", "bicycle_count", "x\x00y", "09", "10", 1.0, None), "printable characters"),
        (("a", "bicycle_count", "", "09", "11", 1.0, None), "bicycle_count is stated for PT1H"),
        (("a", "bicycle_count", "", "10", "09", 1.0, None), "must end later"),
        (("a", "bicycle_count", "", "14", "15", 1.0, None), "known at 2021-03-01T12:00:00+00:00"),
        (("a", "bicycle_count", "", "09", "10", float("nan"), None), "value NaN is not a finite number"),
        (("a", "bicycle_count", "", "09", "10", None, None), "neither a value nor a reason"),
        (("a", "bicycle_count", "", "09", "10", 1.0, "why"), "value 1.0 and a reason"),
    ],
)
def test_a_reason_says_what_came(check: Callable[..., Checked], line: Line, reason: str) -> None:
    """The row alone is refused, with words about what is wrong with it."""
    checked = check(count("b", 9, 1), line)
    assert checked.rows.num_rows == 1
    [(row, words)] = said(checked)
    assert row == 2
    assert reason in words


def test_series_are_those_of_admitted_rows(check: Callable[..., Checked]) -> None:
    """A series all of whose rows are refused isn't named."""
    checked = check(count("a", 9, 1), count("b", 9, -1))
    assert checked.series == (Series("open", "a", "bicycle_count"),)
    assert checked.rows["series"].to_pylist() == [Series("open", "a", "bicycle_count").number]


def test_order_is_kept(check: Callable[..., Checked]) -> None:
    """Rows go on in the order they came, refused ones too."""
    checked = check(count("b", 3, 1), count("a", 9, -1), count("a", 2, 2), count("b", 1, -3), count("b", 1, 3))
    assert checked.rows["value"].to_pylist() == [1.0, 2.0, 3.0]
    assert [row for row, _ in said(checked)] == [2, 4]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from([1.0, 2.0, -1.0])), max_size=25))
def test_every_row_is_admitted_or_refused(sample: list[tuple[str, int, float]]) -> None:
    """None is lost and none doubled; what is admitted is the first good row of each key, by a plain loop."""
    feed = Feed(
        id="open",
        form="lines",
        title={"en": "x", "fr": "x"},
        publisher="x",
        owner="x",
        url="",
        documentation="x",
        licence=None,  # type: ignore[arg-type]  nothing here asks for it
        redistribute=None,  # type: ignore[arg-type]
        time_zone=None,  # type: ignore[arg-type]
        cadence_seconds=None,
        quantities=("bicycle_count",),
    )
    checked = Checker(feed, HELD).check(to_frame([count(*one) for one in sample]))
    first: dict[tuple[str, int], float] = {}
    for place, hour, value in sample:
        if value >= 0:
            first.setdefault((place, hour), value)
    assert checked.rows["value"].to_pylist() == list(first.values())
    assert checked.rows.num_rows + checked.refused.num_rows == len(sample)
    assert sum(checked.kinds.values()) == checked.refused.num_rows


def test_each_kind_of_reason_is_said_in_french() -> None:
    """Whatever rows are refused for has French words of its own."""
    kinds = {UNREADABLE, *checked_rows._KINDS.values()}  # noqa: SLF001
    assert [kind for kind in sorted(kinds) if say_kind(kind)["fr"] == kind] == []
