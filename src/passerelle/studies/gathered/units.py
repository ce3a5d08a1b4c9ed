"""From observations to one number for each group and unit of time.

A *unit* is a local day or ISO week. Its two numbers are sums, over a fixed set of series, of the hours and weekdays
declared for each group. A unit is usable where no declared exclusion touches it, every series of the set has
every observation of both groups, and trust has not cut it out (`cut.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from passerelle.model.errors import NothingLeftError, StudyError
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.declared.terms import Days
from passerelle.studies.gathered.calendar import lay_grid, midnight
from passerelle.studies.gathered.cut import Cut, find_cut

ROWS: dict[str, pl.DataType] = {"series": pl.Int64(), "start": pl.Datetime("us", "UTC"), "value": pl.Float64()}
"""The columns of the rows a study reads."""

TREATED, COMPARISON = "treated", "comparison"


@dataclass(frozen=True, slots=True)
class Units:
    """The usable units, ascending: `frame` has `day` (the last treated local day), `treated` and `comparison`.

    `series` are the numbers of the series that were summed, `incomplete` those left out, for gaps or because they are
    red; `cut` is what trust took out, None where nobody asked it.
    """

    frame: pl.DataFrame
    series: tuple[int, ...]
    incomplete: tuple[int, ...]
    cut: Cut | None = None

    @property
    def days(self) -> list[date]:
        """The local day each unit stands at."""
        return self.frame["day"].to_list()


def read_span(study: PartsStudy, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The UTC times that hold all the days a study needs: windows, placebo dates and the rest of their weeks."""
    first = min(study.windows.before[0], study.placebo.span[0]) - timedelta(days=6)
    last = max(study.windows.after[1], study.placebo.span[1]) + timedelta(days=7)
    return midnight(first, zone), midnight(last, zone)


