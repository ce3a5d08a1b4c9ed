"""A panel's cells are whole or empty, and its times lie whole in the windows."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
import pytest

from passerelle.model.errors import StudyError
from passerelle.studies.declared.change import Text
from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.declared.terms import Exclusion, Windows
from passerelle.studies.gathered.cut import MARKS
from passerelle.studies.gathered.panels import SEATS, Filled, Span, fill_panel
from passerelle.studies.gathered.units import ROWS
from passerelle.trust.check import Light

ZONE = ZoneInfo("Europe/Paris")
# Monday 8 to Sunday 21 March, then Monday 22 March to Sunday 4 April 2021; the clock goes forward on the 28th.
BEFORE, AFTER = (date(2021, 3, 8), date(2021, 3, 21)), (date(2021, 3, 22), date(2021, 4, 4))
DECLARED = Path(__file__).parents[1] / "declared"


@pytest.fixture
def study() -> PlacesStudy:
    """Places 1 (treated) and 2 and 3, day by day, all hours, as they are."""
    declared = read_declaration(DECLARED / "prop99.toml").study
    assert isinstance(declared, PlacesStudy)
    outcome = msgspec.structs.replace(declared.outcome, quantity="bicycle_count", over_places="sum")
    return msgspec.structs.replace(declared, every="day", windows=Windows(BEFORE, AFTER), outcome=outcome)


def hours(place: int, value: float = 1.0) -> pl.DataFrame:
    """`value` in each hour of the local days from 1 March to 11 April 2021."""
    start, end = (datetime(2021, month, day, tzinfo=ZONE).astimezone(UTC) for month, day in ((3, 1), (4, 12)))
    starts = [start + timedelta(hours=at) for at in range(int((end - start) / timedelta(hours=1)))]
    return pl.DataFrame({"series": [place] * len(starts), "start": starts, "value": value}, schema=ROWS)


def seats(**changes: Any) -> pl.DataFrame:
    first = [AFTER[0], None, None]
    columns = {
        "series": [1, 2, 3],
        "place": ["a", "b", "c"],
        "name": ["A", "B", "C"],
        "role": ["treated", "comparison", "comparison"],
        "cluster": ["a", "b", "c"],
        "first": first,
        "distance": [0.0, 10.0, 20.0],
    }
    return pl.DataFrame(columns | changes, schema=SEATS)


ALL = pl.concat([hours(1), hours(2, 2.0), hours(3, 3.0)])
NO_MARKS = pl.DataFrame(schema=MARKS)


def fill(rows: pl.DataFrame, study: PlacesStudy, marks: pl.DataFrame = NO_MARKS, span: Span | None = None) -> Filled:
    return fill_panel(rows, seats(), marks, study, span or Span(), ZONE)


def test_a_day_is_the_sum_of_its_local_hours(study: PlacesStudy) -> None:
    """24 hours of 1, 2 and 3 make 24, 48 and 72; on 28 March, 23 hours, 23, 46 and 69."""
    found = fill(ALL, study).panel
    assert found is not None
    assert found.units == ("a", "b", "c")
    assert found.outcomes.shape == (3, 28)
    assert found.outcomes[:, 0].tolist() == [24, 48, 72]
    assert found.outcomes[:, 20].tolist() == [23, 46, 69]
    # 22 March 2021 is 18,708 days after 1 January 1970.
    assert found.first.tolist() == [18_708, math.inf, math.inf]
    assert found.times.tolist() == list(range(18_694, 18_722))


def test_nothing_is_lost_between_rows_and_panel(study: PlacesStudy) -> None:
    """The sum of all cells is the sum of all rows of the windows' days."""
    low, high = (datetime(2021, month, day, tzinfo=ZONE).astimezone(UTC) for month, day in ((3, 8), (4, 5)))
    inside = ALL.filter(pl.col("start").is_between(low, high, closed="left"))
    found = fill(ALL, study).panel
    assert found is not None
    assert found.outcomes.sum() == inside["value"].sum()


