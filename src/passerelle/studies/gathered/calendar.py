"""The local calendar: which values a quantity should have, and which day, week, month or year they lie in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from passerelle.model.errors import StudyError
from passerelle.model.quantity import get_quantity

_STEPS = {"PT15M": "15m", "PT30M": "30m", "PT1H": "1h", "P1D": "1d", "P1M": "1mo", "P1Y": "1y"}
"""Intervals of quantities whose regular grid says which observations there should be."""

_SECONDS = {"PT15M": 900.0, "PT30M": 1800.0, "PT1H": 3600.0, "P1D": 86_400.0, "P1M": 2_629_746.0, "P1Y": 31_556_952.0}
"""Their length; of a month and a year, the Gregorian calendar's mean over 400 years, 146,097 days."""

_EVERY = {"day": "1d", "week": "1w", "month": "1mo", "year": "1y"}


def is_regular(interval: str) -> bool:
    """Whether a quantity of the interval has a grid that says which observations there should be."""
    return interval in _STEPS


def step_seconds(interval: str) -> float:
    """The length of a regular interval, a month's and a year's on the mean.

    >>> step_seconds("P1Y") == 12 * step_seconds("P1M")
    True
    """
    return _SECONDS[interval]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The UTC time at which the local `day` begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def lay_grid(quantity: str, start: datetime, end: datetime, zone: ZoneInfo) -> pl.DataFrame:
    """Every interval of the quantity in `[start, end)`, two local midnights: from `start` to `stop`, in UTC."""
    interval = get_quantity(quantity).interval
    if not is_regular(interval):
        raise StudyError(
            f"{quantity} has the interval {interval!r}; one of {list(_STEPS)} is needed", where="study.outcome"
        )
    # The grid runs on the local clock, so that the days of clock change begin at midnight too.
    first, last = start.astimezone(zone), end.astimezone(zone)
    starts = pl.datetime_range(first, last, _STEPS[interval], closed="left", time_zone=zone.key, eager=True)
    frame = pl.DataFrame({"start": starts, "stop": starts.dt.offset_by(_STEPS[interval])})
    return frame.with_columns(pl.all().dt.convert_time_zone("UTC"))


def local_day(zone: ZoneInfo) -> pl.Expr:
    """The local day in which `start` lies."""
    return pl.col("start").dt.convert_time_zone(zone.key).dt.date()


def counted(hours: tuple[int, int], weekdays: tuple[int, ...], zone: ZoneInfo) -> pl.Expr:
    """Whether `start` lies, by the local clock, in the hours `[from, to)` of one of the weekdays (1 = Monday)."""
    clock = pl.col("start").dt.convert_time_zone(zone.key)
    return clock.dt.weekday().is_in(weekdays) & (clock.dt.hour() >= hours[0]) & (clock.dt.hour() < hours[1])


def first_of(day: pl.Expr, every: str) -> pl.Expr:
    """The first day of the day, week (ISO), month or year in which `day` lies."""
    return day.dt.truncate(_EVERY[every])


def whole(first: date, last: date, every: str) -> tuple[date, date]:
    """The first day of the time in which `first` lies, and the day after the one in which `last` does."""
    days = pl.DataFrame({"day": [first, last]}).select(first_of(pl.col("day"), every))["day"]
    return days[0], days.dt.offset_by(_EVERY[every])[1]


def number(day: date, every: str) -> float:
    """Which of the calendar's days, weeks, months or years since 1970 begins on `day`: neighbours are 1 apart.

    >>> number(date(1970, 3, 1), "month"), number(date(1970, 1, 5), "week")
    (2.0, 1.0)
    """
    if every == "year":
        return float(day.year - 1970)
    if every == "month":
        return float((day.year - 1970) * 12 + day.month - 1)
    days = (day - date(1970, 1, 1)).days
    # 1 January 1970 was a Thursday, in the week that began on 29 December.
    return float(days if every == "day" else (days + 3) // 7)


def last_day(first: date, every: str) -> date:
    """The last day of the time that begins on `first`."""
    return whole(first, first, every)[1] - timedelta(days=1)
