"""One effect from several studies of it: random-effects meta-analysis and meta-regression.

Study i found y_i with variance v_i. The model is y_i = x_i'b + u_i + e_i with u_i of variance tau2 (how much the truth
differs between studies beyond what `x` explains) and e_i of variance v_i. tau2 maximises the restricted likelihood
(Viechtbauer 2005, doi:10.3102/10769986030003261), b is then generalised least squares. Intervals of b take tau2 for
known and are normal, as published meta-analyses are; with few studies they are too narrow.

Assumes that the studies are a sample of the places one asks about, and their errors independent and known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Floats
from passerelle.model.errors import StudyError


@dataclass(frozen=True, slots=True, eq=False)
class Meta:
    """Coefficients (the mean effect first, at moderators of zero), their standard errors, and the variance between."""

    coefficients: Floats
    errors: Floats
    tau2: float


def combine(effects: Floats, errors: Floats, moderators: Floats | None = None) -> Meta:
    """The studies' `effects` with standard `errors`, put together; `moderators` has a row a study."""
    # Loaded on first use: a node that runs no study shouldn't wait for it.
    from scipy import optimize

    count = len(effects)
    design = np.column_stack([np.ones(count), np.empty((count, 0)) if moderators is None else moderators])
    if np.linalg.matrix_rank(design) < design.shape[1] or count <= design.shape[1]:
        raise StudyError(
            f"{count} studies can't tell {design.shape[1]} coefficients apart; more studies or fewer moderators",
            where="effects",
        )
    if not (errors > 0).all():
        raise StudyError("a study's standard error is not above 0", where="errors")

    def loss(tau2: float) -> float:
        weights = 1 / (errors**2 + tau2)
        information = design.T * weights @ design
        left = effects - design @ np.linalg.solve(information, design.T @ (weights * effects))
        restricted = np.log(errors**2 + tau2).sum() + np.linalg.slogdet(information)[1] + weights @ left**2
        return float(restricted / 2)

    # No variance between studies can be far above that of their effects.
    most = 10 * float(np.var(effects)) + float((errors**2).max())
    found = optimize.minimize_scalar(loss, bounds=(0.0, most), method="bounded", options={"xatol": 1e-10 * most})
    tau2 = 0.0 if loss(0.0) <= found.fun else float(found.x)
    weights = 1 / (errors**2 + tau2)
    covariance = np.linalg.inv(design.T * weights @ design)
    return Meta(covariance @ (design.T @ (weights * effects)), np.sqrt(np.diag(covariance)), tau2)
