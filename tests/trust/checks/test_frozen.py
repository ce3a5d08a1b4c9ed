"""Frozen: values that stand still for longer than the series does by itself, or than its peers do."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from tests.trust import real
from tests.trust.records import at, load, record, rush_hours

from passerelle.trust.check import Light
from passerelle.trust.checks.frozen import judge, judge_feed

WEEKS = 26


def test_clean_series_stay_quiet() -> None:
    """Twenty half-years of a street with quiet nights and of a load in whole megawatts: none stands still."""
    for seed in range(20):
        assert judge(record(rush_hours(WEEKS, seed=seed, level=100))) == []
        assert judge(record(load(WEEKS, seed=seed).round(), quantity="electricity_demand")) == []


def test_a_counter_that_stands_still_by_day_is_found() -> None:
    """Zero from Wednesday 08:00 for a day, in each of ten: from there or the night before to the next values, amber."""
    for seed in range(10):
        values = rush_hours(WEEKS, seed=seed)
        values[2408:2432] = 0
        (mark,) = judge(record(values))
        assert mark.light is Light.AMBER
        assert at(hours=2396) <= mark.start <= at(hours=2408)
        assert at(hours=2432) <= mark.end <= at(hours=2440)


def test_a_street_is_seldom_closed_for_three_days() -> None:
    """Zero for 100 hours is red."""
    values = rush_hours(WEEKS)
    values[2408:2508] = 0
    assert [mark.light for mark in judge(record(values))] == [Light.RED]


def test_a_load_that_repeats_six_times_is_found() -> None:
    """Power to the megawatt hardly repeats: ten equal hours are red, whatever the unit or zero."""
    values = load(WEEKS).round()
    values[1000:1010] = values[1000]
    for changed in (values, values * 1000, values - 5000):
        (mark,) = judge(record(changed, quantity="electricity_demand"))
        assert (mark.start, mark.end) == (at(hours=1000), at(hours=1010))


def test_calm_days_are_the_way_of_the_wind() -> None:
    """Power that is zero for half a day and more every few days has a tail of its own."""
    generator = np.random.default_rng(8)
    spells = generator.exponential(14, 400).astype(int) + 1
    wind = np.repeat(np.where(np.arange(400) % 2, 0, 1), spells) * generator.integers(1, 90, spells.sum())
    assert judge(record(wind, quantity="electricity_generation")) == []


def resting(longest: int) -> npt.NDArray[np.float64]:
    """A plant of 1000 MW that rests at -3 to 1 MW between days of work; at -3 for few hours, but once for `longest`."""
    generator = np.random.default_rng(10)
    parts = []
    for spell in range(400):
        level = -3 if spell % 5 == 0 else generator.integers(-2, 2)
        hours = generator.integers(2, 5) if level == -3 else int(generator.exponential(14)) + 1
        parts += [np.full(longest if spell == 300 else hours, level), generator.integers(800, 1200, 24)]
    return np.concatenate(parts).astype(np.float64)


def test_a_plant_at_rest_is_not_frozen() -> None:
    """Two days at -3 MW are nothing new where it stood still at -1 MW as long: within a hundredth of what it makes."""
    assert judge(record(resting(48), quantity="electricity_generation")) == []


def test_a_plant_that_stands_still_at_work_is_frozen() -> None:
    """Two weeks at rest, and a day at 1000 MW: both longer than ever."""
    values = np.append(resting(336), np.full(24, 1000.0))
    lengths = [mark.end - mark.start for mark in judge(record(values, quantity="electricity_generation"))]
    assert lengths == [timedelta(hours=336), timedelta(hours=24)]


def test_thermal_plants_at_rest() -> None:
    """Île-de-France's plants take 3 MW from the grid over Pentecost 2020, but for 6:30 to 8:30 of Sunday: they rest."""
    series = next(one for one in real.shipped("paris", "eco2mix").records if one.series.facet == "thermal")
    assert [mark.start for mark in judge(series) if mark.start.year == 2020] == []


def test_a_station_that_was_dead_all_along_is_found_by_its_peers() -> None:
    """Forty stations change every few hours; one has 7 bicycles for all of ten weeks."""
    generator = np.random.default_rng(9)
    places = []
    for number in range(40):
        moves = np.where(generator.random(1680) < 0.3, generator.integers(-2, 3, 1680), 0)
        values = np.abs(10 + np.cumsum(moves)) if number else np.full(1680, 7)
        places.append(record(values, quantity="bikeshare_bikes_available", place=str(number)))
    (found,) = judge_feed(real.feed_of(places))
    assert found.series == (places[0].series.number,)
    assert (found.mark.start, found.mark.end) == (at(), at(weeks=10))


@pytest.mark.usefixtures("shared_data")
def test_bay_wheels_dead_stations() -> None:
    """About 2 % of 322 stations are dead for weeks, by the data's card: 6 or so; each is among those found."""
    found = judge_feed(real.baywheels())
    dead = {one.series for one in found if (one.mark.end - one.mark.start).days > 60}
    assert 5 <= len(dead) <= 25


@pytest.mark.usefixtures("shared_data")
def test_nitrogen_dioxide_of_nothing() -> None:
    """Les Halles says 0 µg/m³ for 62 days from 1 January 2021 (`grep FR04055 | grep ,0.0`): no air is so clean."""
    series = next(one for one in real.shipped("paris", "geodair-no2-mean").records if "FR04055" in one.series.place)
    longest = max(judge(series), key=lambda mark: mark.end - mark.start)
    assert (longest.start.isoformat()[:10], (longest.end - longest.start).days) == ("2020-12-31", 62)
