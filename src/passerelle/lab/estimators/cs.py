"""Callaway and Sant'Anna's estimator for changes that began at several times.

Estimand: the mean effect on the units that had the change, over groups and times since they began, by the groups'
sizes (`simple`); beside it the means of groups, of lengths of exposure and of calendar times, and each group's effect
at each time (`parts`). Units that already have the change are never compared with. The comparison is the units that
never had it, or where there is none, those that began later.

Assumptions: without the change each group would have moved from the time before it began as the comparison did
(`parallel_groups`, or `parallel_later`), traits taken out by regression; the change left the comparison alone
(`no_spillover`). Times of anticipation move the base back and are not in the mean.

Inference: each unit's influence on the mean, summed by cluster (`influence`). `se` is the error as in R's did. The
interval takes each group's spread for estimated: its part of the variance is multiplied by n/(n-1) and the t
statistic has Satterthwaite's degrees of freedom; where clusters hold several groups, G/(G-1) and G-1.
With fewer than `FEWEST` clusters on a side, or more than `MOST_ALONE` of them alone in their group, that spread is not
known, and `exchange` lets clusters draw each other's beginnings by lot: the interval is from the mean's place among
those.

The event study has pointwise intervals and bands that hold all its effects at once (Montiel Olea and Plagborg-Møller
2019, doi:10.1002/jae.2656), by draws from the normal distribution of the effects.

Reference: Callaway and Sant'Anna (2021), doi:10.1016/j.jeconom.2020.12.001.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from passerelle.lab.inference.contrast import Interval
from passerelle.lab.inference.exchange import choices, exchange
from passerelle.lab.inference.group_time import GroupTime, Mean, estimate_group_time, estimate_simple
from passerelle.lab.panel import Floats, Panel
from passerelle.lab.question import Question
from passerelle.lab.result import Event, Part, Result
from passerelle.model.errors import StudyError

METHOD = "cs"
FEWEST = 5
"""Units in a group, or clusters on a side, below which their spread is not taken for known: as `did.FEW`."""

MOST_ALONE = 0.05
"""The share of treated clusters that are alone in their group, up to which their own spread, which nothing shows, may
be left out: the error is then at most 2.5 % too small."""

_DRAWS = 20_000
_EXCHANGES, _SLOW = 999, 199
"""Beginnings drawn by lot; the second where each is a fit of its own."""

_BUDGET, _LEAST = 1_000_000, 39
"""Effects fitted for those, beyond which fewer are drawn, and how few: two p values below 5 % are left."""


def estimate_cs(panel: Panel, question: Question) -> Result:
    """The mean effect with its interval, its parts and the event study; no checks run yet."""
    not_yet = bool(panel.treated.all())
    found = estimate_group_time(panel, question.anticipation, not_yet=not_yet)
    errors = _Errors(panel, found, question.level)
    simple = found.simple()
    own = errors.interval(simple) if errors.enough else _exchange(panel, question, not_yet=not_yet)
    own = own.around(simple.effect)
    return Result(
        effect=simple.effect,
        se=own.se,
        interval=own.ends,
        level=question.level,
        p_value=own.p_value,
        n_units=len(panel.units),
        n_times=len(panel.times),
        n_treated=int(panel.treated.sum()),
        method=METHOD,
        assumptions=(
            "parallel_later" if not_yet else "parallel_groups",
            "no_spillover",
            *(() if errors.enough else ("alike_units",)),
        ),
        inference="influence" if errors.enough else "exchange",
        smallest_p=own.smallest_p,
        events=_events(found, errors, question),
        parts=tuple(_parts(found, errors)),
    )


def _parts(found: GroupTime, errors: _Errors) -> Iterator[Part]:
    """The other means, then each group's, exposure's and time's, then the cells."""
    if found.whole:
        for kind, mean in (("simple", found.simple()), ("dynamic", found.dynamic()), ("calendar", found.calendar())):
            yield errors.part(kind, (), mean)
        for time, mean in found.by_calendar().items():
            yield errors.part("calendar", (time,), mean)
        for group, time, mean in found.cells:
            yield errors.part("group_time", (group, time), mean)
    yield errors.part("group", (), found.group())
    for group, mean in found.by_group().items():
        yield errors.part("group", (group,), mean)


def _events(found: GroupTime, errors: _Errors, question: Question) -> tuple[Event, ...]:
    """The event study; the bands hold all effects from the beginning on at once, and all before it."""
    means = found.by_since()
    influence = np.array([mean.influence for mean in means.values()])
    factor = _simultaneous(errors.covariance(influence), question) if errors.enough else math.inf
    events = []
    for since, mean in means.items():
        one = errors.interval(mean)
        wide = factor * one.se if one.se > 0 else math.inf
        events.append(Event(since, mean.effect, one.se, one.ends, (mean.effect - wide, mean.effect + wide)))
    return tuple(events)


