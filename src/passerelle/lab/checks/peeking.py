"""Could refute: an effect found by looking until there was one.

Five looks at 5 % each find something in 14 % of nulls (Armitage, McPherson and Rowe 1969, doi:10.2307/2343787). The
error is spent over the looks instead, after Lan and DeMets (1983, doi:10.1093/biomet/70.3.659) with their function of
the O'Brien-Fleming type, on each side 2 - 2 Phi(z / sqrt(t)) at the share t of the times planned, z for half a side's
error: hardly any early, almost all left for the end.

Assumes that what is known grows with the times seen, and that each look was recorded. A look that was not declared
has nothing to spend.
"""

from __future__ import annotations

import numpy as np

from passerelle.lab.case import Case, Claim, not_claimed
from passerelle.lab.panel import Floats
from passerelle.lab.result import Check, Outcome

NAME = "peeking"
_POINTS = 2001
_WIDEST = 8.0


def check_peeking(case: Case) -> Check:
    """Failed where a look was not declared, or the result isn't beyond what may be spent at the last one taken."""
    looks = case.context.looks
    if looks is None:
        return Check(NAME, Outcome.NOT_APPLICABLE, "not_known")
    numbers = {"taken": float(len(looks.taken)), "planned": float(len(looks.planned))}
    undeclared = [share for share in looks.taken if not any(np.isclose(share, looks.planned))]
    if undeclared:
        return Check(NAME, Outcome.FAILED, "undeclared", numbers | {"undeclared": float(len(undeclared))})
    if looks.taken == (1.0,):
        return Check(NAME, Outcome.PASSED, "once", numbers)
    bound, p_value = _last_bound(looks.taken, 1 - case.result.level)
    numbers |= {"p": case.result.p_value, "most": p_value, "bound": bound}
    if case.claim is Claim.NOTHING:
        return not_claimed(NAME)
    held = case.result.p_value <= p_value if case.claim is Claim.EFFECT else _inside(case, bound)
    return Check(NAME, Outcome.PASSED if held else Outcome.FAILED, "held" if held else "spent", numbers)


def _inside(case: Case, bound: float) -> bool:
    """Whether the interval stays inside the smallest effect when widened to this look's bound."""
    from scipy import special

    (low, high), effect = case.result.interval, case.result.effect
    wider = bound / float(special.ndtri((1 + case.result.level) / 2))
    smallest = case.question.smallest or (0.0, 0.0)
    return smallest[0] < effect - wider * (effect - low) and effect + wider * (high - effect) < smallest[1]


def _last_bound(taken: tuple[float, ...], alpha: float) -> tuple[float, float]:
    from scipy import special

    bound = float(bounds(taken, alpha)[-1])
    return bound, float(2 * special.ndtr(-bound))


def bounds(shares: tuple[float, ...], alpha: float) -> Floats:
    """The z that |z| must reach at each look, so that under no effect `alpha` is spent over all of them up to t = 1.

    The density of the score at each look, among those not stopped before, is carried on by numerical convolution.
    """
    from scipy import special

    spent = 4 * special.ndtr(-special.ndtri(1 - alpha / 4) / np.sqrt(np.asarray(shares)))
    found = [float(-special.ndtri(spent[0] / 2))]
    grid, density = np.empty(0), np.empty(0)
    for at in range(1, len(shares)):
        edge, last = found[-1] * np.sqrt(shares[at - 1]), grid
        grid = np.linspace(-edge, edge, _POINTS)
        density = _normal(grid, shares[0]) if at == 1 else _carry(last, density, grid, shares[at - 1] - shares[at - 2])
        score = _solve(grid, density, shares[at] - shares[at - 1], float(spent[at] - spent[at - 1]))
        found.append(score / float(np.sqrt(shares[at])))
    return np.array(found)


def _normal(values: Floats, variance: float) -> Floats:
    return np.asarray(np.exp(-(values**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance))


def _carry(grid: Floats, density: Floats, new: Floats, variance: float) -> Floats:
    return np.asarray(np.trapezoid(_normal(new[:, None] - grid, variance) * density, grid, axis=1))


def _solve(grid: Floats, density: Floats, variance: float, spend: float) -> float:
    """The edge beyond which, on both sides, the score's probability after `variance` more is `spend`."""
    from scipy import optimize, special

    def beyond(edge: float) -> float:
        tails = special.ndtr((grid - edge) / np.sqrt(variance)) + special.ndtr((-edge - grid) / np.sqrt(variance))
        return float(np.trapezoid(tails * density, grid)) - spend

    return float(optimize.brentq(beyond, 0.0, _WIDEST * 2, xtol=1e-10))
