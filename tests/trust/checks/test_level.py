"""Level: a step of one series is found, a season and what all series share are not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.trust import real
from tests.trust.records import at, load, record, rush_hours

from passerelle.trust.checks.level import judge_feed


def streets(factor: float, *, shared: bool) -> list[tuple[str, str]]:
    """The places and days marked of six streets, one or all of which change by `factor` after 40 of 80 weeks."""
    places = []
    for number in range(6):
        values = rush_hours(80, seed=number)
        if shared or number == 2:
            values[40 * 168 :] *= factor
        places.append(record(values, quantity="vehicle_count", place=str(number)))
    numbers = {place.series.number: place.series.place for place in places}
    found = judge_feed(real.feed_of(places))
    return [(numbers[(one.series or (0,))[0]], one.mark.start.isoformat()[:10]) for one in found]


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.6])
def test_a_step_of_one_is_found_in_its_week(factor: float) -> None:
    """The third street changes on 9 October 2023, 40 weeks after 2 January: marked in that week, alone."""
    ((place, day),) = streets(factor, shared=False)
    assert place == "2"
    assert at(weeks=39).isoformat()[:10] <= day <= at(weeks=41).isoformat()[:10]


def test_a_lockdown_is_no_changed_sensor() -> None:
    """Where all six change, none is marked."""
    assert streets(0.4, shared=True) == []


def test_seasons_are_no_steps() -> None:
    """Three years of a load with a strong winter, twenty times: nothing."""
    for seed in range(20):
        assert judge_feed(real.feed_of([record(load(156, seed=seed), quantity="electricity_demand")])) == []


def test_a_few_weeks_are_no_level() -> None:
    """Half the traffic for eight weeks, as in August or a first lockdown, comes back: nothing."""
    values = rush_hours(80)
    values[40 * 168 : 48 * 168] *= 0.5
    assert judge_feed(real.feed_of([record(values)])) == []


def lockdown(after: float) -> list[tuple[str, str]]:
    """The places and days marked of six streets with a fifth of their traffic in weeks 40 to 49.

    The third has `after` of it from then on.
    """
    places = []
    for number in range(6):
        values = rush_hours(80, seed=number)
        values[40 * 168 : 50 * 168] *= 0.2
        if number == 2:
            values[50 * 168 :] *= after
        places.append(record(values, quantity="vehicle_count", place=str(number)))
    numbers = {place.series.number: place.series.place for place in places}
    found = judge_feed(real.feed_of(places))
    return [(numbers[(one.series or (0,))[0]], one.mark.start.isoformat()[:10]) for one in found]


def test_a_step_within_a_lockdown_is_found_after_it() -> None:
    """The third street comes back with six tenths: marked alone. That it fell in the lockdown is all that shows."""
    ((place, day),) = lockdown(0.6)
    assert place == "2"
    assert at(weeks=38).isoformat()[:10] <= day <= at(weeks=51).isoformat()[:10]


def test_a_lockdown_after_which_all_come_back_is_no_step() -> None:
    """Ten weeks with a fifth of the traffic everywhere: nothing."""
    assert lockdown(1.0) == []


@pytest.mark.usefixtures("shared_data")
def test_saint_antoine_s_steps() -> None:
    """Arc 376: about 900 veh/h to mid 2016, 600 to early 2018, a silence, 225, and 140 since 2020 (the data's card).

    In the quarter after the lockdown it has less than later.
    """
    arc = next(one.series.number for one in real.traffic().records if one.series.place == "376")
    found = [one.mark for one in judge_feed(real.traffic()) if one.series == (arc,)]
    assert [(mark.start.year, mark.start.month) for mark in found] == [(2016, 6), (2018, 3), (2020, 3)]
    levels = [(mark.evidence["level_before"], mark.evidence["level_after"]) for mark in found]
    assert np.allclose(levels, [(1000, 650), (600, 230), (225, 140)], rtol=0.12)