def _simultaneous(covariance: Floats, question: Question) -> float:
    """The largest absolute value that standard normals so correlated stay below with probability `level`."""
    spread = np.sqrt(np.diag(covariance))
    kept = spread > 0
    if not kept.any():
        return math.inf
    correlation = covariance[np.ix_(kept, kept)] / np.outer(spread[kept], spread[kept])
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    drawn = np.random.default_rng(question.seed).normal(size=(_DRAWS, len(root))) @ root.T
    return float(np.quantile(np.abs(drawn).max(axis=1), question.level))


class _Errors:
    """The errors of means on one panel: by group where each cluster is of one, else by cluster."""

    def __init__(self, panel: Panel, found: GroupTime, level: float) -> None:
        self._level = level
        self._clusters = np.unique(panel.clusters, return_inverse=True)[1]
        self._count = len(panel.units)
        strata = np.unique(found.cohort, return_inverse=True)[1]
        pairs = np.unique(np.stack([self._clusters, strata]), axis=1)
        self._nested = pairs.shape[1] == len(np.unique(self._clusters))
        self._stratum = pairs[1] if self._nested else np.zeros(int(self._clusters.max()) + 1, dtype=np.intp)
        self._sizes = np.bincount(self._stratum)
        treated = np.unique(self._clusters[panel.treated])
        others = np.unique(self._clusters[~panel.treated])
        alone = self._sizes[self._stratum[treated]] == 1
        self.enough = bool(
            len(treated) >= FEWEST and (len(others) >= FEWEST or panel.treated.all()) and alone.mean() <= MOST_ALONE
        )

    def covariance(self, influence: Floats) -> Floats:
        """Of means whose influence stands in the rows, as R's did has it."""
        sums = self._sums(influence)
        found: Floats = sums @ sums.T
        return found

    def interval(self, mean: Mean) -> Interval:
        """The mean's error and interval."""
        from scipy import special

        squares = self._sums(mean.influence[None, :])[0] ** 2
        se = float(np.sqrt(squares.sum()))
        if not self.enough:
            return Interval(se, (-math.inf, math.inf), 1.0, 1.0)
        if se == 0:
            return Interval(0.0, (mean.effect, mean.effect), 1.0)
        freedom = np.maximum(self._sizes - 1, 1)
        parts = np.bincount(self._stratum, squares) * self._sizes / freedom
        degrees = float(parts.sum() ** 2 / (parts**2 / freedom).sum())
        wide = float(np.sqrt(parts.sum()))
        half_width = float(special.stdtrit(degrees, (1 + self._level) / 2)) * wide
        p_value = float(2 * special.stdtr(degrees, -abs(mean.effect) / wide))
        return Interval(se, (mean.effect - half_width, mean.effect + half_width), p_value)

    def part(self, kind: str, at: tuple[float, ...], mean: Mean) -> Part:
        """The mean as a part of the result."""
        found = self.interval(mean)
        return Part(kind, at, mean.effect, found.se, found.ends)

    def _sums(self, influence: Floats) -> Floats:
        found = np.zeros((int(self._clusters.max()) + 1, len(influence)))
        np.add.at(found, self._clusters, influence.T / self._count)
        return found.T


def _exchange(panel: Panel, question: Question, *, not_yet: bool) -> Interval:
    """The mean's place among those after clusters drew each other's beginnings by lot."""
    clusters, rows, groups = np.unique(panel.clusters, return_index=True, return_inverse=True)
    beginnings = panel.first[rows]
    if not np.array_equal(beginnings[groups], panel.first):
        raise StudyError(
            "clusters hold units that began at different times, and are too few for any inference on such",
            where="cluster",
        )
    had = panel.with_outcomes((panel.times[None, :] >= panel.first[:, None]).astype(float))
    random = np.random.default_rng(question.seed)
    fast = not not_yet and panel.complete and not panel.traits.shape[1]
    cells = len(panel.starts) * len(panel.times)
    draws = _EXCHANGES if fast else max(_LEAST, min(_SLOW, _BUDGET // cells))
    if len(panel.starts) == 1:
        # One start: each other choice of as many clusters once, so that with few none is drawn twice and another never.
        began = np.flatnonzero(beginnings == panel.starts[0])
        picked = choices(len(clusters), began, question.seed, draws)
        drawn_firsts = [np.where(np.isin(np.arange(len(clusters)), one), panel.starts[0], np.inf) for one in picked]
    else:
        drawn_firsts = [beginnings, *(beginnings[random.permutation(len(clusters))] for _ in range(draws))]
    estimate = estimate_simple(panel, had, question.anticipation, not_yet=not_yet)
    drawn = np.array([estimate(firsts[groups]) for firsts in drawn_firsts])
    return exchange(drawn[:, 0], drawn[:, 1], question.level)
