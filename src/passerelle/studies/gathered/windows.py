"""Which units are compared: the study's own windows, and the same windows moved to dates without the change."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from passerelle.lab.paired import Paired, paired
from passerelle.lab.panel import Flags, Floats
from passerelle.studies.declared.parts import PartsStudy
from passerelle.studies.declared.terms import Days
from passerelle.studies.gathered.units import COMPARISON, TREATED, Units

_EPOCH = date(1970, 1, 1)
_FEWEST_SHARE = 0.8
"""A placebo window needs this share of the real one's units."""

Window = tuple[NDArray[np.intp], Flags]
"""Rows of the history, and which of them come after the (placebo) date."""


def pair(units: Units, study: PartsStudy) -> Paired:
    """All usable units as logarithms, so that effects are ratios; `after` is the study's change."""
    frame = units.frame
    days = frame["day"]
    return paired(
        times=np.array([(day - _EPOCH).days for day in days], dtype=float),
        treated=np.log(frame[TREATED].to_numpy()),
        comparison=np.log(frame[COMPARISON].to_numpy()),
        after=(days >= study.windows.after[0]).to_numpy(),
        covariates=_dummies(days, study),
    )


def _dummies(days: pl.Series, study: PartsStudy) -> Floats:
    weekdays = days.dt.weekday().to_numpy()
    wanted = study.treated.weekdays[1:] if "weekday" in study.adjust_for else ()
    return np.column_stack([np.empty((len(days), 0)), *((weekdays == one).astype(float) for one in wanted)])


def select_windows(history: Paired, study: PartsStudy) -> Window:
    """The units of the study's own windows."""
    return _between(history, study.windows.before, study.windows.after)


def place_placebos(history: Paired, study: PartsStudy) -> list[Window]:
    """The windows at each placebo date, by date; none overlaps the time after the change."""
    after = select_windows(history, study)[1]
    sizes = int((~after).sum()), int(after.sum())
    if study.placebo.scheme == "consecutive":
        rows = np.flatnonzero(_inside(history, study.placebo.span))
        flags = np.arange(sum(sizes)) >= sizes[0]
        return [(rows[at : at + sum(sizes)], flags) for at in range(len(rows) - sum(sizes) + 1)]
    found = []
    before, later = study.windows.before, study.windows.after
    for _ in range(520):  # ten years of weeks; the span ends it sooner
        before, later = _a_week_earlier(before), _a_week_earlier(later)
        if before[0] < study.placebo.span[0]:
            break
        rows, flags = _between(history, before, later)
        enough = all(
            count >= _FEWEST_SHARE * size for count, size in zip((sum(~flags), sum(flags)), sizes, strict=True)
        )
        if later[1] <= study.placebo.span[1] and enough:
            found.append((rows, flags))
    return found[::-1]


def count_separate(placebos: list[Window]) -> int:
    """How many of the placebo windows, taken in order, share no unit with one taken before."""
    count, taken = 0, set[int]()
    for rows, _ in placebos:
        if taken.isdisjoint(rows.tolist()):
            count, taken = count + 1, taken.union(rows.tolist())
    return count


def _between(history: Paired, before: Days, after: Days) -> Window:
    first, second = _inside(history, before), _inside(history, after)
    rows = np.flatnonzero(first | second)
    return rows, second[rows]


def _inside(history: Paired, days: Days) -> Flags:
    low, high = ((day - _EPOCH).days for day in days)
    return np.asarray((history.times >= low) & (history.times <= high))


def _a_week_earlier(days: Days) -> Days:
    return days[0] - timedelta(weeks=1), days[1] - timedelta(weeks=1)
