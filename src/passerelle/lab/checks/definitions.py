"""Could refute: a comparison of two things that only bear the same name.

A station that publishes the day's highest hour and one that publishes the day's mean move differently when nothing
happened; so do counts of different lengths and quantities in different units.

Assumes that the definitions are right: `trust` has a check of its own for what a publisher says and what it sends.
"""

from __future__ import annotations

from passerelle.lab.case import Case
from passerelle.lab.result import Check, Outcome

NAME = "definitions"


def check_definitions(case: Case) -> Check:
    """Failed where treated and comparison differ in quantity, unit, statistic or interval."""
    if case.context.definitions is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "not_known")
    treated, comparison = case.context.definitions
    differ = treated.differences(comparison)
    if not differ:
        return Check(NAME, Outcome.PASSED, "alike", {}, {"quantity": treated.quantity, "statistic": treated.statistic})
    # Two quantities are two things, whatever else of them differs: unit, statistic and interval belong to each.
    told = differ[:1] if differ[0] == "quantity" else differ
    names = {
        side: tuple(str(getattr(one, name)) for name in told)
        for side, one in (("treated", treated), ("comparison", comparison))
    }
    return Check(NAME, Outcome.FAILED, "unlike" if len(told) > 1 else told[0], {"differ": float(len(differ))}, names)
