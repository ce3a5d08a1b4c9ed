"""Difference in differences of units of which some had a change, all of them from the same time.

Estimand: the mean effect on the treated units over the times from the change on. Each unit gives one number, its mean
after the change less its mean before; the effect is the treated units' mean number less the comparison units', traits
taken out by least squares. Where cells are absent, unit and time effects are taken out of what was seen first, and the
effect is divided by what this leaves of the change itself.

Assumptions: without the change the treated would have changed as the comparison did (`parallel_units`), which the
change left alone (`no_spillover`); with few treated also `alike_units` or `short_memory`.

Inference: a unit's number is one, however many times it was seen, so that dependence in time costs nothing. The counts
of clusters alone decide (`_inference`): `clusters` with `MANY` on both sides, `wild` with `FEW`; with fewer, `exchange`
where there are enough choices of as many clusters for a p value of 1 - level; else `blocks` of the difference of the
two sides' means over time (Ibragimov and Müller, see `did_blocks`), where there are `FEWEST_TIMES` before and after;
else `exchange` again, whose interval then has no ends.

Reference: Bertrand, Duflo and Mullainathan (2004), doi:10.1162/003355304772839588, on why one number a unit.
"""

from __future__ import annotations

import math

import numpy as np

from passerelle.lab.estimators import did_blocks
from passerelle.lab.inference.contrast import Contrast, Interval, cluster_t, wild
from passerelle.lab.inference.exchange import exchange_sides
from passerelle.lab.inference.spread import is_nothing
from passerelle.lab.inference.two_way import take_out
from passerelle.lab.paired import paired
from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Path, Result
from passerelle.model.errors import StudyError

METHOD = "did"
ASSUMPTIONS = ("parallel_units", "no_spillover")

MANY = 10
"""Clusters on a side from which the t statistic is near its level for skewed outcomes too (bench/lab_did.md)."""

FEW = 5
"""Clusters on a side below which the wild bootstrap rejects far too rarely or too often (MacKinnon and Webb 2017,
doi:10.1002/jae.2508)."""

FEWEST_TIMES = 12
"""Times on each side for block means: as in `checks/too_few_units.py`."""


def estimate_did(panel: Panel, question: Question) -> Result:
    """The effect on the treated units with its interval; no checks run yet."""
    if len(panel.starts) != 1:
        raise StudyError(
            f"the change began at {len(panel.starts)} times; difference in differences needs one, and cs takes several",
            where="method",
        )
    if panel.treated.all():
        raise StudyError("every unit had the change, so that there is nothing to compare with", where="treated")
    panel = _without_anticipation(panel, question.anticipation)
    data, used = _collapse(panel)
    inference = _inference(data, panel, question.level)
    effect = data.effect
    found = _interval(inference, data, used, question).around(effect)
    extra = {"exchange": ("alike_units",), "blocks": ("short_memory",)}.get(inference, ())
    return Result(
        effect=effect,
        se=found.se,
        interval=found.ends,
        level=question.level,
        p_value=found.p_value,
        n_units=len(used.units),
        n_times=len(panel.times),
        n_treated=int(used.treated.sum()),
        method=METHOD,
        assumptions=(*ASSUMPTIONS, *extra),
        inference=inference,
        smallest_p=found.smallest_p,
        path=_path(used),
    )


def _without_anticipation(panel: Panel, times: int) -> Panel:
    """The panel without the last times before the change, in which units may have reacted already."""
    start = int(np.searchsorted(panel.times, panel.starts[0]))
    if start - times < 1:
        raise StudyError(
            f"{start} times before the change, {times} of them of anticipation: none is left", where="from"
        )
    kept = np.ones(len(panel.times), dtype=bool)
    kept[start - times : start] = False
    return panel if kept.all() else panel.select(np.arange(len(panel.units)), kept)


