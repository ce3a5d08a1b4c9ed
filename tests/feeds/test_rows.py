# ruff: noqa: DTZ001
"""From words to instants and numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.feeds._rows import local_days, local_instant, ordered_instant, read_numbers
from passerelle.model.interval import local_day

ZONES = ["Europe/Paris", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe"]


@settings(max_examples=80, deadline=None, database=None, derandomize=True)
@given(st.dates(date(1990, 1, 1), date(2040, 12, 31)), st.sampled_from(ZONES))
def test_local_days_are_the_models(day: date, name: str) -> None:
    """Vectorised local days are those of `model.interval.local_day`, clock changes and half-hour zones included."""
    zone = ZoneInfo(name)
    found = pl.DataFrame({"day": [day]}).select(**local_days(pl.col("day"), zone)).row(0)
    expected = local_day(day.year, day.month, day.day, zone)
    assert found == (expected.start, expected.end)


@pytest.mark.parametrize(
    ("name", "clock", "instant"),
    [
        ("Europe/Paris", datetime(2021, 3, 28, 1, 59), datetime(2021, 3, 28, 0, 59)),
        ("Europe/Paris", datetime(2021, 3, 28, 2, 0), None),
        ("Europe/Paris", datetime(2021, 3, 28, 3, 0), datetime(2021, 3, 28, 1, 0)),
        ("Europe/Paris", datetime(2021, 10, 31, 2, 30), datetime(2021, 10, 31, 0, 30)),
        ("America/Los_Angeles", datetime(2021, 3, 14, 2, 30), None),
        ("America/Los_Angeles", datetime(2021, 11, 7, 1, 30), datetime(2021, 11, 7, 8, 30)),
        ("America/Los_Angeles", datetime(2021, 11, 7, 2, 0), datetime(2021, 11, 7, 10, 0)),
        ("Europe/Paris", datetime(1799, 12, 31), None),
        ("Europe/Paris", datetime(2200, 1, 1), None),
    ],
)
def test_clock_changes(name: str, clock: datetime, instant: datetime | None) -> None:
    """A time shown twice is its first occurrence; one skipped, or in no plausible year, is null."""
    expected = instant.replace(tzinfo=UTC) if instant else None
    found = pl.DataFrame({"clock": [clock]}).select(local_instant(pl.col("clock"), ZoneInfo(name))).item()
    assert found == expected


def test_an_hour_told_twice_in_order_is_two_hours() -> None:
    """02:00 twice on 31 October 2021 is 00:00 and 01:00 UTC in Rome; 03:00 twice is one instant, twice."""
    clocks = [datetime(2021, 10, 31, hour) for hour in (1, 2, 2, 3, 3)]
    instants = pl.DataFrame({"clock": clocks}).select(ordered_instant(pl.col("clock"), ZoneInfo("Europe/Rome")))
    assert instants.to_series().dt.strftime("%d %H").to_list() == ["30 23", "31 00", "31 01", "31 02", "31 02"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0.0), ("-3", -3.0), ("12.50", 12.5), ("007", 7.0), ("999999999999999", 999999999999999.0)],
)
def test_numbers(text: str, value: float) -> None:
    """Digits with a point and a sign are numbers."""
    frame = pl.DataFrame({"row": [1], "raw": [text], "x": [text]})
    assert read_numbers(frame, {"x": ("q", "")})[0]["value"].to_list() == [value]


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1,5", "1e5", "+1", "nan", "inf", "-", "0x10", "١", "1" * 16, "1_0", ".5"]
)
def test_what_is_no_number(text: str) -> None:
    """Everything else is refused and quoted: no blank, locale's comma, exponent, infinity or other script passes."""
    frame = pl.DataFrame({"row": [1], "raw": [text], "x": [text]})
    rows, refused = read_numbers(frame, {"x": ("q", "")})
    assert (rows.height, refused["reason"].to_list()) == (0, [f"x is '{text}', not a number"])


def test_words_for_nothing() -> None:
    """A publisher's word for no value gives neither a row nor a refusal."""
    frame = pl.DataFrame({"row": [1], "raw": ["-"], "x": ["-"], "y": ["2"]})
    rows, refused = read_numbers(frame, {"x": ("q", "a"), "y": ("q", "b")}, absent=("-",))
    assert (rows["facet"].to_list(), refused.height) == (["b"], 0)
