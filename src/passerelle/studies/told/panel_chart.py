"""The chart of a finding on places or episodes: what was, beside what would have been without the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np

from passerelle.lab.analysis import Analysis
from passerelle.lab.panel import Flags, Floats
from passerelle.studies.declared.episodes import EpisodesStudy
from passerelle.studies.declared.places import PlacesStudy
from passerelle.studies.gathered.calendar import number
from passerelle.studies.gathered.panels import Filled
from passerelle.studies.gathered.spells import Spelled
from passerelle.studies.told.sentence import get_effect_unit
from passerelle.studies.told.told import list_finite, unlog

Chart = dict[str, Any]


def draw_places(study: PlacesStudy, filled: Filled, analysis: Analysis | None, change_on: str) -> Chart:
    """The mean of the treated units and of the comparison's at each time (geometric on the scale `log`)."""
    chart = _frame(study, change_on)
    windows = {"before": study.windows.before, "after": study.windows.after}
    chart["windows"] = {name: [day.isoformat() for day in days] for name, days in windows.items()}
    if analysis is None:
        return chart | {"times": [day.isoformat() for day in filled.firsts]} | _absent(len(filled.firsts))
    panel, path, unit = analysis.panel, analysis.result.path, get_effect_unit(study)
    labels = {number(day, study.every): day.isoformat() for day in filled.firsts}
    treated = panel.treated
    expected, low, high = (np.full(len(panel.times), np.nan) for _ in range(3))
    observed = average(panel.outcomes[treated])
    if path is not None:
        at = np.searchsorted(panel.times, path.times)
        after = path.times >= panel.starts[0]
        for whole, part in ((expected, path.expected), (low, path.low), (high, path.high)):
            whole[at[after]] = part[after]
        observed[at] = path.observed
    return chart | {
        "times": [labels[time] for time in panel.times],
        "treated": list_finite(unlog(observed, unit)),
        "comparison": list_finite(unlog(average(panel.outcomes[~treated], panel.outcomes.shape[1]), unit)),
        "counterfactual": list_finite(unlog(expected, unit)),
        "counterfactual_low": list_finite(unlog(low, unit)),
        "counterfactual_high": list_finite(unlog(high, unit)),
    }


def draw_episodes(study: EpisodesStudy, spelled: Spelled, analysis: Analysis | None, change_on: str) -> Chart:
    """The days of episodes, each with what the same weekdays around it say, and the days around."""
    chart = _frame(study, change_on)
    around = timedelta(days=study.comparison.days)
    first, last = study.treated.episodes[0][0] - around, study.treated.episodes[-1][1] + around
    chart["windows"] = {"around": [first.isoformat(), last.isoformat()]}
    values, unit = dict(spelled.days.iter_rows()), get_effect_unit(study)
    within = {day: beside for _, days, beside in spelled.pairs for day in days}
    days = sorted(within.keys() | {day for _, _, beside in spelled.pairs for day in beside})
    if analysis is None:
        return chart | {"times": [day.isoformat() for day in days]} | _absent(len(days))
    result = analysis.result
    expected = np.array(
        [
            np.mean([values[one] for one in within[day] if one.isoweekday() == day.isoweekday()])
            if day in within
            else np.nan
            for day in days
        ]
    )
    both = np.array([values[day] for day in days])
    inside = np.array([day in within for day in days])
    return chart | {
        "times": [day.isoformat() for day in days],
        "treated": _keep(unlog(both, unit), inside),
        "comparison": _keep(unlog(both, unit), ~inside),
        "counterfactual": list_finite(unlog(expected, unit)),
        "counterfactual_low": list_finite(unlog(expected + result.effect - result.interval[1], unit)),
        "counterfactual_high": list_finite(unlog(expected + result.effect - result.interval[0], unit)),
    }


def average(rows: Floats, width: int = 0) -> Floats:
    """The mean of the rows at each column, of those that have a number; NaN where none has."""
    if not len(rows):
        return np.full(width, np.nan)
    count = (~np.isnan(rows)).sum(axis=0)
    mean: Floats = np.divide(np.nansum(rows, axis=0), count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def _keep(values: Floats, kept: Flags) -> list[float | None]:
    return list_finite(np.where(kept, values, np.nan))


def _frame(study: PlacesStudy | EpisodesStudy, change_on: str) -> Chart:
    sides: Mapping[str, Any] = {"treated": study.treated, "comparison": study.comparison}
    return {
        "unit": study.outcome.title.both,
        "change_at": change_on,
        "every": study.every if isinstance(study, PlacesStudy) else "day",
        "labels": {name: side.label.both for name, side in sides.items()},
    }


def _absent(count: int) -> Chart:
    names = ("treated", "comparison", "counterfactual", "counterfactual_low", "counterfactual_high")
    return {name: [None] * count for name in names}
