"""Days and weeks are counted by the local clock, whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest

from passerelle.model.errors import StudyError
from passerelle.studies.declared.declaration import read_declaration
from passerelle.studies.declared.parts import Outcome, Part, PartsStudy, Placebo
from passerelle.studies.declared.terms import Exclusion, Windows
from passerelle.studies.gathered.units import count_units

ZONE = ZoneInfo("Europe/Paris")


@pytest.fixture
def study(checkout: Path) -> PartsStudy:
    """Evenings against middays of the ten days around the change to summer time on 28 March 2021; every day counts."""
    declared = read_declaration(checkout / "cities/paris/curfew-18h-2021.toml").study
    week = (1, 2, 3, 4, 5, 6, 7)
    days = (date(2021, 3, 23), date(2021, 3, 27)), (date(2021, 3, 28), date(2021, 4, 1))
    return msgspec.structs.replace(
        declared,
        treated=msgspec.structs.replace(declared.treated, weekdays=week),
        comparison=msgspec.structs.replace(declared.comparison, weekdays=week),
        windows=Windows(*days),
        placebo=Placebo("consecutive", days[0]),
        exclude=(),
    )


def hours(first: date, last: date, series: int = 1) -> pl.DataFrame:
    """Every UTC hour of the local days, with its local hour as its value."""
    start = datetime(first.year, first.month, first.day, tzinfo=ZONE).astimezone(UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=ZONE).astimezone(UTC) + timedelta(days=1)
    starts = [start + timedelta(hours=hour) for hour in range(int((end - start) / timedelta(hours=1)))]
    values = [float(moment.astimezone(ZONE).hour) for moment in starts]
    return pl.DataFrame({"series": series, "start": starts, "value": values}).cast(
        {"series": pl.Int64, "start": pl.Datetime("us", "UTC")}
    )


ROWS = hours(date(2021, 3, 20), date(2021, 4, 5))


def test_the_clock_is_local_on_both_sides_of_its_change(study: PartsStudy) -> None:
    """Evenings are 18 + 19 = 37 and middays 11 + 12 + 13 = 36 in winter time and in summer time."""
    frame = count_units(ROWS, study, ZONE).frame.filter(pl.col("day").is_between(date(2021, 3, 23), date(2021, 4, 1)))
    assert frame["day"].to_list() == [date(2021, 3, 23) + timedelta(days=day) for day in range(10)]
    assert set(frame["treated"]) == {37.0}
    assert set(frame["comparison"]) == {36.0}


def test_a_whole_day_has_23_hours_when_the_clock_goes_forward(study: PartsStudy) -> None:
    """From midnight to 11, 28 March 2021 has ten hours and is usable: they sum to 55 - 2, without the hour lost."""
    early = msgspec.structs.replace(study, treated=Part(study.treated.label, study.treated.weekdays, (0, 11)))
    frame = count_units(ROWS, early, ZONE).frame
    assert frame.filter(day=date(2021, 3, 28))["treated"].to_list() == [sum(range(11)) - 2]
    assert frame.filter(day=date(2021, 3, 27))["treated"].to_list() == [sum(range(11))]


def test_a_series_with_a_gap_is_left_out(study: PartsStudy) -> None:
    """One evening hour missing in a window leaves the whole series out; the same set is summed on every day."""
    gap = hours(date(2021, 3, 20), date(2021, 4, 5), series=2).filter(
        pl.col("start") != datetime(2021, 3, 24, 17, tzinfo=UTC)
    )
    units = count_units(pl.concat([ROWS, gap]), study, ZONE)
    assert (units.series, units.incomplete) == ((1,), (2,))
    assert set(units.frame["treated"]) == {37.0}


@pytest.mark.parametrize(("outage", "series"), [(True, (1,)), (False, (1, 2))])
def test_a_day_of_zeros_is_an_outage_where_declared(study: PartsStudy, outage: bool, series: tuple[int, ...]) -> None:
    """A counter that is dead for a local day is left out for a counter, kept for a garage that was closed."""
    dead = pl.col("start").dt.convert_time_zone(ZONE.key).dt.date() == date(2021, 3, 24)
    broken = hours(date(2021, 3, 20), date(2021, 4, 5), series=2).with_columns(
        value=pl.when(dead).then(0.0).otherwise(pl.col("value"))
    )
    outcome: Outcome = msgspec.structs.replace(study.outcome, zero_day_is_outage=outage)
    found = count_units(pl.concat([ROWS, broken]), msgspec.structs.replace(study, outcome=outcome), ZONE)
    assert found.series == series


def test_nothing_complete_is_an_error(study: PartsStudy) -> None:
    """Without a row no series is complete, and the study says so instead of finding nothing."""
    with pytest.raises(StudyError, match="no series of bike-counters is complete"):
        count_units(ROWS.clear(), study, ZONE)


def test_an_evening_without_anyone_is_not_dropped(study: PartsStudy) -> None:
    """A day on which nobody came is the strongest effect there is; its ratio has no logarithm, and that is said."""
    clock = pl.col("start").dt.convert_time_zone(ZONE.key)
    nobody = (clock.dt.date() == date(2021, 3, 30)) & clock.dt.hour().is_in([18, 19])
    rows = ROWS.with_columns(value=pl.when(nobody).then(0.0).otherwise(pl.col("value")))
    with pytest.raises(StudyError, match="1 units have nothing in a group, the first at 2021-03-30"):
        count_units(rows, study, ZONE)


def test_an_excluded_day_is_no_unit(study: PartsStudy) -> None:
    """A declared exclusion takes its days out, both ends included."""
    why = study.outcome.title
    exclusion = Exclusion(date(2021, 3, 24), date(2021, 3, 25), why)
    days = count_units(ROWS, msgspec.structs.replace(study, exclude=(exclusion,)), ZONE).days
    assert date(2021, 3, 23) in days
    assert date(2021, 3, 26) in days
    assert not {date(2021, 3, 24), date(2021, 3, 25)} & set(days)


def test_a_week_stands_at_its_treated_day(study: PartsStudy) -> None:
    """Sunday against Saturday of one ISO week: the week of 22 March 2021 stands at Sunday 28 March, 23 hours long."""
    weekly = msgspec.structs.replace(
        study,
        unit="week",
        treated=Part(study.treated.label, (7,)),
        comparison=msgspec.structs.replace(study.comparison, weekdays=(6,), hours=(0, 24)),
        windows=Windows((date(2021, 3, 28), date(2021, 3, 28)), (date(2021, 4, 4), date(2021, 4, 4))),
        placebo=Placebo("calendar", (date(2021, 3, 28), date(2021, 3, 28))),
    )
    frame = count_units(ROWS, weekly, ZONE).frame
    assert frame.rows() == [
        (date(2021, 3, 28), 274.0, 276.0),
        (date(2021, 4, 4), 276.0, 276.0),
    ]
