"""Effects of each group of units that began together, at each time, and their means: Callaway and Sant'Anna (2021).

ATT(g, t) is how the group that began at g changed from its base to t, less how the comparison did. The base is the
last time before g, and as many times earlier as units may have known of the change; before that, each time is
compared with the one before it (`universal`: with the base). Traits are taken out by regression among the comparison
units (Heckman, Ichimura and Todd, 1997, doi:10.2307/2971733).

Each effect comes with its influence: what each unit adds to its error, so that the error of any mean of effects, of
estimated shares among them, is the sum over units (doi:10.1016/j.jeconom.2020.12.001, theorem 2 and corollary 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.model.errors import StudyError

_LARGEST = 20_000_000
"""Influences held at once, cells times units: 160 MB."""

_FARTHEST = 250
"""Times on either side of the beginning that an event study of a long panel shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """A mean of effects, or one of them, and each unit's share in its error."""

    effect: float
    influence: Floats


@dataclass(frozen=True, slots=True, eq=False)
class GroupTime:
    """ATT(g, t) for `groups` and `times`, one a cell; `cohort` is each unit's group, infinite where it has none.

    `over` has each group's mean over all its times since it began, with how many they are. Where there would be too
    many cells, those far from the beginning are left out, and not `whole`.
    """

    groups: Floats
    times: Floats
    effects: Floats
    influence: Floats
    cohort: Floats
    over: Mapping[float, tuple[Mean, int]]
    whole: bool

    @property
    def after(self) -> Flags:
        """Which cells are after the change began in their group."""
        return np.asarray(self.times >= self.groups)

    @property
    def cells(self) -> list[tuple[float, float, Mean]]:
        """Each group, time and effect."""
        rows = zip(self.groups, self.times, self.effects, self.influence, strict=True)
        return [(float(g), float(t), Mean(float(effect), own)) for g, t, effect, own in rows]

    def simple(self) -> Mean:
        """The mean over all groups and times after they began, by the groups' sizes."""
        means, counts = zip(*self.over.values(), strict=True)
        return self._combine(np.array(list(self.over)), *_stack(means), np.array(counts, dtype=float))

    def by_group(self) -> dict[float, Mean]:
        """The mean of each group over its times."""
        return {group: mean for group, (mean, _) in self.over.items()}

    def group(self) -> Mean:
        """The mean of the groups' means, by their sizes."""
        means = self.by_group()
        return self._combine(np.array(list(means)), *_stack(means.values()))

    def by_calendar(self) -> dict[float, Mean]:
        """The mean at each time over the groups that had begun, by their sizes."""
        return {float(t): self._weighted(self.after & (self.times == t)) for t in np.unique(self.times[self.after])}

    def calendar(self) -> Mean:
        """The mean of the times' means, each time counting alike."""
        return _average(self.by_calendar().values())

    def by_since(self) -> dict[float, Mean]:
        """The mean so many times after groups began, before where negative, by the groups' sizes."""
        since = self.times - self.groups
        return {float(one): self._weighted(since == one) for one in np.unique(since)}

    def dynamic(self) -> Mean:
        """The mean of the means since the beginning, each length of exposure counting alike."""
        return _average(mean for since, mean in self.by_since().items() if since >= 0)

    def _weighted(self, chosen: Flags) -> Mean:
        return self._combine(self.groups[chosen], self.effects[chosen], self.influence[chosen])

    def _combine(self, groups: Floats, effects: Floats, influence: Floats, counts: Floats | None = None) -> Mean:
        """The mean of effects by their groups' shares, whose own error is added, each counted `counts` times."""
        times = np.ones(len(groups)) if counts is None else counts
        sizes, member = np.unique(groups, return_inverse=True)
        shares = np.array([(self.cohort == group).mean() for group in sizes])
        weights = shares[member] * times
        mean = float(weights @ effects / weights.sum())
        pull = np.bincount(member, times * (effects - mean), minlength=len(sizes)) / weights.sum()
        place = np.searchsorted(sizes, self.cohort)
        own = np.where(np.isin(self.cohort, sizes), pull[np.minimum(place, len(sizes) - 1)], 0.0)
        return Mean(mean, weights @ influence / weights.sum() + own - pull @ shares)


