"""Could refute: the one finding in twenty that chance gives whoever looks at twenty outcomes.

Holm (1979, Scandinavian Journal of Statistics 6, 65-70): the p values of all outcomes of a study, ascending, are held
against (1 - level) / m, / (m - 1), ... until the first that is larger; the rest show nothing.

Assumes nothing of how outcomes depend on each other. Can't see outcomes that were looked at and not declared.
"""

from __future__ import annotations

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.result import Check, Outcome

NAME = "several_outcomes"


def check_several_outcomes(case: Case) -> Check:
    """Failed where the effect is not one of those that hold for the study's outcomes together."""
    if not case.context.other_p:
        return Check(NAME, Outcome.NOT_APPLICABLE, "one_outcome")
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME)
    adjusted = adjust_p_values((case.result.p_value, *case.context.other_p))[0]
    numbers = {"outcomes": float(1 + len(case.context.other_p)), "p": case.result.p_value, "adjusted": adjusted}
    if adjusted > 1 - case.result.level:
        return Check(NAME, Outcome.FAILED, "not_together", numbers)
    return Check(NAME, Outcome.PASSED, "holds", numbers)


def adjust_p_values(values: tuple[float, ...]) -> tuple[float, ...]:
    """Holm's adjusted p values, in the order given.

    >>> adjust_p_values((0.01, 0.04, 0.03))
    (0.03, 0.06, 0.06)
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted, largest = dict.fromkeys(order, 0.0), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return tuple(adjusted[index] for index in range(len(values)))
