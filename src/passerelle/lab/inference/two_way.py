"""Least squares with an effect for each unit and each time, where some cells may be absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from passerelle.lab.panel import Flags, Floats, Panel
from passerelle.model.errors import StudyError

_ROUNDS = 10_000
_SMALL = 1e-12
"""Rounds end where the largest mean that is left is this small beside the numbers' spread."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoWay:
    """A coefficient, each unit's part in its error, and the weight each cell's outcome has in it."""

    effect: float
    scores: Floats
    weights: Floats


def fit_two_way(panel: Panel, regressor: Floats) -> TwoWay:
    """The fit of the outcomes on `regressor` (units x times), unit effects, and time effects that traits may move."""
    seen = ~np.isnan(panel.outcomes)
    outcome = take_out(np.where(seen, panel.outcomes, 0.0), seen, panel.traits)
    left = take_out(np.where(seen, regressor, 0.0), seen, panel.traits)
    square = float(np.vdot(left, left))
    if square <= 1e-9 * float(np.vdot(regressor, regressor * seen)):
        raise StudyError("the change can't be told from what is constant in a unit or at a time", where="treated")
    effect = float(np.vdot(left, outcome)) / square
    weights = left / square
    return TwoWay(effect, np.einsum("ij,ij->i", weights, outcome - effect * left), weights)


def take_out(values: Floats, seen: Flags, traits: Floats | None = None) -> Floats:
    """`values` less the unit effects, and effects of time and of traits at each time, that fit best; else 0."""
    by_unit = seen.sum(axis=1, keepdims=True)
    if not by_unit.all() or not seen.any(axis=0).all():
        raise StudyError("a unit or a time has no outcome at all; leave it out", where="outcomes")
    found: Floats = values * seen
    at_times = _at_times(seen, np.empty((len(values), 0)) if traits is None else traits)
    limit = _SMALL * max(float(np.abs(found).max()), np.finfo(float).tiny)
    for _ in range(_ROUNDS):
        found = at_times((found - found.sum(axis=1, keepdims=True) / by_unit) * seen)
        if np.abs(found.sum(axis=1, keepdims=True) / by_unit).max() <= limit:
            return found
    raise StudyError("too few outcomes overlap between units and times to tell their effects apart", where="outcomes")


def _at_times(seen: Flags, traits: Floats) -> Callable[[Floats], Floats]:
    """What takes the mean at each time out, and what the traits explain there."""
    by_time = seen.sum(axis=0, keepdims=True)
    if not traits.shape[1]:
        return lambda values: (values - values.sum(axis=0, keepdims=True) / by_time) * seen
    design = np.column_stack([np.ones(len(seen)), traits - traits.mean(axis=0)])
    if seen.all():
        basis = np.linalg.qr(design)[0]
        return lambda values: values - basis @ (basis.T @ values)
    bases = [np.linalg.qr(design * column[:, None])[0] for column in seen.T]
    return lambda values: np.column_stack(
        [column - basis @ (basis.T @ column) for column, basis in zip(values.T, bases, strict=True)]
    )
