"""Could refute: an effect that the change made by reaching the comparison too.

Customers, cars or smoke that a change moves from one place to the next lower the one and raise the other, so that
near comparison units are part of the change. Comparison units within the declared distance (without one: the
nearest quarter) are treated as if they had had the change, against those farther away; then they are left out.

Assumes that what spills over fades with distance, and that near and far units would have moved alike. Can't see what
reaches all comparison units alike.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import CHANCE, Case
from passerelle.lab.inference.aligned import TwoGroups
from passerelle.lab.result import Check, Outcome

NAME = "spillover"
_NEAREST = 0.25
_FEWEST = 3


def check_spillover(case: Case) -> Check:
    """Failed where near comparison units moved unlike far ones beyond chance, or the effect needs them."""
    distances, aligned = case.context.distances, case.aligned
    if distances is None or aligned is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_distances")
    apart = distances[aligned.comparison_rows]
    limit = float(np.quantile(apart, _NEAREST)) if case.context.near is None else case.context.near
    near = apart <= limit
    numbers = {"near": float(near.sum()), "far": float((~near).sum()), "limit": limit}
    if min(numbers["near"], numbers["far"]) == 0 or numbers["far"] < _FEWEST:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_far" if near.any() else "none_near", numbers)
    rise = aligned.rises(aligned.before, aligned.after)[1]
    clusters = aligned.comparison_clusters
    ring = TwoGroups.of((rise[near], clusters[near]), (rise[~near], clusters[~near]))
    if not ring.testable:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_far", numbers)
    kept = np.ones(len(case.panel.units), dtype=bool)
    kept[aligned.comparison_rows[near]] = False
    without = case.again(kept)
    numbers |= {
        "ring": ring.effect,
        "p": ring.p_value(),
        "without": case.result.effect if without is None else without.effect,
    }
    if numbers["p"] < CHANCE:
        return Check(NAME, Outcome.FAILED, "ring_moved", numbers)
    if without is not None and np.sign(without.effect) != np.sign(case.result.effect):
        return Check(NAME, Outcome.FAILED, "needs_ring", numbers)
    if ring.half_width(case.result.level) > abs(case.result.effect):
        return Check(NAME, Outcome.NOT_APPLICABLE, "blind", numbers)
    return Check(NAME, Outcome.PASSED, "same_without", numbers)
