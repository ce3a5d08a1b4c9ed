"""What the synthetic methods share: units weighed so that together they were before as the treated units were.

A *group* is a set of units taken as treated, the real one or a placebo. Its *contrast* has, for each unit, its share
in the group less its weight in the comparison. Effects, gaps and errors of fit of any number of groups are products of
contrasts with outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from passerelle.lab.panel import Flags, Floats, Indices, Panel
from passerelle.lab.question import Question
from passerelle.lab.weights.simplex import Progress, solve_simplex_many
from passerelle.model.errors import StudyError

TIE_BREAK = 1e-6
"""Of the units' mean square, added to the Gram matrix: where many weights fit alike, the most even are taken."""

FEWEST_BEFORE = 4
"""With fewer times before the change any few units can be weighed to look like any other."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Outcomes before the change and from it on, of all units, and which units had it.

    Times in which the change may have been anticipated are in neither.
    """

    units: tuple[str, ...]
    before: Floats
    after: Floats
    treated: Flags

    @property
    def shares(self) -> Floats:
        """The real group, as one column."""
        return shares_of(np.flatnonzero(self.treated)[None, :], len(self.units))

    def keep(self, units: Flags) -> Setting:
        """The same without the other units."""
        named = tuple(unit for unit, kept in zip(self.units, units, strict=True) if kept)
        return Setting(named, self.before[units], self.after[units], self.treated[units])


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Contrasts, a column a group, and the `base` of each unit that its outcomes are counted from.

    `base` has one column for all groups, or one each.
    """

    values: Floats
    base: Floats

    def gaps(self, outcomes: Floats) -> Floats:
        """What each group's outcomes are above its comparison's: a row a group."""
        return np.asarray(self.values.T @ outcomes - (self.values * self.base).sum(axis=0)[:, None])

    def effects(self, setting: Setting) -> Floats:
        """The mean effect on each group after the change."""
        return self.gaps(setting.after.mean(axis=1, keepdims=True))[:, 0]


class Contrast(Protocol):
    """A method of the family: it weighs units, for each group of `shares`, by their outcomes before the change alone.

    `without` says, a column a group, which units its comparison leaves out.
    """

    def __call__(
        self, setting: Setting, shares: Floats, progress: Progress | None = None, *, without: Flags | None = None
    ) -> Contrasts:
        """The contrast of each group."""
        ...


ChooseContrast = Callable[[Panel, Setting], Contrast]
"""How a method weighs the units of a panel: with the panel's facts, or a penalty that follows from its setting."""


def read_setting(panel: Panel, question: Question, method: str) -> Setting:
    """The panel cut at its one start; refused where the method can't be used on it."""
    if len(panel.starts) != 1:
        raise StudyError(
            f"the change began at {len(panel.starts)} times; {method} needs one, and cs takes several", where="method"
        )
    if (~panel.treated).sum() < 2:
        raise StudyError(
            f"{(~panel.treated).sum()} units had no change; {method} weighs at least 2 of them", where="treated"
        )
    if len(np.unique(panel.clusters)) < len(panel.units):
        raise StudyError(
            f"{len(panel.units)} units lie in {len(np.unique(panel.clusters))} clusters; {method} compares units that "
            "each stand for themselves: give it the clusters' means, or take did",
            where="cluster",
        )
    gaps = np.isnan(panel.outcomes).sum(axis=1)
    if gaps.any():
        named = ", ".join(panel.units[row] for row in np.flatnonzero(gaps)[:5])
        raise StudyError(
            f"{int((gaps > 0).sum())} units were not seen at every time ({named}); {method} needs units without gaps: "
            "leave them out, or take times at which all were seen",
            where="outcome",
        )
    first = int(np.searchsorted(panel.times, panel.starts[0]))
    last = max(first - question.anticipation, 0)
    if last < FEWEST_BEFORE:
        raise StudyError(
            f"{last} times before the change and what may have been anticipated of it; {method} needs {FEWEST_BEFORE}",
            where="from",
        )
    return Setting(panel.units, panel.outcomes[:, :last], panel.outcomes[:, first:], panel.treated)


def shares_of(groups: Indices, count: int) -> Floats:
    """The shares of `count` units in `groups`, a row a group of equally many units: a column a group."""
    shares = np.zeros((count, len(groups)))
    shares[groups, np.arange(len(groups))[:, None]] = 1 / groups.shape[1]
    return shares


def gram_of(outcomes: Floats) -> Floats:
    """Products of units' outcomes, at each time less the mean of all.

    What all units share moves no weights that sum to one, and would only cost digits.
    """
    apart = outcomes - outcomes.mean(axis=0)
    return np.asarray(apart @ apart.T)


def weigh_on_simplex(
    before: Floats,
    shares: Floats,
    progress: Progress | None = None,
    *,
    ridge: float = 0.0,
    without: Flags | None = None,
) -> Floats:
    """Weights that are not negative, sum to one, and leave a group's own units and those of `without` out.

    A column a group. `ridge` times the sum of squared weights is added to the squared distance.
    """
    gram = gram_of(before)
    penalty = ridge + TIE_BREAK * float(gram.diagonal().mean())
    return solve_simplex_many(gram + penalty * np.eye(len(gram)), gram @ shares, barred(shares, without), progress)


def barred(shares: Floats, without: Flags | None) -> Flags:
    """Which units can't be in each group's comparison: its own, and those of `without`."""
    own = np.asarray(shares > 0)
    return own if without is None else own | without


def fit_errors(setting: Setting, contrasts: Contrasts) -> Floats:
    """The root mean square of each group's gap before the change."""
    return np.asarray(np.sqrt((contrasts.gaps(setting.before) ** 2).mean(axis=1)))
