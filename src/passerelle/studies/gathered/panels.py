"""From observations to a panel: one number for each place, cluster or group and each local day, week, month or year.

A time is used where it lies whole in one of the study's windows, and no exclusion and no day of phasing in touches it.
A cell holds a number where the place has every value of the time, and none of them is marked red; else nothing. A
place is used where it has a number at enough of the times of each window (`least_seen`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.model.errors import StudyError
from passerelle.studies.declared.places import Group, PlacesStudy
from passerelle.studies.declared.terms import Days, Measure, excludes
from passerelle.studies.gathered.calendar import (
    counted,
    first_of,
    last_day,
    lay_grid,
    local_day,
    midnight,
    number,
    whole,
)
from passerelle.studies.gathered.cut import Reds, find_reds, take_out

TREATED, COMPARISON, SURROUNDING = "treated", "comparison", "surrounding"

SEATS: dict[str, pl.DataType] = {
    "series": pl.Int64(),
    "place": pl.String(),
    "name": pl.String(),
    "role": pl.String(),
    "cluster": pl.String(),
    "first": pl.Date(),
    "distance": pl.Float64(),
}
"""The columns that say who is in a panel: a row a series; `first` is the day the place had the change from, `distance`
the metres to where it was made; both may be null."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A panel with what it was made of; `panel` is None where nothing is left to compare.

    `firsts` are the first local days of the times. `seats` are the places used, in the panel's order where each is a
    unit; `left_out` those seen too little or marked red too much. `reds` is what trust cut out.
    """

    panel: Panel | None
    firsts: tuple[date, ...]
    seats: pl.DataFrame
    left_out: pl.DataFrame
    reds: Reds


@dataclass(frozen=True, slots=True)
class Span:
    """What is left out: the local days of phasing in, and all from the day of the look on; None where nothing is."""

    ramp: Days | None = None
    until: date | None = None


def read_span(study: PlacesStudy) -> Days:
    """The first local day that the study needs values of, and the day after the last."""
    return whole(study.windows.before[0], study.windows.after[1], study.every)


def list_times(study: PlacesStudy, span: Span, zone: ZoneInfo) -> list[date]:
    """The first local days of the times that the study uses, of those to come too."""
    found: list[date] = _use(_lay(study, study.treated, zone), study, span)["time"].unique().sort().to_list()
    return found


def fill_panel(
    rows: pl.DataFrame, seats: pl.DataFrame, marks: pl.DataFrame, study: PlacesStudy, span: Span, zone: ZoneInfo
) -> Filled:
    """The panel of `rows` (columns of `units.ROWS`) for the places of `seats`; what `marks` say is red is cut out."""
    grid = _use(_lay(study, study.treated, zone), study, span)
    other = _use(_lay(study, study.comparison, zone), study, span)
    firsts = grid["time"].unique().sort().to_list()
    places = pl.concat([seats.filter(pl.col("role") == role) for role in (TREATED, COMPARISON)])
    order = places["series"].to_list()
    local = _localise(rows, study.outcome, study.every, zone)
    sides = [places.filter(pl.col("role") == role)["series"].to_list() for role in (TREATED, COMPARISON)]
    filled = [_fill(local, one, firsts, side, study.outcome) for one, side in zip((grid, other), sides, strict=True)]
    cells = np.concatenate(filled)
    # A time at which nobody was seen is no time of any place, rather than a gap of each.
    usable = _seen(cells, firsts, study, np.asarray(~np.isnan(cells).all(axis=0)))
    reds = find_reds(marks, grid, places.filter(pl.Series(usable, dtype=pl.Boolean))["series"].to_list())
    _blank(cells, reds, order, firsts)
    times = np.asarray(~np.isnan(cells[usable]).all(axis=0))
    times = times & _spare_times(cells, usable, times, study)
    others = _surround(rows, seats, grid, firsts, study, zone)
    times = times & np.isfinite(others).all(axis=1)
    used = [day for day, kept in zip(firsts, times.tolist(), strict=True) if kept]
    kept = _seen(cells, firsts, study, times)
    chosen = places.filter(pl.Series(kept, dtype=pl.Boolean))
    return _finish(cells[kept][:, times], used, chosen, places.filter(pl.Series(~kept)), reds, others[times], study)


def _finish(
    cells: Floats,
    firsts: Sequence[date],
    seats: pl.DataFrame,
    left_out: pl.DataFrame,
    reds: Reds,
    surroundings: Floats,
    study: PlacesStudy,
) -> Filled:
    treated = (seats["role"] == TREATED).to_numpy()
    after = np.array([day >= study.windows.after[0] for day in firsts], dtype=bool)
    compared = study.comparison.none or not treated.all()
    enough = bool(treated.any() and compared and after.any() and not after.all())
    panel = (
        _make(cells, firsts, seats, np.column_stack([surroundings, _dummies(firsts, study)]), study) if enough else None
    )
    return Filled(panel, tuple(firsts), seats, left_out, reds)


def _make(
    cells: Floats, firsts: Sequence[date], seats: pl.DataFrame, surroundings: Floats, study: PlacesStudy
) -> Panel:
    outcomes = _straddle(cells, firsts, seats, study)
    units = _name(seats, firsts, study)[0]
    if study.unit == "time":
        roles = seats["role"].to_numpy()
        outcomes = np.array([_together(outcomes[roles == unit], study.outcome) for unit in units])
    if study.scale == "log":
        require_positive(outcomes, units, firsts)
        outcomes = np.log(outcomes)
    return make_panel(outcomes, firsts, seats, surroundings, study)


def make_panel(
    outcomes: Floats, firsts: Sequence[date], seats: pl.DataFrame, surroundings: Floats | None, study: PlacesStudy
) -> Panel:
    """The panel of `outcomes` on the study's scale, a row a unit of `seats` and a column for each of `firsts`."""
    units, first, clusters = _name(seats, firsts, study)
    return Panel(
        units=units,
        times=np.array([number(day, study.every) for day in firsts]),
        outcomes=outcomes,
        first=first,
        clusters=clusters,
        traits=np.empty((len(units), 0)),
        surroundings=np.empty((len(firsts), 0)) if surroundings is None else surroundings,
    )


