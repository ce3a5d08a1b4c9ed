"""Level: the values move to another level at once and stay there, while like series don't.

Each week's level y is the median of its values (of weeks with at least half of their values), as a logarithm where
all are positive. At each week D is the median of the `_WEEKS` weeks from it on less that of as many before it, weeks
without values skipped, and s the noise of one week (1.4826 MAD of the weekly changes / sqrt 2). It is a step where

- |D| is above 6 s, three times the median |D| of the series (its seasons make some), and ln 1.25 on the log scale;
- neither level is under 5 % of the other: what is switched on and off is no step;
- nine in ten of the weeks lie on their side of the middle between the two levels;
- it is sudden: the four weeks on either side differ by 0.7 |D|, and the weeks on one side by less among themselves;
- at most half as much in that direction happened to the other series of this quantity and facet (the median of their D
  in the weeks around, where there are others), so that a lockdown or a strike is no changed sensor.

A lockdown hides a step that it begins or ends with. So the same is done again without the weeks in which three or more
like series left their level together and came back: weeks where the median series is further from its own median of
the year around, in units of its noise, than 6 deviations (1.4826 MAD) of that median. What lasts longer than half a
year is the level, not an excursion.

The week of the greatest |D| is marked, amber, with the quarter after it that shows that the level stays. A step is no
proof of a changed sensor: the street may have changed. Assumes that seasons are gradual over a month.

Sources: Pettitt (1979) on change points; the comparison with neighbours is that of Alexandersson's standard normal
homogeneity test (1986), here by medians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from passerelle.trust.check import Check, FeedMark, FeedRecord, Floats, Light, Mark, Record, Times
from passerelle.trust.rhythm import DAY, TO_SIGMA, WEEK, measure_spacing, medians
from passerelle.trust.words import day, say, to_time, unit

_WEEKS = 13
_NEAR = 4
_DEVIATIONS = 6
_SEASONS = 3
_SMALLEST = float(np.log(1.25))
_SIDE = 0.9
_SUDDEN = 0.7
_SHARED = 0.5
_OFF = 0.05
_TOGETHER = 3
_YEAR = 53
_QUARTER = timedelta(weeks=_WEEKS)


@dataclass(frozen=True, slots=True)
class _Weeks:
    """A series by week: which weeks, their medians, their level, and the difference D at each (0 at the ends)."""

    record: Record
    week: Times
    median: Floats
    level: Floats
    difference: Floats
    noise: float


def judge_feed(feed: FeedRecord) -> list[FeedMark]:
    """An amber mark over the quarter after each step that the feed's like series didn't make."""
    groups: dict[tuple[str, str], list[_Weeks]] = {}
    for record in feed.records:
        if (weeks := _measure(record)) is not None:
            groups.setdefault((record.series.quantity, record.series.facet), []).append(weeks)
    return [mark for group in groups.values() for mark in _judge(group)]


def _judge(group: Sequence[_Weeks]) -> list[FeedMark]:
    """The steps in all weeks, and those that only show where common excursions are left out."""
    found: list[FeedMark] = []
    for weeks in (group, _leave_out(group, _find_excursions(group))):
        for index, one in enumerate(weeks):
            near = [mark.mark.start for mark in found if mark.series == (one.record.series.number,)]
            marks = [_mark(one, step) for step in _find_steps(one) if not _is_shared(one, step, _others(weeks, index))]
            new = [mark for mark in marks if all(abs(mark.start - start) >= _QUARTER for start in near)]
            found += [FeedMark(mark, (one.record.series.number,)) for mark in new]
    return found


def _measure(record: Record) -> _Weeks | None:
    spacing = measure_spacing(record.start)
    if spacing is None or spacing.usual > DAY + DAY // 10:
        return None
    number, bins, count = np.unique(record.start // WEEK, return_inverse=True, return_counts=True)
    full = count >= 0.5 * WEEK / spacing.usual
    return _weigh(record, number[full], medians(record.value, bins, len(number))[full])


def _weigh(record: Record, week: Times, median: Floats) -> _Weeks | None:
    """The weeks with their differences, or None of fewer than two quarters."""
    if len(week) < 2 * _WEEKS:
        return None
    level = np.log(median) if (median > 0).all() else median
    noise = TO_SIGMA * float(np.median(np.abs(np.diff(level)))) / np.sqrt(2)
    windows = np.median(np.lib.stride_tricks.sliding_window_view(level, _WEEKS), axis=1)
    difference = np.zeros(len(level))
    difference[_WEEKS : len(level) - _WEEKS + 1] = windows[_WEEKS:] - windows[:-_WEEKS]
    return _Weeks(record, week, median, level, difference, noise)


def _leave_out(group: Sequence[_Weeks], out: Times) -> list[_Weeks]:
    """The series without these weeks; none where there are none, and none that is too short then."""
    kept = [(one, ~np.isin(one.week, out)) for one in group if len(out)]
    again = [_weigh(one.record, one.week[of], one.median[of]) for one, of in kept]
    return [one for one in again if one is not None]


def _find_excursions(group: Sequence[_Weeks]) -> Times:
    """The weeks in which the series are together far from their level of the year around."""
    weeks = np.unique(np.concatenate([one.week for one in group]))
    away = np.full((len(group), len(weeks)), np.nan)
    for row, one in zip(away, group, strict=True):
        if one.noise > 0:
            usual = pl.Series(one.level).rolling_median(_YEAR, center=True, min_samples=1).to_numpy()
            row[np.searchsorted(weeks, one.week)] = (one.level - usual) / one.noise
    enough = np.isfinite(away).sum(axis=0) >= _TOGETHER
    if not enough.any():
        return np.empty(0, np.int64)
    size = np.abs(np.nanmedian(away[:, enough], axis=0))
    out: Times = weeks[enough][size > _DEVIATIONS * TO_SIGMA * np.median(size)]
    return out


def _find_steps(weeks: _Weeks) -> list[int]:
    """The first week of each new level."""
    size = np.abs(weeks.difference)
    inside = size[_WEEKS : len(size) - _WEEKS + 1]
    limit = max(_DEVIATIONS * weeks.noise, _SEASONS * float(np.median(inside)))
    if (weeks.median > 0).all():
        limit = max(limit, _SMALLEST)
    found: list[int] = []
    for step in np.argsort(-size, kind="stable"):
        if size[step] <= limit:
            break
        if all(abs(step - other) >= _WEEKS for other in found) and _is_sudden(weeks, int(step)):
            found.append(int(step))
    return sorted(found)


def _is_sudden(weeks: _Weeks, step: int) -> bool:
    before, after = weeks.level[step - _WEEKS : step], weeks.level[step : step + _WEEKS]
    size = weeks.difference[step]
    up = np.sign(size)
    levels = sorted(abs(float(np.median(weeks.median[side]))) for side in _sides(step))
    if levels[0] <= _OFF * levels[1]:
        return False
    middle = (np.median(before) + np.median(after)) / 2
    sides = min(float((up * (after - middle) > 0).mean()), float((up * (before - middle) < 0).mean()))
    near = np.median(after[:_NEAR]) - np.median(before[-_NEAR:])
    drift = max(abs(np.median(side[:_NEAR]) - np.median(side[-_NEAR:])) for side in (before, after))
    return bool(sides >= _SIDE and up * near >= _SUDDEN * abs(size) and drift < _SUDDEN * abs(near))


def _others(group: Sequence[_Weeks], index: int) -> list[_Weeks]:
    return [*group[:index], *group[index + 1 :]]


def _is_shared(weeks: _Weeks, step: int, others: Sequence[_Weeks]) -> bool:
    """Whether the other series moved at least half as much the same way, at any of the weeks around."""
    size = weeks.difference[step]
    first, last = weeks.week[step - 1] - _NEAR, weeks.week[step] + _NEAR
    moved = []
    for other in others:
        around = other.difference[slice(*np.searchsorted(other.week, (first, last + 1)))]
        if len(around) and around.any():
            moved.append(float((np.sign(size) * around).max()))
    return bool(moved) and float(np.median(moved)) >= _SHARED * abs(size)


def _mark(weeks: _Weeks, step: int) -> Mark:
    record = weeks.record
    start = _begin(record.start, int(weeks.week[step]))
    end = int(weeks.week[min(step + _WEEKS, len(weeks.week)) - 1] + 1) * WEEK
    before, after = (float(np.median(weeks.median[side])) for side in _sides(step))
    reason = say(
        "From the week of {start} on the values stay at another level: {after}{unit} where they were {before}, and "
        "like series did not move so. A changed sensor, or a changed place.",
        "À partir de la semaine du {start} les valeurs restent à un autre niveau : {after}{unit} au lieu de {before}, "
        "alors que les séries semblables n'ont pas bougé ainsi. Capteur changé, ou lieu changé.",
        start=day(start, record.zone),
        before=before,
        after=after,
        unit=unit(record.quantity),
    )
    nearby = range(max(step - _NEAR, 0), min(step + _NEAR, len(weeks.week)))
    evidence = {
        "level_before": before,
        "level_after": after,
        "weekly_medians": [
            {"week_of": to_time(int(weeks.week[i]) * WEEK).isoformat(), "median": float(weeks.median[i])}
            for i in nearby
        ],
        "step_in_noise": float(abs(weeks.difference[step]) / weeks.noise) if weeks.noise > 0 else None,
    }
    return Mark(to_time(start), to_time(max(end, start + DAY)), Light.AMBER, reason, evidence)


def _begin(start: Times, week: int) -> int:
    return int(start[np.searchsorted(start, week * WEEK)])


def _sides(step: int) -> tuple[slice, slice]:
    return slice(step - _WEEKS, step), slice(step, step + _WEEKS)


CHECK = Check(
    name="level",
    title={"en": "Level steps", "fr": "Sauts de niveau"},
    meaning={
        "en": "From one week to the next the values move to another level and stay there for a quarter, while like "
        "series of the feed don't: a sensor was changed or moved, or the place was.",
        "fr": "D'une semaine à l'autre les valeurs passent à un autre niveau et y restent un trimestre, alors que les "
        "séries semblables de la source ne bougent pas : un capteur a été changé ou déplacé, ou le lieu a changé.",
    },
    judge_feed=judge_feed,
)