def read_windows(study: PartsStudy, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The UTC times of the study's window before and window after."""
    days = (study.windows.before, study.windows.after)
    return [(midnight(first, zone), midnight(last + timedelta(days=1), zone)) for first, last in days]


def within(days: Days) -> pl.Expr:
    """Whether the column `day` lies in `days`, both ends included."""
    return pl.col("day").is_between(*days)


def count_units(rows: pl.DataFrame, study: PartsStudy, zone: ZoneInfo, marks: pl.DataFrame | None = None) -> Units:
    """The usable units of the series complete in windows and placebo span.

    `rows` has the columns of `ROWS`, `marks` those of `cut.MARKS`.
    """
    local = _localise(rows, study, zone)
    grid = _lay_grid(study, zone)
    used = _expect(grid, study).filter(
        within(study.windows.before) | within(study.windows.after) | within(study.placebo.span)
    )
    chosen = _choose(local, used, study)
    cut = None
    if marks is not None:
        cut = _find_cut(marks, grid, used, chosen or local["series"].unique().sort().to_list(), study)
        used = used.filter(~pl.col("unit").is_in(cut.units.implode()))
        left = _choose(local, used, study) if cut.units.len() else chosen
        chosen = sorted({*left}.intersection(chosen or left).difference(cut.series))
    if not chosen:
        told = f"no series of {study.outcome.feed} is complete on the study's days"
        raise NothingLeftError(told, where="windows", left=cut)
    frame = _sum(local, used, chosen)
    _require_counts(frame)
    everyone = set(rows["series"].unique().to_list())
    return Units(
        frame=frame.select("day", TREATED, COMPARISON).sort("day"),
        series=tuple(chosen),
        incomplete=tuple(sorted(everyone.difference(chosen))),
        cut=cut,
    )


def _sum(local: pl.DataFrame, used: pl.DataFrame, chosen: Sequence[int]) -> pl.DataFrame:
    """The units in which every chosen series has every row, with the sums of both groups."""
    sums = (
        local.filter(pl.col("series").is_in(chosen))
        .group_by("unit", "role", maintain_order=True)
        .agg(pl.col("value").sum(), pl.len())
    )
    frame = used
    for role in (TREATED, COMPARISON):
        columns = {role: "value", f"{role}_found": "len"}
        frame = frame.join(sums.filter(pl.col("role") == role).select("unit", **columns), on="unit")
        frame = frame.filter(pl.col(f"{role}_found") == pl.col(f"{role}_rows") * len(chosen))
    return frame


def _find_cut(
    marks: pl.DataFrame, grid: pl.DataFrame, used: pl.DataFrame, series: Sequence[int], study: PartsStudy
) -> Cut:
    inside = within(study.windows.before) | within(study.windows.after)
    cells = grid.filter(pl.col("role").is_not_null()).join(used.select("unit", "day"), on="unit")
    return find_cut(marks, cells.select("start", "stop", "unit", inside=inside), series)


def _require_counts(frame: pl.DataFrame) -> None:
    """Leaving out a day because nobody came would hide the strongest effect there is."""
    empty = frame.filter((pl.col(TREATED) <= 0) | (pl.col(COMPARISON) <= 0)).sort("day")
    if empty.height:
        raise StudyError(
            f"{empty.height} units have nothing in a group, the first at {empty['day'][0]}; a ratio needs something",
            where="study.outcome",
        )


def _localise(rows: pl.DataFrame, study: PartsStudy, zone: ZoneInfo) -> pl.DataFrame:
    """`rows` with local day, unit, and the group each belongs to (null for neither)."""
    clock = pl.col("start").dt.convert_time_zone(zone.key)
    role = pl.lit(None, pl.String)
    for name, part in ((COMPARISON, study.comparison), (TREATED, study.treated)):
        first, last = part.hours
        inside = clock.dt.weekday().is_in(part.weekdays) & (clock.dt.hour() >= first) & (clock.dt.hour() < last)
        role = pl.when(inside).then(pl.lit(name)).otherwise(role)
    return rows.with_columns(
        local=clock.dt.date(), unit=clock.dt.date().dt.truncate("1d" if study.unit == "day" else "1w"), role=role
    )


def _lay_grid(study: PartsStudy, zone: ZoneInfo) -> pl.DataFrame:
    """Every value that a series should have, from `start` to `stop`, with its local day, unit and group."""
    frame = lay_grid(study.outcome.quantity, *read_span(study, zone), zone)
    return _localise(frame, study, zone)


def _expect(grid: pl.DataFrame, study: PartsStudy) -> pl.DataFrame:
    """The units no exclusion touches: `unit`, `day`, and how many rows a series has in each group."""
    excluded = [day for day in grid["local"].unique() if study.excludes(day)]
    return (
        grid.filter(pl.col("role").is_not_null())
        .group_by("unit")
        .agg(
            day=pl.col("local").filter(pl.col("role") == TREATED).max(),
            touched=pl.col("local").is_in(excluded).any(),
            treated_rows=(pl.col("role") == TREATED).sum(),
            comparison_rows=(pl.col("role") == COMPARISON).sum(),
        )
        .filter(~pl.col("touched") & (pl.col("treated_rows") > 0) & (pl.col("comparison_rows") > 0))
        .sort("unit")
    )


def _choose(local: pl.DataFrame, used: pl.DataFrame, study: PartsStudy) -> Sequence[int]:
    """Series with every row of the units used and, where zeros stand for outages, no local day of zeros."""
    inside = local.join(used, on="unit", how="semi")
    found = inside.filter(pl.col("role").is_not_null()).group_by("series").agg(pl.len())
    expected = used.select(pl.col("treated_rows").sum() + pl.col("comparison_rows").sum()).item()
    full = found.filter(pl.col("len") == expected)
    chosen = set(full["series"].to_list())
    if study.outcome.zero_day_is_outage:
        totals = inside.group_by("series", "local").agg(pl.col("value").sum())
        chosen -= set(totals.filter(pl.col("value") == 0)["series"].to_list())
    return sorted(chosen)