def require_positive(outcomes: Floats, units: Sequence[str], firsts: Sequence[date]) -> None:
    """Raise `StudyError` where a ratio can't be formed: leaving such a time out would hide the strongest effects."""
    empty = np.argwhere(outcomes <= 0)
    if len(empty):
        row, column = empty[0]
        raise StudyError(
            f"{len(empty)} numbers are zero or less, the first of {units[row]} at {firsts[column]}; the scale 'log' "
            "needs more than zero: longer times, places put together, or the scale 'level' would do",
            where="study.scale",
        )


def _name(seats: pl.DataFrame, firsts: Sequence[date], study: PlacesStudy) -> tuple[tuple[str, ...], Floats, Indices]:
    """The units, the time from which each had the change, and their clusters."""
    if study.unit == "time":
        roles = [TREATED] if study.comparison.none else [TREATED, COMPARISON]
        begun = _begin(study.windows.after[0], firsts, study.every)
        return tuple(roles), np.array([begun, math.inf])[: len(roles)], np.arange(len(roles))
    first = np.array([math.inf if day is None else _begin(day, firsts, study.every) for day in seats["first"]])
    codes = {name: code for code, name in enumerate(sorted(set(seats["cluster"])))}
    return tuple(seats["place"]), first, np.array([codes[name] for name in seats["cluster"]], dtype=np.intp)


def _begin(day: date, firsts: Sequence[date], every: str) -> float:
    """The first of the times that begin on `day` or later."""
    return next((number(one, every) for one in firsts if one >= day), math.inf)


def _straddle(cells: Floats, firsts: Sequence[date], seats: pl.DataFrame, study: PlacesStudy) -> Floats:
    """`cells` without the times in which a place had the change for a part only."""
    left = cells.copy()
    for column, one in enumerate(firsts):
        part = [day is not None and one < day <= last_day(one, study.every) for day in seats["first"]]
        left[part, column] = np.nan
    return left


def _together(cells: Floats, outcome: Measure) -> Floats:
    """The number of all places together at each time; NaN where one has none."""
    if not len(cells):
        return np.full(cells.shape[1], np.nan)
    return np.asarray(cells.sum(axis=0) if outcome.over_places == "sum" else cells.mean(axis=0))


def _lay(study: PlacesStudy, group: Group, zone: ZoneInfo) -> pl.DataFrame:
    """Every value that a series of the group should have."""
    first, end = read_span(study)
    grid = lay_grid(group.quantity or study.outcome.quantity, midnight(first, zone), midnight(end, zone), zone)
    return _localise(grid, study.outcome, study.every, zone)


def _localise(frame: pl.DataFrame, outcome: Measure, every: str, zone: ZoneInfo) -> pl.DataFrame:
    """`frame` with its local day, time, and whether it is counted."""
    return frame.with_columns(
        local=local_day(zone),
        time=first_of(local_day(zone), every),
        counted=counted(outcome.hours, outcome.weekdays, zone),
    )


def _use(grid: pl.DataFrame, study: PlacesStudy, span: Span) -> pl.DataFrame:
    """The counted values of the times that are used."""
    days = grid.filter("counted").select("local", "time").unique()
    windows = (study.windows.before, study.windows.after)
    bad = [
        day
        for day in days["local"].unique()
        if excludes(study.exclude, day)
        or (span.ramp is not None and span.ramp[0] <= day <= span.ramp[1])
        or (span.until is not None and day >= span.until)
    ]
    good = pl.any_horizontal(pl.col("local").is_between(*window) for window in windows) & ~pl.col("local").is_in(bad)
    sides = pl.col("local") >= study.windows.after[0]
    times = days.group_by("time").agg(good=good.all() & (sides.all() | ~sides.any())).filter("good")
    return grid.filter("counted").join(times.select("time"), on="time")


