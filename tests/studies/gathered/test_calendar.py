"""Times are the local calendar's, also where a day has 23 hours or a week lies in two years."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from passerelle.model.errors import StudyError
from passerelle.studies.gathered.calendar import counted, last_day, lay_grid, local_day, midnight, number, whole

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(("day", "hours"), [(27, 24), (28, 23), (29, 24)])
def test_a_day_has_the_hours_the_clock_gives_it(day: int, hours: int) -> None:
    """On 28 March 2021 clocks went forward in Paris."""
    grid = lay_grid(
        "bicycle_count", midnight(date(2021, 3, day), PARIS), midnight(date(2021, 3, day + 1), PARIS), PARIS
    )
    assert grid.height == hours
    assert grid.select(local_day(PARIS).n_unique()).item() == 1


def test_a_quantity_of_days_has_a_value_a_day() -> None:
    """From 1 March to 1 April 2021: 31, each from local midnight to local midnight."""
    grid = lay_grid("no2_daily_mean", midnight(date(2021, 3, 1), PARIS), midnight(date(2021, 4, 1), PARIS), PARIS)
    assert grid.height == 31
    assert grid["start"][28] == datetime(2021, 3, 28, 23, tzinfo=UTC).replace(hour=22)


def test_a_quantity_without_regular_intervals_has_no_grid() -> None:
    """A state has no values that it should have."""
    with pytest.raises(StudyError, match="interval"):
        lay_grid(
            "bikeshare_bikes_available", midnight(date(2021, 3, 1), PARIS), midnight(date(2021, 3, 2), PARIS), PARIS
        )


def test_hours_are_counted_by_the_local_clock() -> None:
    """18 to 20 h on Mondays: 17 and 18 h UTC in winter, and none on a Tuesday."""
    starts = [datetime(2021, 1, day, hour, tzinfo=UTC) for day in (4, 5) for hour in range(24)]
    frame = pl.DataFrame({"start": starts}, schema={"start": pl.Datetime("us", "UTC")})
    found = frame.filter(counted((18, 20), (1,), PARIS))["start"].to_list()
    assert found == [datetime(2021, 1, 4, 17, tzinfo=UTC), datetime(2021, 1, 4, 18, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("every", "first", "after", "last"),
    [
        # 31 December 2020 was a Thursday: its week began on Monday 28 December and ended on Sunday 3 January.
        ("day", date(2020, 12, 31), date(2021, 1, 1), date(2020, 12, 31)),
        ("week", date(2020, 12, 28), date(2021, 1, 4), date(2021, 1, 3)),
        ("month", date(2020, 12, 1), date(2021, 1, 1), date(2020, 12, 31)),
        ("year", date(2020, 1, 1), date(2021, 1, 1), date(2020, 12, 31)),
    ],
)
def test_times_are_whole(every: str, first: date, after: date, last: date) -> None:
    """The time in which 31 December 2020 lies, from its first day to its last, and the next is one further."""
    assert whole(date(2020, 12, 31), date(2020, 12, 31), every) == (first, after)
    assert last_day(first, every) == last
    assert number(after, every) - number(first, every) == 1
