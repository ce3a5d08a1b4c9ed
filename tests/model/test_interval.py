"""Intervals, their edges and the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.model.errors import InvalidValueError
from passerelle.model.interval import Interval, format_time, local_day, parse_time

ZONES = st.sampled_from(["Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"])
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=ZONES.map(ZoneInfo))  # noqa: DTZ001
NOON = datetime(2021, 6, 1, 12, tzinfo=UTC)


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=400)))
def test_edges_are_utc_whatever_zone_they_came_in(moment: datetime, length: timedelta) -> None:
    """An interval holds the same instants in UTC, its length is elapsed time, its start in and its end out."""
    start = moment.astimezone(UTC)
    interval = Interval(moment, (start + length).astimezone(moment.tzinfo))
    assert interval.start.tzinfo is UTC
    assert (interval.start, interval.duration) == (start, length)
    assert interval.contains(interval.start)
    assert not interval.contains(interval.end)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_nothing_ends_before_it_begins(moment: datetime, length: timedelta) -> None:
    """An end at or before the start can't be built."""
    with pytest.raises(InvalidValueError, match="must come before"):
        Interval(moment, moment.astimezone(UTC) - length)


def test_a_time_without_a_zone_is_no_instant() -> None:
    """A naive start or end is named and refused."""
    naive = datetime(2021, 6, 1, 12)  # noqa: DTZ001
    with pytest.raises(InvalidValueError, match="start is 2021-06-01T12:00:00"):
        Interval(naive, NOON)
    with pytest.raises(InvalidValueError, match="end is"):
        Interval(NOON - timedelta(hours=1), naive)


@given(*[st.integers(0, 20)] * 4)
def test_overlap_is_a_shared_instant(a: int, b: int, c: int, d: int) -> None:
    """Two intervals overlap exactly when some whole hour lies in both; touching ones don't."""
    first, second = (
        Interval(NOON + timedelta(hours=begin), NOON + timedelta(hours=begin + length + 1))
        for begin, length in ((a, b), (c, d))
    )
    shared = set(range(a, a + b + 1)) & set(range(c, c + d + 1))
    assert first.overlaps(second) == second.overlaps(first) == bool(shared)


@given(MOMENTS)
def test_times_survive_writing(moment: datetime) -> None:
    """What `format_time` writes, `parse_time` reads as the same instant, and ends in Z."""
    text = format_time(moment)
    assert text.endswith("Z")
    assert parse_time(text) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2021-01-16T17:00:00Z", datetime(2021, 1, 16, 17, tzinfo=UTC)),
        ("2021-01-16t18:00:00+01:00", datetime(2021, 1, 16, 17, tzinfo=UTC)),
        ("2021-01-16 09:30:00-07:30", datetime(2021, 1, 16, 17, tzinfo=UTC)),
        ("2021-01-16T17:00:00.5Z", datetime(2021, 1, 16, 17, 0, 0, 500_000, tzinfo=UTC)),
        ("2021-01-16T17:00:00.123456789Z", datetime(2021, 1, 16, 17, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, instant: datetime) -> None:
    """Section 5.6 of RFC 3339: T or a blank, any case, fractions, offsets."""
    assert parse_time(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2021-01-16",
        "2021-01-16T17:00:00",
        "2021-01-16T17:00Z",
        "20210116T170000Z",
        "2021-02-30T00:00:00Z",
        "2021-01-16T24:00:00Z",
        "2021-01-16T17:00:00+25:00",
        "2021-W02-6T17:00:00Z",
        " 2021-01-16T17:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "1610816400",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """No zone, no seconds, other ISO forms and impossible dates are refused with what came."""
    with pytest.raises(InvalidValueError) as caught:
        parse_time(text, where="start")
    assert repr(text) in str(caught.value)
    assert caught.value.where == "start"


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), ZONES)
def test_local_days_tile_time(day: date, name: str) -> None:
    """A local day begins at midnight of its zone and ends where the next begins, with no instant between."""
    zone = ZoneInfo(name)
    today = local_day(day.year, day.month, day.day, zone)
    after = day + timedelta(days=1)
    assert today.end == local_day(after.year, after.month, after.day, zone).start
    assert today.start.astimezone(zone).replace(tzinfo=None) == datetime(day.year, day.month, day.day)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("day", "name", "hours"),
    [
        (date(2021, 3, 28), "Europe/Paris", 23),
        (date(2021, 10, 31), "Europe/Paris", 25),
        (date(2021, 3, 14), "America/Los_Angeles", 23),
        (date(2021, 11, 7), "America/Los_Angeles", 25),
        (date(2021, 6, 1), "Europe/Paris", 24),
        (date(2021, 10, 3), "Australia/Lord_Howe", 23.5),
    ],
)
def test_days_of_clock_change(day: date, name: str, hours: float) -> None:
    """The days the clocks change in both cities have 23 and 25 hours; half-hour changes count too."""
    assert local_day(day.year, day.month, day.day, ZoneInfo(name)).duration == timedelta(hours=hours)


def test_offsets_are_not_kept() -> None:
    """An interval from an offset of +05:45 is in UTC."""
    start = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert Interval(start, start + timedelta(hours=1)).end == NOON + timedelta(hours=1)
