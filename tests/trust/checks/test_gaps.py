"""Gaps: against the rhythm that was measured, and a habit is not an outage."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pytest
from tests.trust import real
from tests.trust.records import DAY, HOUR, at, load, record

from passerelle.trust.check import Light, Mark
from passerelle.trust.checks.gaps import judge
from passerelle.trust.words import to_microseconds

START = to_microseconds(at())


def kept(rows: npt.NDArray[np.intp], step: int = HOUR, **changes: object) -> list[Mark]:
    """What is found in a series that has the values of these multiples of `step` and no other."""
    return judge(record(np.zeros(len(rows)), step=step, start=START + step * rows, **changes))


def test_a_full_series_has_no_gap() -> None:
    """A thousand hours without a hole, and a daily series over a clock change, as local days of 23 and 25 hours."""
    assert kept(np.arange(1000)) == []
    paris = ZoneInfo("Europe/Paris")
    days = START - HOUR + DAY * np.arange(400) - HOUR * ((np.arange(400) >= 84) & (np.arange(400) < 301))
    assert judge(record(np.zeros(400), step=DAY, start=days, zone=paris)) == []


def test_a_hole_is_red_from_end_to_start() -> None:
    """Hours 500 to 503 are missing of a thousand: red from 500:00 to 504:00, with the rows beside it."""
    (mark,) = kept(np.r_[0:500, 504:1000])
    assert (mark.start, mark.end, mark.light) == (at(hours=500), at(hours=504), Light.RED)
    assert mark.evidence["length_seconds"] == 4 * 3600


def test_losses_by_chance_are_the_way_of_the_series() -> None:
    """Every fifth value lost at random, ten times: nothing. Twenty in a row as well: that alone."""
    for seed in range(10):
        rows = np.flatnonzero(np.random.default_rng(seed).random(4000) > 0.2)
        assert kept(rows) == []
        (mark,) = kept(rows[(rows < 2000) | (rows >= 2020)])
        assert mark.start <= at(hours=2000)
        assert mark.end >= at(hours=2020)


def test_a_nightly_hole_is_a_habit() -> None:
    """02:00 to 05:00 is missing on nine nights of ten, and once ten hours are: one amber mark and one red."""
    hours = np.arange(60 * 24)
    night = (hours % 24 >= 2) & (hours % 24 < 5) & (hours // 24 % 10 != 0)
    outage = (hours >= 730) & (hours < 740)
    habit, hole = kept(hours[~night & ~outage])
    assert (habit.light, hole.light) == (Light.AMBER, Light.RED)
    assert "02:00–05:00" in habit.reason["en"]
    assert (hole.start, hole.end) == (at(hours=730), at(hours=740))


def test_closed_weekends_are_a_habit() -> None:
    """A daily series without Saturdays and Sundays, over thirty weeks: amber, and named."""
    days = np.arange(210)
    (mark,) = kept(days[days % 7 < 5], step=DAY)
    assert mark.light is Light.AMBER
    assert "Saturday, Sunday" in mark.reason["en"]
    assert "samedi, dimanche" in mark.reason["fr"]


def test_a_count_that_never_says_zero_may_have_had_none() -> None:
    """One to three a day, a third of the days without a row: nothing; forty days without one: amber."""
    generator = np.random.default_rng(7)
    days = np.flatnonzero(generator.random(700) > 0.35)
    days = days[(days < 300) | (days >= 340)]
    value = generator.integers(1, 4, len(days)).astype(np.float64)
    (mark,) = judge(record(value, step=DAY, start=START + DAY * days, quantity="reports_opened"))
    assert mark.light is Light.AMBER
    assert mark.start <= at(days=300)


def test_a_change_of_zero_or_unit_changes_nothing() -> None:
    """The marks depend on times alone."""
    rows = np.r_[0:500, 504:1000]
    for scale in (1.0, 1000.0):
        marks = judge(record(load(6)[rows] * scale, start=START + HOUR * rows, quantity="electricity_demand"))
        assert [(mark.start, mark.end) for mark in marks] == [(at(hours=500), at(hours=504))]


@pytest.mark.usefixtures("shared_data")
def test_velib_is_silent_at_night() -> None:
    """No snapshot of the file lies between 23:41 and 01:56 UTC: nearly every station's habit, 02 to 04 in Paris."""
    found = [judge(series) for series in real.velib_2022().records[:200]]
    said = [marks[0].reason["en"] for marks in found if marks and marks[0].light is Light.AMBER]
    assert len(said) > 190
    assert sum("02:00–04:00" in reason for reason in said) > 180


@pytest.mark.usefixtures("shared_data")
def test_convention_s_missing_years() -> None:
    """Arc 5672 has no flow from 2013 to 2019: red over those years."""
    series = next(one for one in real.traffic().records if one.series.place == "5672")
    longest = max(judge(series), key=lambda mark: mark.end - mark.start)
    assert (longest.start.year, longest.end.year, longest.light) == (2013, 2019, Light.RED)


@pytest.mark.usefixtures("shared_data")
def test_caiso_s_gaps() -> None:
    """The file lacks 265 of its hours (`awk -F, 'NR>1 && $2!~/^[0-9]/'`), and red covers them."""
    (series,) = real.caiso().records
    missing = sum((mark.end - mark.start).total_seconds() for mark in judge(series)) / 3600
    assert missing == 265
