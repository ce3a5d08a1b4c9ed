"""Clock changes: hours lost and copied."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.trust import real
from tests.trust.records import HOUR, load, record

from passerelle.trust.check import Light
from passerelle.trust.checks.dst import clock_changes, judge, judge_feed
from passerelle.trust.words import to_microseconds

PARIS = ZoneInfo("Europe/Paris")
AUTUMN = to_microseconds(datetime(2023, 10, 29, 1, tzinfo=UTC))
SPRING = to_microseconds(datetime(2023, 3, 26, 1, tzinfo=UTC))


def test_changes_of_a_year() -> None:
    """Paris 2023: 26 March and 29 October, at 01:00 UTC both (Directive 2000/84/EC); UTC has none."""
    assert clock_changes(PARIS, 2023) == ((SPRING, False), (AUTUMN, True))
    assert clock_changes(ZoneInfo("UTC"), 2023) == ()


def test_clocks_that_change_at_two_in_california() -> None:
    """San Francisco 2023: 12 March 10:00 UTC and 5 November 09:00 UTC, two in the morning local (US Code 15-260a)."""
    changes = [datetime(2023, 3, 12, 10, tzinfo=UTC), datetime(2023, 11, 5, 9, tzinfo=UTC)]
    found = [moment for moment, _ in clock_changes(ZoneInfo("America/Los_Angeles"), 2023)]
    assert found == [to_microseconds(change) for change in changes]


def hourly(*, without: int | None = None, copied: bool = False):
    values = load(52)
    start = record(values).start
    index = np.searchsorted(start, AUTUMN)
    if copied:
        values[index] = values[index - 1]
    kept = start != without
    return record(values[kept], start=start[kept], zone=PARIS, quantity="electricity_demand")


def test_a_whole_year_is_quiet() -> None:
    """A year in UTC, every hour its own: nothing."""
    assert judge(hourly()) == []


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_lost_hour_is_red(change: int) -> None:
    """Without the hour from the change on: that hour, in spring and autumn."""
    (mark,) = judge(hourly(without=change))
    assert mark.light is Light.RED
    assert (to_microseconds(mark.start), to_microseconds(mark.end)) == (change, change + HOUR)


def test_a_copied_hour_is_amber() -> None:
    """The second 02:00 has the first one's value, to the last digit, where no other hour does."""
    (mark,) = judge(hourly(copied=True))
    assert mark.light is Light.AMBER
    assert to_microseconds(mark.start) == AUTUMN


@pytest.mark.usefixtures("shared_data")
def test_eco2mix_lost_and_copied_hours() -> None:
    """Three autumns of 48 half-hours lose an hour; four springs hold rows at 02:00 and 02:30, which don't exist."""
    feed = real.shipped("paris", "eco2mix")
    demand = next(one for one in feed.records if one.series.quantity == "electricity_demand")
    assert [mark.start.isoformat()[:10] for mark in judge(demand)] == ["2017-10-29", "2018-10-28", "2019-10-27"]
    days = [one.mark.start.isoformat()[:10] for one in judge_feed(feed)]
    assert days == ["2017-03-26", "2018-03-25", "2019-03-31", "2020-03-29"]