def estimate_group_time(
    panel: Panel, anticipation: int = 0, *, not_yet: bool = False, universal: bool = False
) -> GroupTime:
    """The effects on `panel`, against units that never had the change, or with `not_yet` those that began later too.

    Groups that had begun before there was a base, and cells without comparison, are left out.
    """
    starts = np.searchsorted(panel.times, panel.first)
    groups = [int(start) for start in np.unique(starts[panel.treated]) if start - 1 - anticipation >= 0]
    window = min(_LARGEST // max(2 * len(groups) * len(panel.units), 1), _FARTHEST)
    whole = len(panel.times) <= 2 * window
    kept: list[tuple[float, float, Mean]] = []
    over: dict[float, tuple[Mean, int]] = {}
    for start in groups:
        since, total, count = float(panel.times[start]), Mean(0.0, np.zeros(len(panel.units))), 0
        for time, cell in _cells(panel, starts, start, start - 1 - anticipation, not_yet=not_yet, universal=universal):
            if whole or abs(time - start) < window:
                kept.append((since, float(panel.times[time]), cell))
            if time >= start:
                total, count = Mean(total.effect + cell.effect, total.influence + cell.influence), count + 1
        if count:
            over[since] = (Mean(total.effect / count, total.influence / count), count)
    if not over:
        raise StudyError(
            "no group that began later than the first time was seen at its base (the last time before it and any "
            "anticipation) with units to compare with that had not begun",
            where="method",
        )
    named, times, cells = zip(*kept, strict=True)
    cohort = np.where(panel.treated, panel.times[np.minimum(starts, len(panel.times) - 1)], np.inf)
    return GroupTime(np.array(named), np.array(times), *_stack(cells), cohort, over, whole)


def _cells(
    panel: Panel, starts: Indices, start: int, base: int, *, not_yet: bool, universal: bool
) -> Iterator[tuple[int, Mean]]:
    """The effect at each time on the group that began at `start`, where there is one."""
    at_times = np.ascontiguousarray(panel.outcomes.T)
    for time in range(0 if universal else 1, len(panel.times)):
        before = base if universal or time > base else time - 1
        if time == before:
            continue
        compared = starts > max(time, before) + (start - 1 - base) if not_yet else ~panel.treated
        change = at_times[time] - at_times[before]
        cell = _effect(change, starts == start, compared & (starts != start), panel.traits)
        if cell is not None:
            yield time, cell


def estimate_simple(
    panel: Panel, other: Panel, anticipation: int, *, not_yet: bool
) -> Callable[[Floats], tuple[float, float]]:
    """What gives, for any times at which units began, the simple means of `panel` and of `other`.

    Were none absent and some never begin, each group is one number a unit.
    """
    if not_yet or not panel.complete or panel.traits.shape[1]:

        def slowly(first: Floats) -> tuple[float, float]:
            means = [
                estimate_group_time(one.with_first(first), anticipation, not_yet=not_yet).simple()
                for one in (panel, other)
            ]
            return means[0].effect, means[1].effect

        return slowly
    starts = np.searchsorted(panel.times, np.unique(panel.first[panel.treated]))
    starts = starts[starts - 1 - anticipation >= 0]
    changes = [np.stack([_sum(one, int(start), anticipation) for start in starts], axis=1) for one in (panel, other)]
    firsts = panel.times[starts]
    lengths = len(panel.times) - starts

    def fast(first: Floats) -> tuple[float, float]:
        member = (first[:, None] == firsts).astype(float)
        never = (first > panel.times[-1]).astype(float)
        weight = member.sum(axis=0) @ lengths
        means = [((member * one).sum() - never @ one @ member.sum(axis=0) / never.sum()) / weight for one in changes]
        return float(means[0]), float(means[1])

    return fast


def _sum(panel: Panel, start: int, anticipation: int) -> Floats:
    """Each unit's outcomes from `start` on, less its base as often."""
    after = panel.outcomes[:, start:]
    found: Floats = after.sum(axis=1) - after.shape[1] * panel.outcomes[:, start - 1 - anticipation]
    return found


def _effect(change: Floats, group: Flags, compared: Flags, traits: Floats) -> Mean | None:
    """The group's mean change less what the comparison predicts, with each unit's influence on it."""
    seen = ~np.isnan(change)
    group, compared = group & seen, compared & seen
    if not group.any() or compared.sum() <= traits.shape[1]:
        return None
    influence = np.zeros(len(change))
    if not traits.shape[1]:
        effect = float(change[group].mean() - change[compared].mean())
        influence[group] = (change[group] - change[group].mean()) * (len(change) / group.sum())
        influence[compared] = (change[compared].mean() - change[compared]) * (len(change) / compared.sum())
        return Mean(effect, influence)
    design = np.column_stack([np.ones(len(change)), traits])
    gram = design[compared].T @ design[compared]
    if np.linalg.matrix_rank(gram) < len(gram):
        return None
    residual = np.where(seen, change - design @ np.linalg.solve(gram, design[compared].T @ change[compared]), 0.0)
    effect = float(residual[group].mean())
    influence[group] = (residual[group] - effect) * (len(change) / group.sum())
    slope = np.linalg.solve(gram, design[group].mean(axis=0))
    influence[compared] = -residual[compared] * (design[compared] @ slope) * len(change)
    return Mean(effect, influence)


def _average(means: Iterable[Mean]) -> Mean:
    effects, influence = _stack(means)
    return Mean(float(effects.mean()), influence.mean(axis=0))


def _stack(means: Iterable[Mean]) -> tuple[Floats, Floats]:
    listed = list(means)
    return np.array([one.effect for one in listed]), np.array([one.influence for one in listed])
