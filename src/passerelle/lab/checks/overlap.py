"""Could refute: that the effect is this change's, where another began or ended on the same places meanwhile.

Two changes that came to the same places within the windows can't be told apart by any comparison of these places.

Assumes that other changes are registered. One that came to every unit alike is shared by both sides of the
comparison and is left to it; nothing here shows that it did the same to all. Without a comparison it isn't shared. Of
episodes those are touched that have it on some of the days compared.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case
from passerelle.lab.context import OtherChange
from passerelle.lab.estimators import episodes
from passerelle.lab.result import Check, Outcome

NAME = "overlap"


def check_overlap(case: Case) -> Check:
    """Failed where the claim isn't made by the units that no other change touched within the windows."""
    if case.context.others is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "not_known")
    found = [one for one in case.context.others if _within(one, case) and _confounds(one, case)]
    if not found:
        return Check(NAME, Outcome.PASSED, "none", {"known": float(len(case.context.others))})
    touched = np.logical_or.reduce([one.units for one in found])
    treated = case.panel.treated
    numbers = {"changes": float(len(found)), "treated": float((touched & treated).sum())}
    numbers |= {"comparison": float((touched & ~treated).sum()), "all_treated": float(treated.sum())}
    names = {"changes": tuple(one.name for one in found)}
    if touched[treated].all():
        reason = "all_episodes" if case.result.method == episodes.METHOD else "cannot_separate"
        return Check(NAME, Outcome.FAILED, reason, numbers, names)
    if not treated.all() and touched[~treated].all():
        return Check(NAME, Outcome.FAILED, "no_comparison", numbers, names)
    what = "_episodes" if case.result.method == episodes.METHOD else ""
    if not case.survives(case.again(~touched)):
        return Check(NAME, Outcome.FAILED, f"not_without{what}", numbers, names)
    return Check(NAME, Outcome.PASSED, f"same_without{what}", numbers, names)


def _confounds(other: OtherChange, case: Case) -> bool:
    """Whether it touched some units; all of them count too where none is compared that would share it."""
    return bool(other.units.any() and (case.panel.treated.all() or not other.units.all()))


def _within(other: OtherChange, case: Case) -> bool:
    """Whether it began or ended after the first time of the panel, up to the last: what it did is in the contrast."""
    first, last = case.panel.times[0], case.panel.times[-1]
    return bool(first < other.start <= last or first < other.end <= last)
