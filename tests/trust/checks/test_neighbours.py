"""Neighbours: one that goes its own way is found, what all do is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from tests.trust import real
from tests.trust.records import at, record, rush_hours

from passerelle.trust.check import Light
from passerelle.trust.checks.neighbours import judge_feed

WEEKS = 30


def streets(change: npt.NDArray[np.float64], *, only: int | None) -> list[tuple[str, object, object]]:
    """The marks of eight streets under one weather, one or all of which are changed by a factor for each hour."""
    weather = np.repeat(np.exp(np.random.default_rng(1).normal(0, 0.2, WEEKS * 7)), 24)
    places = []
    for number in range(8):
        values = rush_hours(WEEKS, seed=number) * weather
        if only is None or only == number:
            values = values * change
        places.append(record(values, quantity="vehicle_count", place=str(number)))
    names = {place.series.number: place.series.place for place in places}
    found = judge_feed(real.feed_of(places))
    assert all(one.mark.light is Light.AMBER for one in found)
    return [(names[(one.series or (0,))[0]], one.mark.start, one.mark.end) for one in found]


def test_what_all_do_is_no_disagreement() -> None:
    """A storm of four days in all streets."""
    storm = np.ones(WEEKS * 168)
    storm[100 * 24 : 104 * 24] = 0.3
    assert streets(storm, only=None) == []


def test_one_street_that_fails_for_a_week_is_found() -> None:
    """Half the vehicles from day 100 to 107 in the fourth street alone."""
    fault = np.ones(WEEKS * 168)
    fault[100 * 24 : 107 * 24] = 0.5
    assert streets(fault, only=3) == [("3", at(days=100), at(days=107))]


def test_no_fault_no_mark() -> None:
    """Eight streets without a fault."""
    assert streets(np.ones(WEEKS * 168), only=None) == []