@pytest.mark.parametrize(("every", "times"), [("week", 4), ("month", 0), ("day", 28)])
def test_a_time_lies_whole_in_a_window(study: PlacesStudy, every: str, times: int) -> None:
    """Four weeks of Mondays to Sundays; March is in both windows and April in none whole."""
    filled = fill(ALL, msgspec.structs.replace(study, every=every))
    assert len(filled.firsts) == times
    assert (filled.panel is None) == (times == 0)


def test_weekly_sums_are_weeks_of_hours(study: PlacesStudy) -> None:
    """168 hours, and 167 in the week that ends on 28 March."""
    found = fill(ALL, msgspec.structs.replace(study, every="week")).panel
    assert found is not None
    assert found.outcomes[0].tolist() == [168, 168, 167, 168]


def test_what_is_excluded_phased_in_or_not_seen_yet_is_no_time(study: PlacesStudy) -> None:
    """Two days excluded, three of phasing in, and all from 1 April on at a look on that day: 28 - 2 - 3 - 4."""
    one = Exclusion(date(2021, 3, 10), date(2021, 3, 11), Text("a", "b"))
    span = Span((date(2021, 3, 22), date(2021, 3, 24)), date(2021, 4, 1))
    filled = fill(ALL, msgspec.structs.replace(study, exclude=(one,)), span=span)
    assert len(filled.firsts) == 19
    assert filled.panel is not None
    # The first day after the phasing in is Thursday 25 March, three days later.
    assert filled.panel.first[0] == 18_711


def test_a_gap_empties_the_cell(study: PlacesStudy) -> None:
    """An hour of place 2 is absent: with every value needed it is left out, else its day is not a number."""
    rows = ALL.filter(~((pl.col("series") == 2) & (pl.col("start") == datetime(2021, 3, 10, 12, tzinfo=UTC))))
    assert fill(rows, study).left_out["place"].to_list() == ["b"]
    found = fill(rows, msgspec.structs.replace(study, least_seen=0.9)).panel
    assert found is not None
    assert np.argwhere(np.isnan(found.outcomes)).tolist() == [[1, 2]]


def test_what_is_not_listed_may_be_zero(study: PlacesStudy) -> None:
    """Where only what happened is listed the same gap is a day of 23 x 2; a day with nothing of anybody is no time."""
    at = datetime(2021, 3, 10, 12, tzinfo=UTC)
    rows = ALL.filter(~((pl.col("series") == 2) & (pl.col("start") == at)))
    rows = rows.filter(pl.col("start").dt.convert_time_zone(ZONE.key).dt.date() != date(2021, 3, 12))
    outcome = msgspec.structs.replace(study.outcome, absent="zero")
    found = fill(rows, msgspec.structs.replace(study, outcome=outcome)).panel
    assert found is not None
    assert found.outcomes[1, 2] == 46
    assert len(found.times) == 27


@pytest.mark.parametrize(("declared", "left"), [(True, ["b"]), (False, [])])
def test_a_day_of_zeros_may_be_an_outage(study: PlacesStudy, declared: bool, left: list[str]) -> None:
    """Place 2 counted nothing on 10 March."""
    dead = (pl.col("series") == 2) & (pl.col("start").dt.convert_time_zone(ZONE.key).dt.date() == date(2021, 3, 10))
    rows = ALL.with_columns(value=pl.when(dead).then(0.0).otherwise("value"))
    outcome = msgspec.structs.replace(study.outcome, zero_day_is_outage=declared)
    assert fill(rows, msgspec.structs.replace(study, outcome=outcome)).left_out["place"].to_list() == left


def test_red_is_cut_out_cell_by_cell(study: PlacesStudy) -> None:
    """Two hours of place 3 are red in two days: two cells go; 2 of 3 x 671 hours are red."""
    times = [(3, datetime(2021, 3, day, 12, tzinfo=UTC), datetime(2021, 3, day, 13, tzinfo=UTC)) for day in (9, 30)]
    marks = pl.DataFrame([(*one, "red", "frozen") for one in times], schema=MARKS, orient="row")
    filled = fill(ALL, msgspec.structs.replace(study, least_seen=0.9), marks)
    assert filled.panel is not None
    assert np.argwhere(np.isnan(filled.panel.outcomes)).tolist() == [[2, 1], [2, 22]]
    # 28 days of 24 hours, but for the one that clocks skipped.
    assert filled.reds.share == pytest.approx(2 / (3 * 671))
    assert filled.reds.light is Light.AMBER