def _collapse(panel: Panel) -> tuple[Contrast, Panel]:
    """One number a unit, and the units that were seen on both sides of the change."""
    after = panel.times >= panel.starts[0]
    seen = ~np.isnan(panel.outcomes)
    both: Flags = np.asarray(seen[:, after].any(axis=1) & seen[:, ~after].any(axis=1))
    if not both.all():
        panel, seen = panel.select(both), seen[both]
    if len({*panel.treated.tolist()}) != 2:
        raise StudyError("no unit of one side was seen before and after the change", where="outcomes")
    values, dose = panel.outcomes, panel.treated.astype(float)
    if seen.all():
        change = values[:, after].mean(axis=1) - values[:, ~after].mean(axis=1)
    else:
        timely: Flags = np.asarray(seen.any(axis=0))
        panel, seen, after = panel.select(np.arange(len(panel.units)), timely), seen[:, timely], after[timely]
        change = _change(take_out(np.nan_to_num(panel.outcomes), seen), seen, after)
        dose = _change(take_out(np.outer(dose, after), seen), seen, after)
    return Contrast(change, dose, panel.treated, panel.clusters, panel.traits), panel


def _change(values: Floats, seen: Flags, after: Flags) -> Floats:
    found: Floats = values[:, after].sum(axis=1) / seen[:, after].sum(axis=1) - values[:, ~after].sum(axis=1) / seen[
        :, ~after
    ].sum(axis=1)
    return found


def _inference(data: Contrast, panel: Panel, level: float) -> str:
    treated, others = data.sides
    fewest = min(treated, others)
    after = panel.times >= panel.starts[0]
    if fewest >= FEW:
        return "clusters" if fewest >= MANY else "wild"
    apart = treated + others == len(np.unique(data.clusters))
    if apart and math.comb(treated + others, treated) * (1 - level) >= 1:
        return "exchange"
    if min(after.sum(), (~after).sum()) >= FEWEST_TIMES:
        return "blocks"
    if not apart:
        raise StudyError(
            f"clusters hold units with and without the change ({treated} and {others} clusters), and are too few for "
            "any inference on such",
            where="cluster",
        )
    return "exchange"


def _interval(inference: str, data: Contrast, panel: Panel, question: Question) -> Interval:
    if inference == "clusters":
        return cluster_t(data, question.level)
    if inference == "wild":
        return wild(data, question.level, question.seed)
    if inference == "exchange":
        return exchange_sides(data, question.level, question.seed)
    return _blocks(data.effect, panel, question.level)


def _blocks(effect: float, panel: Panel, level: float) -> Interval:
    """The interval of the difference of the two sides' means over time, around `effect`."""
    path = _path(panel)
    gap = path.observed - path.expected
    # A time at which one side was not seen says nothing of their difference.
    seen = ~np.isnan(gap)
    after = path.times[seen] >= panel.starts[0]
    if is_nothing(max(float(np.ptp(gap[seen][side])) for side in (after, ~after)), panel.outcomes):
        return Interval(0.0, (effect, effect), 1.0)
    found = did_blocks.estimate_did(paired(path.times[seen], gap[seen], np.zeros(seen.sum()), after), level)
    shift = effect - found.effect
    return Interval(found.se, (found.interval[0] + shift, found.interval[1] + shift), found.p_value)


def _path(panel: Panel) -> Path:
    """The treated units' mean, and the comparison's moved to their level before."""
    seen = ~np.isnan(panel.outcomes)
    after = panel.times >= panel.starts[0]
    level = _mean(panel.outcomes, seen & ~after, axis=1)
    # Units come and go: their own level before is taken out first, so that this moves no mean.
    left = panel.outcomes - level[:, None]
    observed, others = (_mean(left[side], seen[side], axis=0) for side in (panel.treated, ~panel.treated))
    base = float(level[panel.treated].mean())
    unknown = np.full(len(panel.times), np.nan)
    return Path(panel.times, observed + base, others + base, unknown, unknown)


def _mean(values: Floats, seen: Flags, axis: int) -> Floats:
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    found: Floats = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return found
