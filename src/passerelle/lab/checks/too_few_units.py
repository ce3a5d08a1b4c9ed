"""Could refute: a verdict from more precision than the times seen can give."""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case
from passerelle.lab.estimators import its
from passerelle.lab.estimators.did_blocks import BLOCKS
from passerelle.lab.estimators.episodes import FEWEST as FEWEST_EPISODES
from passerelle.lab.estimators.episodes import TOO_FEW
from passerelle.lab.inference.spread import NEVER_VARIES
from passerelle.lab.panel import Flags
from passerelle.lab.result import Check, Outcome
from passerelle.lab.weights.synthetic_result import BY_TIMES

NAME = "too_few_units"
FEWEST_DEGREES = 4.0
"""Below four degrees of freedom small-sample p values are not to be relied on: Tipton 2015, doi:10.1037/met0000011."""

_CLUSTERED = ("clusters", "cluster_scores", "influence")

FEWEST_TIMES = 3 * BLOCKS
"""Blocks of three: in shorter ones a block is one day or two, and blocks are as alike as days."""


def check_too_few_units(after: Flags) -> Check:
    """Failed where either side of the change has fewer times than its blocks need."""
    sides = {"before": float(np.sum(~after)), "after": float(np.sum(after)), "needed": float(FEWEST_TIMES)}
    if min(sides["before"], sides["after"]) < FEWEST_TIMES:
        return Check(NAME, Outcome.FAILED, "too_few", sides)
    return Check(NAME, Outcome.PASSED, "enough", sides)


def check_inference(case: Case) -> Check:
    """The same question of a panel: failed where its inference can't reach the level asked for with so few.

    A permutation of N has no p value under 1 / N; blocks need their times; a t statistic of few clusters on a side has
    few degrees of freedom, counted here as Welch has them for groups of equal spread. By the design, never by outcomes.
    Gaps of other times in place of units are precise enough, and right only where gaps are steady: no tick for them.
    """
    result, panel = case.result, case.panel
    chance = 1 - result.level
    if result.inference == NEVER_VARIES:
        return Check(NAME, Outcome.FAILED, NEVER_VARIES)
    numbers = {"smallest_p": result.smallest_p, "most_p": chance, "needed": float(np.ceil(1 / chance - 1e-9))}
    if result.inference == TOO_FEW:
        counted = {"count": float(result.n_units), "needed": float(FEWEST_EPISODES)}
        return Check(NAME, Outcome.FAILED, TOO_FEW, counted)
    if result.inference == its.INFERENCE and result.n_times < its.FEWEST_TIMES:
        counted = {"count": float(result.n_times), "needed": float(its.FEWEST_TIMES)}
        return Check(NAME, Outcome.FAILED, "too_few_times", counted)
    if result.smallest_p > chance * (1 + 1e-9):
        return Check(NAME, Outcome.FAILED, "permutations", numbers)
    if result.inference == BY_TIMES:
        return Check(NAME, Outcome.NOT_APPLICABLE, BY_TIMES, numbers | {"units": float(result.n_units)})
    if result.smallest_p > 0:
        return Check(NAME, Outcome.PASSED, "enough_permutations", numbers)
    if result.inference == "blocks":
        return check_too_few_units(panel.times >= panel.starts[0])
    if result.inference not in _CLUSTERED or panel.treated.all():
        return Check(NAME, Outcome.NOT_APPLICABLE, "by_the_method")
    sides = [len(np.unique(panel.clusters[side])) for side in (panel.treated, ~panel.treated)]
    numbers |= {"treated": float(sides[0]), "comparison": float(sides[1]), "degrees": count_degrees(*sides)}
    numbers["fewest"] = FEWEST_DEGREES
    if numbers["degrees"] < FEWEST_DEGREES:
        return Check(NAME, Outcome.FAILED, "few_clusters", numbers)
    return Check(NAME, Outcome.PASSED, "enough_clusters", numbers)


def count_degrees(treated: int, comparison: int) -> float:
    """Welch's degrees of freedom of the difference of two means of as much spread; none with one cluster on a side.

    >>> count_degrees(3, 3), round(count_degrees(2, 50), 2)
    (4.0, 1.08)
    """
    if min(treated, comparison) < 2:
        return 0.0
    parts = [1 / count**2 / (count - 1) for count in (treated, comparison)]
    return (1 / treated + 1 / comparison) ** 2 / sum(parts)
