"""A panel turned so that its columns count from each unit's own change: what checks of comparisons look at.

Each treated unit is held against every comparison unit over the same times. First what the comparison units have in
common at each time is taken out of all, so that a gap in one unit's record doesn't move its mean, and what follows
from `traits` (least squares among the comparison units, time by time). Cohorts that began at different times are
laid over each other; a comparison unit's value is the mean of its values beside each cohort, weighted by the
cohorts' treated units seen so long after their start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerelle.lab.inference.spread import are_nothing
from passerelle.lab.panel import Flags, Floats, Indices, Panel

_TURNS = 200
_STILL = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class TwoGroups:
    """One number a cluster: how much its mean rose from some times to others, treated and comparison."""

    treated: Floats
    comparison: Floats

    @staticmethod
    def of(treated: tuple[Floats, Indices], comparison: tuple[Floats, Indices]) -> TwoGroups:
        """From values by unit with the units' clusters; a NaN is a unit that says nothing."""
        return TwoGroups(_by_cluster(*treated), _by_cluster(*comparison))

    @property
    def effect(self) -> float:
        """The mean rise of the treated less that of the comparison."""
        return float(self.treated.mean() - self.comparison.mean())

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the pooled variance."""
        return len(self.treated) + len(self.comparison) - 2

    @property
    def se(self) -> float:
        """The error of `effect` if clusters were alike before chance: from both groups' pooled variance."""
        groups = (self.treated, self.comparison)
        squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
        return float(np.sqrt(squares / self.degrees * sum(1 / len(group) for group in groups)))

    @property
    def testable(self) -> bool:
        """Whether a t statistic can be made: three clusters and some variation."""
        return min(len(self.treated), len(self.comparison)) > 0 and self.degrees > 0 and self.se > 0

    def p_value(self) -> float:
        """Of no difference between the two groups, two-sided."""
        # Loaded on first use: a node that runs no study shouldn't wait for it.
        from scipy import special

        return float(2 * special.stdtr(self.degrees, -abs(self.effect) / self.se))

    def score(self) -> float:
        """The standard normal score that is as rare as the effect's t statistic."""
        from scipy import special

        return float(-special.ndtri(special.stdtr(self.degrees, -self.effect / self.se)))

    def half_width(self, level: float) -> float:
        """Of the interval of `effect`."""
        from scipy import special

        return float(special.stdtrit(self.degrees, (1 + level) / 2)) * self.se


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """Values by unit (rows) and times since the change (columns, `since`, 0 for the first with it; NaN: not seen).

    `ready` is the first time at which units may have reacted: minus the anticipation that was declared.
    """

    since: Indices
    ready: int
    treated: Floats
    comparison: Floats
    treated_clusters: Indices
    comparison_clusters: Indices
    comparison_rows: Indices

    @property
    def before(self) -> Flags:
        """Which columns come before any reaction."""
        return np.asarray(self.since < self.ready)

    @property
    def after(self) -> Flags:
        """Which columns have the change."""
        return np.asarray(self.since >= 0)

    def contrast(self, before: Flags, after: Flags) -> TwoGroups:
        """The rise from the mean of some columns to that of others; units not seen in both are left out."""
        return self._collapse(*self.rises(before, after))

    def rises(self, before: Flags, after: Flags) -> tuple[Floats, Floats]:
        """The rise of each treated and each comparison unit; NaN where it was not seen in both."""
        treated, comparison = (_mean(rows, after) - _mean(rows, before) for rows in (self.treated, self.comparison))
        return treated, comparison

    def slope(self, columns: Flags) -> TwoGroups:
        """The least-squares slope of each unit over the columns, a time."""
        return self._collapse(
            *(_slopes(rows[:, columns], self.since[columns]) for rows in (self.treated, self.comparison))
        )

    def by_cluster(self) -> tuple[Floats, Floats]:
        """The mean of each cluster's units at each column: treated clusters, comparison clusters."""
        treated, comparison = (
            np.vstack([_mean(rows[clusters == one].T) for one in np.unique(clusters)])
            for rows, clusters in ((self.treated, self.treated_clusters), (self.comparison, self.comparison_clusters))
        )
        return treated, comparison

    def gap(self) -> Floats:
        """Mean of the treated less mean of the comparison at each column; NaN where one has nobody."""
        return _mean(self.treated.T) - _mean(self.comparison.T)

    def _collapse(self, treated: Floats, comparison: Floats) -> TwoGroups:
        return TwoGroups.of((treated, self.treated_clusters), (comparison, self.comparison_clusters))


