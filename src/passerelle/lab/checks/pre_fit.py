"""Could refute: a weighted comparison that did not match the treated units before the change either.

A synthetic comparison stands for the treated units because it ran with them. Where it ran above or below them on
average, it is likely to go on so (Abadie 2021, doi:10.1257/jel.20191450, section 4).

Assumes that a misfit before goes on after. Can't see what broke at the date of the change.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.result import Check, Outcome

NAME = "pre_fit"


def check_pre_fit(case: Case) -> Check:
    """Failed where the mean gap before, carried on, takes the effect into zero's reach."""
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME)
    path = case.result.path
    if path is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "no_path")
    gap = (path.observed - path.expected)[path.times < case.panel.starts[0]]
    misfit, size = float(gap.mean()), float(np.sqrt((gap**2).mean()))
    low, high = case.result.interval
    numbers = {"misfit": misfit, "size": size, "room": max(low, -high), "times": float(len(gap))}
    if abs(misfit) >= numbers["room"]:
        return Check(NAME, Outcome.FAILED, "poor", numbers)
    return Check(NAME, Outcome.PASSED, "close", numbers)
