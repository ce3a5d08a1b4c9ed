"""Could refute: a comparison of which too much can't be trusted.

What is left after much was cut out no longer stands for the windows that were asked about: outages and broken
sensors come when something else happens too (storms, works, crowds), so that what is missing isn't a random part.

Assumes that what is marked was found without looking at the outcome. The limit is the caller's.
"""

from __future__ import annotations

from passerelle.lab.case import Case
from passerelle.lab.result import Check, Outcome

NAME = "trust"


def check_trust(share: float, most: float, *, times: int, units: int) -> Check:
    """Failed where `share` of the windows is more than `most`; `times` and `units` count what was cut out."""
    numbers = {"share": share, "most": most, "times": float(times), "units": float(units)}
    if share > most:
        return Check(NAME, Outcome.FAILED, "too_much", numbers)
    return Check(NAME, Outcome.PASSED, "cut_out" if times or units else "nothing", numbers)


def check_trusted(case: Case) -> Check:
    """The same question of a panel, from what the caller cut out of it."""
    trusted = case.context.trusted
    if trusted is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "not_asked")
    return check_trust(trusted.share, trusted.most, times=trusted.times, units=trusted.units)