def align(panel: Panel, anticipation: int = 0) -> Aligned | None:
    """The panel by times since the change; None where nobody stayed without it to compare with."""
    starts = np.searchsorted(panel.times, panel.first)
    treated, never = np.flatnonzero(panel.treated), np.flatnonzero(~panel.treated)
    if not len(never) or not len(treated):
        return None
    values = _adjust(panel, never)
    cohorts, counts = np.unique(starts[treated], return_counts=True)
    width, last = len(panel.times), int(cohorts[-1])
    since = np.arange(-last, width - int(cohorts[0]))
    before = np.full((len(treated), len(since)), np.nan)
    total, weight = np.zeros((2, len(never), len(since)))
    for start, count in zip(cohorts.tolist(), counts.tolist(), strict=True):
        columns = slice(last - start, last - start + width)
        rows = starts[treated] == start
        own = values - _mean(values, np.arange(width) < start - anticipation)[:, None]
        # Rounding is no noise: a check would find the largest of it.
        own[are_nothing(own, panel.outcomes)] = 0.0
        before[rows, columns] = own[treated[rows]]
        beside = own[never]
        seen = ~np.isnan(beside)
        total[:, columns] += count * np.where(seen, beside, 0)
        weight[:, columns] += count * seen
    after = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    clusters = panel.clusters
    return Aligned(since, -anticipation, before, after, clusters[treated], clusters[never], never)


def _adjust(panel: Panel, never: Indices) -> Floats:
    """Outcomes less what the comparison units have in common at each time, and less what follows from traits."""
    values = panel.outcomes - _common(panel.outcomes[never], panel.complete)
    if not panel.traits.shape[1] or len(never) < panel.traits.shape[1] + 3:
        return np.asarray(values)
    matrix = np.column_stack([np.ones(len(values)), panel.traits])
    if panel.complete:
        return np.asarray(values - matrix @ np.linalg.lstsq(matrix[never], values[never], rcond=None)[0])
    for column in range(values.shape[1]):
        seen = never[~np.isnan(values[never, column])]
        if len(seen) >= matrix.shape[1] + 2:
            values[:, column] -= matrix @ np.linalg.lstsq(matrix[seen], values[seen, column], rcond=None)[0]
    return np.asarray(values)


def _common(rows: Floats, complete: bool) -> Floats:
    """The time effects of the rows, each row having a level of its own (by turns, until they stay)."""
    common = _mean(rows.T)
    if complete:
        return common
    for _ in range(_TURNS):
        last = common
        common = _mean((rows - _mean(rows - last)[:, None]).T)
        if np.nanmax(np.abs(common - last), initial=0.0) <= _STILL * np.nanmax(np.abs(rows), initial=0.0):
            break
    return common


def _mean(rows: Floats, columns: Flags | None = None) -> Floats:
    """The mean of what was seen of each row; NaN where nothing was."""
    picked = rows if columns is None else rows[:, columns]
    seen = ~np.isnan(picked)
    count = seen.sum(axis=1)
    total = np.where(seen, picked, 0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0))


def _slopes(rows: Floats, since: Indices) -> Floats:
    seen = ~np.isnan(rows)
    centre = _mean(np.where(seen, since.astype(float), np.nan))
    apart = np.where(seen, since - centre[:, None], 0.0)
    squares = (apart**2).sum(axis=1)
    total = (apart * np.where(seen, rows, 0)).sum(axis=1)
    return np.asarray(np.divide(total, squares, out=np.full(len(rows), np.nan), where=squares > 0))


def _by_cluster(values: Floats, clusters: Indices) -> Floats:
    """The mean of each cluster's units, clusters ascending; those without any are left out."""
    seen = ~np.isnan(values)
    _, index = np.unique(clusters[seen], return_inverse=True)
    return np.asarray(np.bincount(index, values[seen]) / np.bincount(index)) if seen.any() else np.empty(0)