def test_an_outage_of_all_takes_out_the_time(study: PlacesStudy) -> None:
    """Every place is red on 9 March: that day goes, and all places stay, though every value is asked for."""
    span = datetime(2021, 3, 9, tzinfo=UTC), datetime(2021, 3, 9, 12, tzinfo=UTC)
    marks = pl.DataFrame([(one, *span, "red", "gaps") for one in (1, 2, 3)], schema=MARKS, orient="row")
    filled = fill(ALL, study, marks)
    assert len(filled.firsts) == 27
    assert filled.left_out.height == 0


def test_a_red_day_of_the_only_treated_place_is_no_time(study: PlacesStudy) -> None:
    """Every value is asked for: a day red at one of three places is a third of a time and a 28th of a place."""
    span = datetime(2021, 3, 9, tzinfo=UTC), datetime(2021, 3, 9, 12, tzinfo=UTC)
    filled = fill(ALL, study, pl.DataFrame([(1, *span, "red", "frozen")], schema=MARKS, orient="row"))
    assert (len(filled.firsts), filled.left_out.height) == (27, 0)
    assert filled.panel is not None
    assert filled.panel.complete


def test_nothing_left_is_no_panel(study: PlacesStudy) -> None:
    """The one treated place is red throughout."""
    span = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 12, tzinfo=UTC)
    marks = pl.DataFrame([(1, *span, "red", "frozen")], schema=MARKS, orient="row")
    filled = fill(ALL, study, marks)
    assert filled.panel is None
    assert filled.left_out["place"].to_list() == ["a"]
    assert filled.reds.light is Light.RED


def test_a_place_may_begin_on_another_day(study: PlacesStudy) -> None:
    """From Wednesday 24 March: in weeks it begins on the 29th, and the week it began within is no number of its."""
    own = seats(first=[date(2021, 3, 24), None, None])
    weekly = msgspec.structs.replace(study, every="week", least_seen=0.5)
    found = fill_panel(ALL, own, NO_MARKS, weekly, Span(), ZONE).panel
    assert found is not None
    # 29 March 2021 is 18,715 days after 1 January 1970, 18,718 after the Monday before: 2,674 weeks.
    assert found.first[0] == 2674
    assert np.argwhere(np.isnan(found.outcomes)).tolist() == [[0, 2]]


def test_places_put_together_are_two_units(study: PlacesStudy) -> None:
    """With times as units the comparison is 2 + 3 an hour, or 2.5 as a mean."""
    timed = msgspec.structs.replace(study, unit="time")
    found = fill(ALL, timed).panel
    assert found is not None
    assert (found.units, found.outcomes[:, 0].tolist()) == (("treated", "comparison"), [24, 120])
    outcome = msgspec.structs.replace(study.outcome, over_places="mean")
    mean = fill(ALL, msgspec.structs.replace(timed, outcome=outcome)).panel
    assert mean is not None
    assert mean.outcomes[:, 0].tolist() == [24, 60]


def test_ratios_need_something(study: PlacesStudy) -> None:
    """On the scale of logarithms outcomes are natural ones, and a place with nothing is an error that names it."""
    logs = msgspec.structs.replace(study, scale="log")
    found = fill(ALL, logs).panel
    assert found is not None
    assert found.outcomes[0, 0] == pytest.approx(math.log(24))
    with pytest.raises(StudyError, match="of b at 2021-03-08"):
        fill(pl.concat([hours(1), hours(2, 0.0), hours(3)]), logs)


def test_the_calendar_surrounds(study: PlacesStudy) -> None:
    """Six columns for the weekdays but Monday; each day has one, Mondays none."""
    found = fill(ALL, msgspec.structs.replace(study, adjust_for=("weekday",))).panel
    assert found is not None
    assert found.surroundings.shape == (28, 6)
    assert found.surroundings.sum(axis=1).tolist() == [0, 1, 1, 1, 1, 1, 1] * 4
