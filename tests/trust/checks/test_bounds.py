"""Bounds: planted and real impossible values are found, and events are not taken for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from tests.trust import real
from tests.trust.records import HOUR, at, load, record, rush_hours

from passerelle.trust.check import Light
from passerelle.trust.checks.bounds import judge, judge_feed
from passerelle.trust.words import to_microseconds

WEEKS = 26
DEMAND = "electricity_demand"


def test_clean_series_stay_quiet() -> None:
    """Twenty half-years of each kind, none with a fault: no mark at all."""
    for seed in range(20):
        assert judge(record(rush_hours(WEEKS, seed=seed))) == []
        assert judge(record(load(WEEKS, seed=seed), quantity=DEMAND)) == []


@pytest.mark.parametrize("length", [1, 3, 8])
@pytest.mark.parametrize("factor", [0.0, 0.5, 2.5])
def test_a_planted_run_is_found_with_its_hours(length: int, factor: float) -> None:
    """Power at nothing, a half or two and a half times its value for some hours: those hours, red, in each of ten."""
    for seed in range(10):
        values = load(WEEKS, seed=seed)
        values[2000 : 2000 + length] *= factor
        (mark,) = judge(record(values, quantity=DEMAND))
        assert (mark.start, mark.end, mark.light) == (at(hours=2000), at(hours=2000 + length), Light.RED)


def test_a_level_that_stays_is_no_impossible_value() -> None:
    """Half the bicycles from one hour on, to the end: nothing returns, so that it may be so."""
    values = rush_hours(WEEKS)
    values[2010:] //= 2
    assert [mark.light for mark in judge(record(values)) if mark.light is Light.RED] == []


def test_what_was_counted_while_the_source_broke_down() -> None:
    """A daily count falls to a twentieth, and three days are missing: the last day before them is red."""
    day = np.random.default_rng(3).poisson(400 + 100 * (np.arange(120) % 7 > 4)).astype(np.float64)
    day[60] = 20
    kept = np.r_[0:61, 64:120]
    start = to_microseconds(at()) + 24 * HOUR * kept
    (mark,) = judge(record(day[kept], start=start, step=24 * HOUR))
    assert (mark.start, mark.end) == (at(days=60), at(days=61))


def test_small_places_show_it_together() -> None:
    """Five a day in each of forty places fall to none before a gap: too little to tell in one, plain in all."""
    generator = np.random.default_rng(4)
    kept = np.r_[0:61, 64:120]
    places = []
    for number in range(40):
        day = generator.poisson(5, 120).astype(np.float64)
        day[60] = 0
        start = to_microseconds(at()) + 24 * HOUR * kept
        places.append(record(day[kept], start=start, step=24 * HOUR, place=str(number)))
    (found,) = judge_feed(real.feed_of(places))
    assert (found.mark.start, found.mark.end) == (at(days=60), at(days=61))
    assert len(found.series or ()) == 40


def marked(values: npt.NDArray[np.float64], **changes: object) -> list[tuple[object, object]]:
    return [(mark.start, mark.end) for mark in judge(record(values, quantity=DEMAND, **changes))]


def test_units_and_weeks_don_t_matter() -> None:
    """In other units, from another zero, or whole weeks later the same hours are marked."""
    values = load(WEEKS)
    values[[700, 2500]] *= 0.4
    found = marked(values)
    assert len(found) == 2
    assert marked(values * 1000) == found
    assert marked(values + 5000) == found
    later = to_microseconds(at(weeks=5)) + HOUR * np.arange(len(values))
    assert marked(values, start=later) == [
        (start + (at(weeks=5) - at()), end + (at(weeks=5) - at())) for start, end in found
    ]


def test_pumps_are_not_judged() -> None:
    """On and off every few hours is the way of a pump."""
    values = np.where(np.random.default_rng(5).random(4000) < 0.1, 1, 0).cumsum() % 2 * 44.0
    assert judge(record(values, quantity=DEMAND)) == []


@pytest.mark.usefixtures("shared_data")
def test_autolib_24_february_is_found_in_every_code() -> None:
    """The day before the outage has a sixteenth of the pick-ups; the completeness column says 1396 of 1440 minutes."""
    found = judge_feed(real.shipped("paris", "autolib-events"))
    assert {str(one.mark.start)[:10] for one in found} == {"2018-02-23"}
    assert max(len(one.series or ()) for one in found) == 104


@pytest.mark.usefixtures("shared_data")
def test_caiso_absurd_minima_are_found() -> None:
    """Of the file's hours below 12,300 MW (`awk -F, '$2<12300'`: 14, 91, 96, 12197, 12193, 12224) all are red."""
    (series,) = real.caiso().records
    marks = judge(series)
    low = series.start[series.value < 12300]
    assert len(low) == 6
    assert all(any(to_microseconds(m.start) <= hour < to_microseconds(m.end) for m in marks) for hour in low)


def test_a_night_that_is_like_the_day_is_found() -> None:
    """A third more from 0:00 to 4:00 of one Thursday, less than each day has at 14:00: those four hours, red."""
    values = load(WEEKS)
    night = slice(10 * 168 + 3 * 24, 10 * 168 + 3 * 24 + 4)
    values[night] *= 1.33
    assert values[night].max() < np.sort(values)[-500]
    (mark,) = judge(record(values, quantity=DEMAND))
    assert (mark.start, mark.end, mark.light) == (at(hours=night.start), at(hours=night.stop), Light.RED)


@pytest.mark.usefixtures("shared_data")
def test_a_night_of_district_5_is_found() -> None:
    """On 29 January 2021 the sheet has 78, 74 and 72 L/s at 0:00, 1:00 and 2:00, and 62, 56 and 55 the night before."""
    (series,) = (one for one in real.bwdf().records if one.series.place.startswith("DMA 5 "))
    starts = [mark.start.isoformat()[:16] for mark in judge(series)]
    assert "2021-01-28T23:00" in starts
