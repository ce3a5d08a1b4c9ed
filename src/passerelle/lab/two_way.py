"""Least squares with an effect for each unit and each time, where some cells may be absent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.model.errors import StudyError

_ROUNDS = 10_000
_SMALL = 1e-11
"""Rounds end where the largest mean that is left is this small beside the numbers' spread."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoWay:
    """The first regressor's coefficient, and what each unit (row) adds to its error.

    `scores` sum to zero over units where nothing is absent; the coefficient's error is their sum where residuals
    are the true errors. `residuals` are zero where a cell is absent.
    """

    effect: float
    scores: Floats
    residuals: Floats


def fit_two_way(panel: Panel, regressors: list[Floats]) -> TwoWay:
    """The least-squares fit of the outcomes on `regressors` (units x times each), unit effects and time effects."""
    seen = ~np.isnan(panel.outcomes)
    outcome = take_out(np.where(seen, panel.outcomes, 0.0), seen)
    columns = [take_out(np.where(seen, one, 0.0), seen) for one in regressors]
    gram = np.array([[np.vdot(one, other) for other in columns] for one in columns])
    spread = np.array([float(np.vdot(np.where(seen, one, 0.0), one)) for one in regressors])
    if np.linalg.eigvalsh(gram / np.sqrt(np.outer(spread, spread)))[0] < 1e-10:
        raise StudyError("the change can't be told from what is constant in a unit or at a time", where="treated")
    coefficients = np.linalg.solve(gram, [np.vdot(one, outcome) for one in columns])
    residuals = outcome - sum(c * one for c, one in zip(coefficients, columns, strict=True))
    own = np.linalg.solve(gram, np.eye(len(columns))[0])
    influence = sum(c * one for c, one in zip(own, columns, strict=True))
    return TwoWay(float(coefficients[0]), np.einsum("ij,ij->i", influence, residuals), residuals)


def take_out(values: Floats, seen: Flags) -> Floats:
    """`values` less the unit and time effects that fit them best where `seen`; zero elsewhere."""
    by_unit, by_time = seen.sum(axis=1, keepdims=True), seen.sum(axis=0, keepdims=True)
    if not by_unit.all() or not by_time.all():
        raise StudyError("a unit or a time has no outcome at all; leave it out", where="outcomes")
    found: Floats = values * seen
    whole = bool(seen.all())
    limit = _SMALL * max(float(np.abs(found).max()), np.finfo(float).tiny)
    for _ in range(_ROUNDS):
        found = (found - found.sum(axis=1, keepdims=True) / by_unit) * seen
        left = found.sum(axis=0, keepdims=True) / by_time
        found = (found - left) * seen
        if whole or np.abs(found.sum(axis=1, keepdims=True) / by_unit).max() <= limit:
            return found
    raise StudyError("too few outcomes overlap between units and times to tell their effects apart", where="outcomes")
