"""Could refute: an effect that is the return from an extreme that the treated units were picked for.

Sites picked because last year was their worst get better next year whatever is done. Where it is declared that units
were picked by the outcome at some times, those times are no part of the analysis (`analyse` leaves them out). Where
nothing is declared, the last times before are searched for a dip (or peak) that the effect undoes; if there is
one, the effect must show against the earlier times alone.

Assumes that the selection looked at one stretch of times that ends with the change. Can't tell selection from a true
worsening that the change ended: both are to be measured from the earlier times.
"""

from __future__ import annotations

import math

import numpy as np

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.context import Picked
from passerelle.lab.inference.aligned import Aligned
from passerelle.lab.panel import Flags
from passerelle.lab.result import Check, Outcome

NAME = "regression_to_mean"
_LEVEL = 0.05
"""Of finding a dip where none is, over all lengths tried; a dip alone refutes nothing."""

_BY_CHANCE = 0.001
_SHARES = (2, 3, 4)


def check_regression_to_mean(case: Case) -> Check:
    """Failed where the effect undoes what came just before and isn't there against the times before that."""
    if case.context.picked is not None:
        return _check_picked(case, case.context.picked)
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME)
    if case.aligned is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_comparison")
    if case.aligned.before.sum() < 2:
        return _check_extreme(case)
    dip, length, p_value, half_width = _find_dip(case, case.aligned)
    numbers = {"dip": dip, "times": float(length), "p": p_value}
    if p_value > _LEVEL:
        if half_width > abs(case.result.effect):
            return Check(NAME, Outcome.NOT_APPLICABLE, "blind", numbers)
        return Check(NAME, Outcome.PASSED, "no_dip", numbers)
    without = case.again(np.ones(len(case.panel.units), dtype=bool), _without_last(case, length))
    numbers["without"] = math.nan if without is None else without.effect
    if case.survives(without):
        return Check(NAME, Outcome.PASSED, "from_earlier", numbers)
    return Check(NAME, Outcome.FAILED, "returned", numbers)


def _check_picked(case: Case, picked: Picked) -> Check:
    times = case.panel.times
    used = (times >= picked.start) & (times < picked.end) & (times < case.panel.starts[0])
    if used.any():
        return Check(NAME, Outcome.FAILED, "no_other_times", {"times": float(used.sum())})
    return Check(NAME, Outcome.PASSED, "left_out", {"effect": case.result.effect})


def _check_extreme(case: Case) -> Check:
    """With nothing earlier to look at: whether the treated were one and all the extreme ones before."""
    panel = case.panel
    before = panel.outcomes[:, panel.times < panel.starts[0]]
    levels = before[:, -1] * -np.sign(case.result.effect)
    treated, others = levels[panel.treated], levels[~panel.treated]
    chance = 1 / math.comb(len(levels), len(treated))
    if chance < _BY_CHANCE and treated.min() > others.max():
        return Check(NAME, Outcome.FAILED, "extreme", {"treated": float(len(treated)), "all": float(len(levels))})
    return Check(NAME, Outcome.NOT_APPLICABLE, "too_short")


def _find_dip(case: Case, aligned: Aligned) -> tuple[float, int, float, float]:
    """The clearest move against the effect, over how many last times, its p value with all lengths, its half-width."""
    count = int(aligned.before.sum())
    lengths = {1, *(count // share for share in _SHARES), *(round(season) for season in case.question.seasons)}
    tried = [
        (aligned.contrast(aligned.before & ~late, aligned.before & late), length)
        for length in sorted(lengths)
        if 0 < length < count
        for late in [aligned.since >= aligned.ready - length]
    ]
    tests = [(moved, length) for moved, length in tried if moved.testable]
    if not tests:
        return 0.0, 0, 1.0, math.inf
    moved, length = min(tests, key=lambda one: one[0].score() * np.sign(case.result.effect))
    against = moved.effect * case.result.effect < 0
    p_value = min(1.0, len(tests) * moved.p_value()) if against else 1.0
    return moved.effect, length, p_value, max(one.half_width(case.result.level) for one, _ in tests)


def _without_last(case: Case, length: int) -> Flags:
    """Times but the last `length` before the first change."""
    times = case.panel.times
    start = int(np.searchsorted(times, case.panel.starts[0])) - case.question.anticipation
    kept = np.ones(len(times), dtype=bool)
    kept[max(start - length, 0) : start] = False
    return kept