def _fill(
    local: pl.DataFrame, grid: pl.DataFrame, firsts: Sequence[date], order: Sequence[int], outcome: Measure
) -> Floats:
    """The number of each series at each time; NaN where a value lacks."""
    held = local.filter(pl.col("series").is_in(order))
    inside = held.filter("counted").join(grid.select("time").unique(), on="time")
    found = inside.group_by("series", "time").agg(value=getattr(pl.col("value"), outcome.over_time)(), values=pl.len())
    expected = grid.group_by("time").agg(expected=pl.len())
    if outcome.absent == "zero":
        covered = grid.join(held.select("local").unique(), on="local").group_by("time").agg(covered=pl.len())
        whole_times = expected.join(covered, on="time").filter(pl.col("expected") == pl.col("covered")).select("time")
        every = pl.DataFrame({"series": order}, schema={"series": pl.Int64()}).join(whole_times, how="cross")
        found = every.join(found, on=["series", "time"], how="left").with_columns(pl.col("value").fill_null(0.0))
    else:
        found = found.join(expected, on="time").filter(pl.col("values") == pl.col("expected"))
    if outcome.zero_day_is_outage:
        totals = held.group_by("series", "local", "time").agg(pl.col("value").sum()).filter(pl.col("value") == 0)
        found = found.join(totals, on=["series", "time"], how="anti")
    return _spread(found, order, firsts)


def _spread(found: pl.DataFrame, series: Sequence[int], times: Sequence[date]) -> Floats:
    """`value` of `found` as a row for each of `series` and a column for each of `times`; NaN where there is none."""
    at = _locate(found, series, times)
    cells = np.full((len(series), len(times)), np.nan)
    cells[at["row"].to_numpy(), at["column"].to_numpy()] = at["value"].to_numpy()
    return cells


def _locate(found: pl.DataFrame, series: Sequence[int], times: Sequence[date]) -> pl.DataFrame:
    rows = pl.DataFrame({"series": series}, schema={"series": pl.Int64()}).with_row_index("row")
    columns = pl.DataFrame({"time": times}, schema={"time": pl.Date()}).with_row_index("column")
    return found.join(rows, on="series").join(columns, on="time")


def _seen(cells: Floats, firsts: Sequence[date], study: PlacesStudy, times: Flags) -> Flags:
    """Which rows have a number at enough of the `times` of each window."""
    after = np.array([day >= study.windows.after[0] for day in firsts], dtype=bool)
    seen = ~np.isnan(cells)
    kept = np.ones(len(cells), dtype=bool)
    for side in (after & times, ~after & times):
        if side.any():
            kept &= seen[:, side].mean(axis=1) >= study.least_seen
    return kept


def _blank(cells: Floats, reds: Reds, order: Sequence[int], firsts: Sequence[date]) -> None:
    at = _locate(reds.cells, order, firsts)
    cells[at["row"].to_numpy(), at["column"].to_numpy()] = np.nan


def _spare_times(cells: Floats, usable: Flags, times: Flags, study: PlacesStudy) -> Flags:
    """Which times stay where every place must be seen at every time: what is red goes by the time or by the place,
    whichever has more of it, so that a day on which one treated place was out of order doesn't take the place."""
    if study.least_seen < 1 or not usable.any():
        return np.ones(len(times), dtype=bool)
    bad = np.isnan(cells[usable]) & times
    return ~take_out(bad, *bad.shape)[1]


def _surround(
    rows: pl.DataFrame,
    seats: pl.DataFrame,
    grid: pl.DataFrame,
    firsts: Sequence[date],
    study: PlacesStudy,
    zone: ZoneInfo,
) -> Floats:
    """What moved all places, a row a time; NaN where a declared series has nothing."""
    order = seats.filter(pl.col("role") == SURROUNDING)["series"].to_list()
    local = _localise(rows.filter(pl.col("series").is_in(order)), study.outcome, study.every, zone)
    inside = local.join(grid.select("time").unique(), on="time")
    columns = [
        _spread(
            inside.filter(pl.col("series") == series)
            .group_by("series", "time")
            .agg(value=getattr(pl.col("value"), one.over_time)()),
            [series],
            firsts,
        )[0]
        for series, one in zip(order, study.surroundings, strict=True)
    ]
    return np.column_stack([np.empty((len(firsts), 0)), *columns])


def _dummies(firsts: Sequence[date], study: PlacesStudy) -> Floats:
    """A column for each weekday and month but the first, where declared."""
    calendars = {"weekday": [day.isoweekday() for day in firsts], "month": [day.month for day in firsts]}
    columns = [
        np.array([one == value for one in calendars[name]], dtype=float)
        for name in study.adjust_for
        for value in sorted(set(calendars[name]))[1:]
    ]
    return np.column_stack([np.empty((len(firsts), 0)), *columns])


def count_times(days: int, every: str) -> int:
    """How many times `days` reach back, at most."""
    shortest = {"day": 1, "week": 7, "month": 28, "year": 365}[every]
    return math.ceil(days / shortest)
