"""What is red is taken out of a study by the day or by the series, whichever is hit hardest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from passerelle.studies.gathered.cut import MARKS, find_cut
from passerelle.trust.check import Light

BEGIN = datetime(2023, 1, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERIES = [1, 2, 3, 4]


def day(number: int) -> date:
    return (BEGIN + number * DAY).date()


def cells(days: int = 10, inside: int = 10) -> pl.DataFrame:
    """Two values a day, at noon and at one, of `days` days, of which the first `inside` lie in the windows."""
    starts = [BEGIN + number * DAY + (12 + hour) * HOUR for number in range(days) for hour in (0, 1)]
    frame = pl.DataFrame({"start": starts}).cast(pl.Datetime("us", "UTC"))
    return frame.with_columns(
        stop=pl.col("start") + HOUR,
        unit=pl.col("start").dt.date(),
        inside=pl.col("start") < BEGIN + inside * DAY,
    )


def marks(*rows: tuple[int, datetime, datetime, str]) -> pl.DataFrame:
    return pl.DataFrame([(*row, "frozen") for row in rows], schema=MARKS, orient="row")


def test_nothing_marked_is_green() -> None:
    """Nothing is cut out, and what is marked between the hours that count isn't either."""
    for found in (marks(), marks((1, BEGIN, BEGIN + 12 * HOUR, "red"))):
        cut = find_cut(found, cells(), SERIES)
        assert (cut.share, cut.light, cut.units.to_list(), cut.series) == (0, Light.GREEN, [], ())


def test_an_outage_of_all_takes_out_the_day() -> None:
    """All four series are red on the third day: 8 of 80 values are a tenth, which doesn't block."""
    third = [(one, BEGIN + 2 * DAY, BEGIN + 3 * DAY, "red") for one in SERIES]
    cut = find_cut(marks(*third), cells(), SERIES)
    assert (cut.share, cut.light, cut.units.to_list(), cut.series) == (0.1, Light.AMBER, [day(2)], ())


def test_a_broken_sensor_takes_out_the_series() -> None:
    """One of four series is red for eight days of ten: 16 of 80 values, more than a tenth."""
    cut = find_cut(marks((2, BEGIN, BEGIN + 8 * DAY, "red")), cells(), SERIES)
    assert (cut.share, cut.light, cut.units.to_list(), cut.series) == (0.2, Light.RED, [], (2,))


def test_both_are_taken_out_worst_first() -> None:
    """A series red for nine days, then a day on which the other three are red too."""
    broken = (2, BEGIN, BEGIN + 9 * DAY, "red")
    outage = [(one, BEGIN + 9 * DAY, BEGIN + 10 * DAY, "red") for one in (1, 3, 4)]
    cut = find_cut(marks(broken, *outage), cells(), SERIES)
    assert (cut.units.to_list(), cut.series) == ([day(9)], (2,))


def test_a_mark_of_minutes_touches_the_hour_it_lies_in() -> None:
    """Ten minutes from 12:50 to 13:00 make the value of noon red, and not that of one."""
    red = (1, BEGIN + 12 * HOUR + timedelta(minutes=50), BEGIN + 13 * HOUR, "red")
    assert find_cut(marks(red), cells(), SERIES).share == 1 / 80


def test_amber_cuts_nothing() -> None:
    """What is amber is told by the light only; so is what lies outside the windows not at all."""
    amber = marks((1, BEGIN, BEGIN + 9 * DAY, "amber"))
    cut = find_cut(amber, cells(), SERIES)
    assert (cut.light, cut.units.to_list(), cut.series) == (Light.AMBER, [], ())
    later = marks((1, BEGIN + 5 * DAY, BEGIN + 9 * DAY, "amber"))
    assert find_cut(later, cells(inside=5), SERIES).light is Light.GREEN


def test_red_outside_the_windows_is_cut_out_and_not_counted() -> None:
    """A placebo's days are cut out too, but the share is of the windows: the first five days."""
    cut = find_cut(marks(*[(one, BEGIN + 7 * DAY, BEGIN + 8 * DAY, "red") for one in SERIES]), cells(inside=5), SERIES)
    assert (cut.share, cut.units.to_list()) == (0, [day(7)])


def test_other_series_are_not_looked_at() -> None:
    """A mark on a series that would not be summed is nothing to the study."""
    assert find_cut(marks((9, BEGIN, BEGIN + 9 * DAY, "red")), cells(), SERIES).share == pytest.approx(0)
