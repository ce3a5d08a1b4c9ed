"""Could refute: an effect that one comparison unit makes.

Each comparison cluster is left out in turn. Any comparison of few moves a little when one is left out, and the
interval has counted with that; an effect near its limit is lost then without anything being wrong. It is refuted where
leaving one out turns its sign, or takes it into zero's reach and that one is unlike the others (Grubbs 1969,
doi:10.1080/00401706.1969.10490657, its largest deviation beyond a chance of one in a hundred).

Assumes that the rest of the comparison is right. Can't see two units that are wrong together.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import CHANCE, Case, Claim, not_claimed
from passerelle.lab.inference.aligned import Aligned, TwoGroups
from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Outcome

NAME = "leave_one_out"
_FEWEST = 3


def check_leave_one_out(case: Case) -> Check:
    """Failed where the effect's sign, or its distance from zero, hangs on one comparison cluster."""
    if case.claim is not Claim.EFFECT:
        return not_claimed(NAME)
    if case.refit is not None:
        rows, shifts = case.refit.without_each()
        return _judge(case, case.result.effect + shifts, shifts, [case.panel.units[row] for row in rows.tolist()])
    aligned = case.aligned
    if aligned is None or len(np.unique(aligned.comparison_clusters)) < _FEWEST:
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few")
    rise = aligned.contrast(aligned.before, aligned.after)
    effects = case.result.effect + rise.treated.mean() - _means_without(rise.comparison) - rise.effect
    return _judge(case, effects, rise.comparison, _names(case, aligned))


def _judge(case: Case, effects: Floats, moves: Floats, units: list[str]) -> Check:
    """From the effects without each of `units`, and what each moved the effect by (or moved itself)."""
    if not len(effects):
        return Check(NAME, Outcome.NOT_APPLICABLE, "too_few")
    sign, (low, high) = np.sign(case.result.effect), case.result.interval
    worst = int((sign * effects).argmin())
    reach = case.result.effect - low if sign > 0 else high - case.result.effect
    numbers = {"count": float(len(effects)), "lowest": float(effects.min()), "highest": float(effects.max())}
    numbers["without"] = float(effects[worst])
    names = {"unit": units[worst]}
    if sign * effects[worst] <= 0:
        return Check(NAME, Outcome.FAILED, "turns", numbers, names)
    if sign * effects[worst] > reach:
        return Check(NAME, Outcome.PASSED, "stands", numbers, names)
    if is_unlike(moves, worst):
        return Check(NAME, Outcome.FAILED, "one_unlike", numbers, names)
    return Check(NAME, Outcome.NOT_APPLICABLE, "near_limit", numbers, names)


def is_unlike(values: Floats, index: int, chance: float = CHANCE) -> bool:
    """Whether one value is farther from the rest than the farthest of so many would be by chance."""
    rest = TwoGroups(values[index : index + 1], np.delete(values, index))
    return rest.testable and rest.p_value() * len(values) < chance


def _means_without(values: Floats) -> Floats:
    return np.asarray((values.sum() - values) / (len(values) - 1))


def _names(case: Case, aligned: Aligned) -> list[str]:
    """The first unit of each comparison cluster, clusters ascending."""
    first = np.unique(aligned.comparison_clusters, return_index=True)[1]
    return [case.panel.units[row] for row in aligned.comparison_rows[first].tolist()]
