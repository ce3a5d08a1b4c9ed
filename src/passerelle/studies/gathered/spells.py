"""From observations to one number for each episode and one for the days around it, all places together.

The number of an episode is the mean over its days; that of its surroundings is, for each of these days, the mean over
the days of the same weekday around, averaged over the episode's days: both hold the same weekdays in the same shares. A
day is used where every place has every value of it, no exclusion touches it, and nothing of it is marked red.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from passerelle.lab.panel import Floats, Panel, panel
from passerelle.model.errors import StudyError
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.terms import Days, excludes
from passerelle.studies.gathered.calendar import counted, lay_grid, local_day, midnight
from passerelle.studies.gathered.cut import Cut, find_cut

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Spelled:
    """The episodes as a panel of two times, around (0) and within (1); None where fewer than two are left.

    `days` are all the days used, with `value` on the study's scale; `pairs` say for each episode used which days lie
    within and around. `places` were counted, `left_out` lack values; `placebos` are the same numbers for the episodes
    moved, with the first day each was moved to.
    """

    panel: Panel | None
    days: pl.DataFrame
    pairs: tuple[tuple[Days, tuple[date, ...], tuple[date, ...]], ...]
    places: tuple[int, ...]
    left_out: tuple[int, ...]
    cut: Cut
    placebos: tuple[tuple[date, Floats], ...]


def read_span(study: EpisodesStudy) -> Days:
    """The first local day the study needs values of, and the day after the last."""
    around = timedelta(days=study.comparison.days)
    first, last = study.treated.episodes[0][0] - around, study.treated.episodes[-1][1] + around
    if study.placebo is not None:
        first, last = min(first, study.placebo.span[0]), max(last, study.placebo.span[1])
    return first, last + timedelta(days=1)


def spell(
    rows: pl.DataFrame,
    marks: pl.DataFrame,
    study: EpisodesStudy,
    zone: ZoneInfo,
    until: date | None = None,
) -> Spelled:
    """The episodes of `rows` (columns of `units.ROWS`), all of whose series are counted together."""
    grid = _lay(study, zone, until)
    held = _localise(rows, study, zone).join(grid.select("local").unique(), on="local")
    series = _choose(held, grid, study)
    cut = find_cut(marks, grid.with_columns(unit=pl.col("local"), inside=pl.lit(value=True)), series)
    kept = [one for one in series if one not in cut.series]
    days = _sum(held.filter(pl.col("series").is_in(kept)), grid, len(kept), study).filter(
        ~pl.col("day").is_in(cut.units.implode())
    )
    everyone = rows["series"].unique().sort().to_list()
    return spell_days(days, kept, [one for one in everyone if one not in kept], cut, study)


def spell_days(
    days: pl.DataFrame, places: Sequence[int], left_out: Sequence[int], cut: Cut, study: EpisodesStudy
) -> Spelled:
    """The episodes of `days` (`day` and `value`, on the study's scale)."""
    values = dict(days.iter_rows())
    pairs = _pair(values, study.treated.episodes, study, set())
    return Spelled(
        panel=_make(values, pairs) if len(pairs) > 1 else None,
        days=days,
        pairs=tuple(pairs),
        places=tuple(places),
        left_out=tuple(left_out),
        cut=cut,
        placebos=tuple(_move(values, len(pairs), study)),
    )


def differences(
    values: Mapping[date, float], pairs: Sequence[tuple[Days, tuple[date, ...], tuple[date, ...]]]
) -> Floats:
    """The two numbers of each episode: around, and within."""
    return np.array([[_around(values, within, around), _mean(values, within)] for _, within, around in pairs])


def _make(values: Mapping[date, float], pairs: Sequence[tuple[Days, tuple[date, ...], tuple[date, ...]]]) -> Panel:
    units = tuple(f"{first.isoformat()}/{last.isoformat()}" for (first, last), _, _ in pairs)
    return panel(units, np.array([0.0, 1.0]), differences(values, pairs), np.ones(len(units)))


def _pair(
    values: Mapping[date, float], episodes: Sequence[Days], study: EpisodesStudy, never: set[date]
) -> list[tuple[Days, tuple[date, ...], tuple[date, ...]]]:
    """Each episode with its days and those of the same weekdays around; one of which a day lacks either is left out."""
    apart = timedelta(days=study.comparison.apart)
    taken = {day for first, last in episodes for day in _list_days(first - apart, last + apart)} | never
    found = []
    for first, last in episodes:
        within = [day for day in _list_days(first, last) if day.isoweekday() in study.outcome.weekdays]
        reach = timedelta(days=study.comparison.days)
        free = [day for day in _list_days(first - reach, last + reach) if day in values and day not in taken]
        weekdays = {day.isoweekday() for day in within}
        around = [day for day in free if day.isoweekday() in weekdays]
        if within and all(day in values for day in within) and weekdays == {day.isoweekday() for day in around}:
            found.append(((first, last), tuple(within), tuple(around)))
    return found


def _move(values: Mapping[date, float], count: int, study: EpisodesStudy) -> list[tuple[date, Floats]]:
    """The episodes a week earlier each time, then a week later, where all lie in the span and as many can be used."""
    if study.placebo is None:
        return []
    real = {day for first, last in study.treated.episodes for day in _list_days(first, last)}
    first, last = study.treated.episodes[0][0], study.treated.episodes[-1][1]
    weeks = [*range(-((first - study.placebo.span[0]) // _WEEK), (study.placebo.span[1] - last) // _WEEK + 1)]
    found = []
    for week in weeks:
        moved = [(one + week * _WEEK, other + week * _WEEK) for one, other in study.treated.episodes]
        if not (study.placebo.span[0] <= moved[0][0] and moved[-1][1] <= study.placebo.span[1]):
            continue
        if any(day in real for one, other in moved for day in _list_days(one, other)):
            continue
        pairs = _pair(values, moved, study, real)
        if len(pairs) >= count > 0:
            found.append((moved[0][0], differences(values, pairs)))
    return found


def _mean(values: Mapping[date, float], days: Sequence[date]) -> float:
    return float(np.mean([values[day] for day in days]))


def _around(values: Mapping[date, float], within: Sequence[date], around: Sequence[date]) -> float:
    same = [[values[one] for one in around if one.isoweekday() == day.isoweekday()] for day in within]
    return float(np.mean([np.mean(one) for one in same]))


def _list_days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=at) for at in range((last - first).days + 1)]


def _lay(study: EpisodesStudy, zone: ZoneInfo, until: date | None) -> pl.DataFrame:
    """Every value of the days that may be used."""
    first, end = read_span(study)
    grid = lay_grid(study.outcome.quantity, midnight(first, zone), midnight(end, zone), zone)
    days = pl.DataFrame({"local": [day for day in _list_days(first, end - timedelta(days=1)) if _usable(day, study)]})
    if until is not None:
        days = days.filter(pl.col("local") < until)
    return _localise(grid, study, zone).join(days, on="local")


def _usable(day: date, study: EpisodesStudy) -> bool:
    around, span = timedelta(days=study.comparison.days), None if study.placebo is None else study.placebo.span
    first, last = study.treated.episodes[0][0] - around, study.treated.episodes[-1][1] + around
    near = first <= day <= last or (span is not None and span[0] <= day <= span[1])
    return near and not excludes(study.exclude, day)


def _localise(frame: pl.DataFrame, study: EpisodesStudy, zone: ZoneInfo) -> pl.DataFrame:
    return frame.filter(counted(study.outcome.hours, study.outcome.weekdays, zone)).with_columns(local=local_day(zone))


def _choose(held: pl.DataFrame, grid: pl.DataFrame, study: EpisodesStudy) -> list[int]:
    """The series with every value of the days on which any has one."""
    if study.outcome.absent == "zero":
        return held["series"].unique().sort().to_list()
    days = held["local"].unique()
    expected = grid.filter(pl.col("local").is_in(days.implode())).height
    counts = held.group_by("series").agg(pl.len())
    chosen = set(counts.filter(pl.col("len") == expected)["series"].to_list())
    if study.outcome.zero_day_is_outage:
        totals = held.group_by("series", "local").agg(pl.col("value").sum())
        chosen -= set(totals.filter(pl.col("value") == 0)["series"].to_list())
    return sorted(chosen)


def _sum(held: pl.DataFrame, grid: pl.DataFrame, count: int, study: EpisodesStudy) -> pl.DataFrame:
    """`day` and `value`: the number of all places together on the study's scale, for the days that lack nothing."""
    outcome = study.outcome
    placed = held.group_by("series", "local").agg(value=getattr(pl.col("value"), outcome.over_time)(), values=pl.len())
    expected = grid.group_by("local").agg(expected=pl.len())
    found = placed.join(expected, on="local")
    if outcome.absent == "gap":
        found = found.filter(pl.col("values") == pl.col("expected"))
    days = found.group_by("local").agg(pl.col("value").sum(), pl.len())
    if outcome.absent == "gap":
        days = days.filter(pl.col("len") == count)
    days = days.select(day="local", value="value" if outcome.over_places == "sum" else pl.col("value") / count)
    empty = days.filter(pl.col("value") <= 0).sort("day")
    if study.scale == "log" and empty.height:
        raise StudyError(
            f"{empty.height} days have nothing, the first {empty['day'][0]}; a ratio needs something",
            where="study.scale",
        )
    value = pl.col("value").log() if study.scale == "log" else pl.col("value")
    return days.with_columns(value=value).sort("day")
